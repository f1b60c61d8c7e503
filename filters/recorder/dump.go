package recorder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"journalpump/pump"
)

// dump makes the records of one dump.
type dump struct {
	*run
	known  *known
	key    key
	ways   ways          // that it goes; each has marks and numbers of its own
	lines  []pump.Record // as the sender would see them; the last ones are of the entry that let the recorder dump
	looked int

	text []byte // of all bodies, each followed by a newline
	ends []int
}

// dumpID returns what names a dump: it follows from the entry that let the recorder dump.
func dumpID(at *pump.Cursor, k key) string {
	sum := sha256.Sum256([]byte(at.String() + "\x00" + k.String()))
	return hex.EncodeToString(sum[:16])
}

// records returns marks, the lines and marks.
func (d *dump) records() []pump.Record {
	marks := d.opts.Marks.Render(d.marks())
	begin, end := d.ways.appendTo(nil, marks.Of(0)), d.ways.appendTo(nil, marks.Of(1))
	out := make([]pump.Record, 0, len(begin)+len(d.lines)+len(end))
	out = append(append(append(out, begin...), d.lines...), end...)
	numbers := make(map[string]int, len(d.ways))
	abouts := make(map[string]*about, len(d.ways))
	for i := range out {
		way := wayOf(&out[i])
		switch {
		case i < len(begin):
			abouts[way] = d.about(way)
			d.add(&out[i], 0, abouts[way], "begin")
		case i < len(begin)+len(d.lines):
			d.add(&out[i], numbers[way], nil, "")
		default:
			d.add(&out[i], numbers[way], abouts[way], "end")
			d.known.Index = max(d.known.Index, numbers[way])
		}
		numbers[way]++
	}
	return d.finish(out)
}

// following returns the records of an entry that follows a dump; those that go other ways are as they are.
func (d *dump) following(out []pump.Record) []pump.Record {
	for i := range out {
		if slices.Contains(d.ways, wayOf(&out[i])) {
			d.add(&out[i], d.known.Index, nil, "")
			continue
		}
		d.text = append(d.text, out[i].Body...)
		d.end()
	}
	return d.finish(out)
}

// finish lets the records have the texts.
func (d *dump) finish(out []pump.Record) []pump.Record {
	begin := 0
	for i := range out {
		end := d.ends[i]
		out[i].Body = d.text[begin : end : end+1]
		begin = end + 1
	}
	return out
}

// about is what is said of a dump as a whole.
type about struct {
	client  string
	start   time.Time
	elapsed time.Duration
	lines   int
	looked  int
}

// about returns what is to be said of the dump's part that goes one of its ways.
func (d *dump) about(way string) *about {
	lines := ways{way}.appendTo(nil, d.lines)
	first, trigger := &lines[0], &lines[len(lines)-1]
	a := &about{start: first.Time().UTC(), lines: len(lines) - 1, looked: d.looked}
	a.elapsed = trigger.Time().Sub(a.start)
	a.client = d.clientOf(trigger, parse(trigger.Body).text("MESSAGE"))
	return a
}

// marks returns a chunk with the two entries before and behind the lines.
func (d *dump) marks() *pump.Chunk {
	c := &pump.Chunk{}
	trigger := &d.lines[len(d.lines)-1]
	at := trigger.Chunk.Entries[trigger.Index].Position
	if err := parseID(d.known.ID, &at.SeqnumID); err != nil {
		return c
	}
	name := title(d.known.Reason)
	for n, text := range []string{"-----BEGIN " + name + " FORENSICS-----", "-----END " + name + " FORENSICS-----"} {
		at.Seqnum = uint64(n + 1)
		at.Parts = pump.HasSeqnum | pump.HasMonotonic | pump.HasRealtime
		first := len(c.Refs)
		add := func(name string, value []byte) {
			c.Own = append(c.Own, pump.Field{Name: name, Value: value})
			c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)-1))
		}
		add("MESSAGE", []byte(text))
		add("SYSLOG_IDENTIFIER", []byte("flight-recorder"))
		d.copyFields(add)
		c.Entries = append(c.Entries, pump.Entry{Position: at, First: uint32(first), Last: uint32(len(c.Refs))}) //nolint:gosec // some dozen
	}
	return c
}

// copyFields says what the dump is about: by its key, and the entry that let the recorder dump; where that only speaks about others, by
// the last line.
func (d *dump) copyFields(add func(string, []byte)) {
	trigger := &d.lines[len(d.lines)-1]
	line := trigger
	if n := len(d.lines) - len(d.ways); n > 0 && !hasAll(trigger.Chunk, trigger.Index, d.key) {
		line = &d.lines[n-1]
	}
	copyFrom := func(r *pump.Record, name, source string) bool {
		value, ok := raw(r.Chunk, r.Index, source)
		if ok {
			add(name, value)
		}
		return ok
	}
	inKey := map[string]bool{}
	for _, f := range d.key {
		add(f.Name, f.Value)
		inKey[f.Name] = true
	}
	for _, name := range []string{"PRIORITY", "_BOOT_ID", "_MACHINE_ID", "_HOSTNAME"} {
		copyFrom(trigger, name, name)
	}
	if !inKey[unitField] {
		copyFrom(line, unitField, unitField)
	}
	if !inKey[pidField] && !copyFrom(trigger, pidField, "COREDUMP_PID") {
		copyFrom(line, pidField, pidField)
	}
	if !copyFrom(trigger, "_UID", "COREDUMP_UID") {
		copyFrom(line, "_UID", "_UID")
	}
}

func parseID(text string, id *pump.ID128) (err error) {
	*id, err = pump.ParseID128(text)
	return err
}

// add appends the body of a record, with what the recorder has to say of it.
func (d *dump) add(r *pump.Record, index int, a *about, mark string) {
	if d.opts.Format == Text {
		d.addText(r.Body, a, mark)
	} else {
		d.addJSON(r.Body, index, a, mark)
	}
	d.end()
}

// end ends a body.
func (d *dump) end() {
	d.ends = append(d.ends, len(d.text))
	d.text = append(d.text, '\n')
}

// addJSON appends an object with more members. What is no object stays as it is.
func (d *dump) addJSON(body []byte, index int, a *about, mark string) {
	rest, ok := bytes.CutSuffix(body, []byte("}"))
	d.text = append(d.text, rest...)
	if !ok {
		return
	}
	if len(rest) > 1 {
		d.text = append(d.text, ',')
	}
	d.text = append(d.text, `"FLIGHT_RECORDER_ID":"`+d.known.ID+`","FLIGHT_RECORDER_INDEX":`...)
	d.text = strconv.AppendInt(d.text, int64(index), 10)
	if d.keyIsShown() {
		d.addMember("KEY", d.known.Key)
	}
	d.addMember("REASON", d.known.Reason)
	if a != nil {
		d.addMember("MARK", mark)
		if a.client != "" {
			d.addMember("CLIENT", a.client)
		}
		d.addMember("START", a.start.Format(timeLayout))
		d.addNumber("ELAPSED_USEC", a.elapsed.Microseconds())
		d.addNumber("LINES", int64(a.lines))
		d.addNumber("LOOKED_AT", int64(a.looked))
	}
	d.text = append(d.text, '}')
}

const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// keyIsShown reports whether the sender sees all fields that the key is made of.
func (d *dump) keyIsShown() bool {
	if d.opts.Shows == nil {
		return true
	}
	for i := range d.fields {
		if !d.opts.Shows(d.fields[i].name) {
			return false
		}
	}
	return true
}

func (d *dump) addMember(name, value string) {
	d.text = append(d.text, `,"FLIGHT_RECORDER_`+name+`":`...)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a string can be encoded
	d.text = append(d.text, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func (d *dump) addNumber(name string, n int64) {
	d.text = append(d.text, `,"FLIGHT_RECORDER_`+name+`":`...)
	d.text = strconv.AppendInt(d.text, n, 10)
}
