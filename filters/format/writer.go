package format

import (
	"slices"
	"strconv"

	"journalpump/filters/convert"
	"journalpump/filters/jsontext"
	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// Entry is what a format sees of an entry.
type Entry struct {
	Chunk  *pump.Chunk
	Index  int      // in the chunk
	Values [][]byte // as JSON, by Format.Fields; nil for those that it lacks
	// It begins a session, or ends one.
	Connecting, Disconnecting bool
}

// Writer writes objects of a format, reusing its memory. It is used by one goroutine at a time.
type Writer struct {
	format    *Format
	expanders []*placeholder.Expander // by key; nil for those that are no time with directives
	calendar  convert.Calendar

	// Of the entry at hand:
	groups     [][]byte // by Format.groups; nil for those without a value
	texts      []byte
	scratch    []byte
	candidates []uint64
	loc        []int
}

func (f *Format) newWriter() *Writer {
	w := &Writer{format: f, groups: make([][]byte, len(f.groups)), expanders: make([]*placeholder.Expander, len(f.keys))}
	for i := range f.keys {
		if t := f.keys[i].template; t != nil {
			w.expanders[i] = t.Expander(nil)
		}
	}
	return w
}

// Writer returns a writer, which is to be given back with Release.
func (f *Format) Writer() *Writer {
	w, _ := f.writers.Get().(*Writer)
	return w
}

// maxMemory is how many bytes a writer keeps for the next entry.
const maxMemory = 1 << 20

// Release gives the writer back.
func (w *Writer) Release() {
	clear(w.groups)
	if cap(w.texts)+cap(w.scratch) > maxMemory {
		w.texts, w.scratch = nil, nil
	}
	w.format.writers.Put(w)
}

// Append appends the entry's object, on one line, to dst.
func (w *Writer) Append(dst []byte, e *Entry) []byte {
	start := len(dst)
	w.extract(e)
	if e.Connecting {
		dst = append(dst, `,"connecting":true`...)
	}
	if e.Disconnecting {
		dst = append(dst, `,"disconnecting":true`...)
	}
	for i := range w.format.keys {
		k := &w.format.keys[i]
		before := len(dst)
		dst = append(dst, k.head...)
		var ok bool
		if dst, ok = w.appendValue(dst, i, k, e); !ok {
			dst = dst[:before]
		}
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

func (w *Writer) appendValue(dst []byte, i int, k *key, e *Entry) (out []byte, ok bool) {
	if k.time != "" {
		return w.appendTime(dst, i, k, e), true
	}
	if k.group >= 0 && w.groups[k.group] != nil {
		if dst, ok = appendText(dst, k.kind, w.groups[k.group]); ok {
			return dst, true
		}
	}
	for _, slot := range k.slots {
		if e.Values[slot] == nil {
			continue
		}
		if dst, ok = w.appendJSON(dst, k.kind, e.Values[slot]); ok {
			return dst, true
		}
	}
	return append(dst, k.constant...), k.constant != nil
}

// appendJSON appends a field's value, which is JSON. Of a field that occurs several times it is a list.
func (w *Writer) appendJSON(dst []byte, kind Type, value []byte) (out []byte, ok bool) {
	switch value[0] {
	case 'n', '"':
		if string(value) == "null" || string(value) == `""` {
			return dst, false
		}
	case '[', '{':
		if kind == String {
			return jsontext.AppendString(dst, value), true
		}
		return append(dst, value...), kind == Natural || kind == JSON
	}
	if kind == Natural {
		return append(dst, value...), true
	}
	text := value
	if value[0] == '"' {
		w.scratch = jsontext.AppendText(w.scratch[:0], value[1:len(value)-1])
		text = w.scratch
	}
	return appendText(dst, kind, text)
}

func (w *Writer) appendTime(dst []byte, i int, k *key, e *Entry) []byte {
	const second, milli = 1_000_000, 1000
	micros := e.Chunk.Entries[e.Index].Position.Realtime
	switch k.time {
	case Epoch:
		return strconv.AppendUint(dst, micros/second, 10)
	case Millis:
		return strconv.AppendUint(dst, micros/milli, 10)
	case Micros:
		return strconv.AppendUint(dst, micros, 10)
	case microsPart:
		return strconv.AppendUint(dst, micros%second, 10)
	case millisPart:
		return strconv.AppendUint(dst, micros%second/milli, 10)
	case ISO8601:
		dst = w.calendar.AppendISO(append(dst, '"'), micros)
		return append(dst, `Z"`...)
	case commaTime:
		dst = append(dst, '"')
		at := len(dst)
		dst = w.calendar.AppendISO(dst, micros/second*second)
		dst[at+len("2006-01-02")] = ' '
		dst = append(dst, ',')
		for unit := uint64(100); unit > 0; unit /= 10 {
			dst = append(dst, '0'+byte(micros%second/milli/unit%10))
		}
		return append(dst, '"')
	}
	r := pump.Record{Chunk: e.Chunk, Index: e.Index}
	w.scratch = w.expanders[i].Append(w.scratch[:0], &r)
	return jsontext.AppendString(dst, w.scratch)
}

// extract fills in the groups.
func (w *Writer) extract(e *Entry) {
	if len(w.groups) == 0 {
		return
	}
	clear(w.groups)
	w.texts = w.texts[:0]
	for i := range w.format.extractors {
		x := &w.format.extractors[i]
		if value := e.Values[x.slot]; len(value) > 0 && value[0] == '"' && x.concerns(e) {
			w.run(x, value[1:len(value)-1])
		}
	}
}

// concerns reports whether the entry is of one of the programs.
func (x *extractor) concerns(e *Entry) bool {
	if x.programs == nil {
		return true
	}
	value := e.Values[x.programSlot]
	if len(value) < len(`""`) {
		return false
	}
	is := func(program string) bool { return string(value[1:len(value)-1]) == program }
	return slices.ContainsFunc(x.programs, is)
}

// run tries the patterns on a text. What takes too long has no groups.
func (w *Writer) run(x *extractor, inside []byte) {
	start := len(w.texts)
	w.texts = jsontext.AppendText(w.texts, inside)
	text := w.texts[start:]
	if n := x.set.Words(); cap(w.candidates) < n {
		w.candidates = make([]uint64, n)
	}
	bits := w.candidates[:x.set.Words()]
	if !x.set.Candidates(bits, text) {
		return
	}
	for n, p := range x.patterns {
		if bits[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		loc, err := p.FindSubmatchIndexFiltered(w.loc, text)
		if err != nil || loc == nil {
			continue
		}
		w.loc = loc
		for g, i := range x.groups[n] {
			if i < 0 || w.groups[i] != nil || loc[2*g] < 0 {
				continue
			}
			if value := text[loc[2*g]:loc[2*g+1]]; len(value) > 0 && string(value) != "-" {
				w.groups[i] = value
			}
		}
	}
}
