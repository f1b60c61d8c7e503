package filters

import (
	"slices"

	"journalpump/filters/convert"
	"journalpump/pump"
)

// maxChunkText bounds the text of a chunk's own fields, so that positions in it fit 31 bits: one more value is at most
// six times maxValue long. Fields beyond are shown empty and mark their entry as cut.
const maxChunkText = 1 << 30

// builder computes the stage of one chunk. It holds the lock of its table.
type builder struct {
	stage *Stage
	table *table
	chunk *pump.Chunk
	out   *staged

	calendar convert.Calendar
	match    matchWork
	guess    [8]uint32 // rawNames of the own fields of the entry before, by their place among its own fields
	resolver resolver
}

func newBuilder(s *Stage, t *table, c *pump.Chunk, out *staged) *builder {
	b := &builder{stage: s, table: t, chunk: c, out: out}
	b.match.enc.mode = s.config.BinaryFields
	out.entries = make([]stagedEntry, 0, len(c.Entries))
	out.own = make([]field, len(c.Own))
	if s.config.Searches == nil && len(s.config.Matches) == 0 { // else it is hard to tell
		out.text = make([]byte, 0, textSize(c))
	}
	return b
}

// textSize estimates the text of a chunk all of whose entries pass.
func textSize(c *pump.Chunk) int {
	size := len(c.Entries) * timesSize
	for i := range c.Own {
		size += min(len(c.Own[i].Value), maxValue) + len(c.Own[i].Name) + len(`,"":""`)
	}
	return size + size/16 // for escapes
}

func (b *builder) matches(i int) bool {
	why, _ := b.stage.config.cause(b.chunk, i, &b.match)
	return why == Shown
}

// add encodes what is particular to entry i.
func (b *builder) add(i int) {
	pe := &b.chunk.Entries[i]
	e := stagedEntry{index: uint32(i), first: pe.First, last: pe.Last} //nolint:gosec // an index of a chunk
	watched, ok := b.scan(&e, b.chunk.Refs[pe.First:pe.Last])
	if !ok {
		watched = b.watches(b.chunk.Refs[pe.First:pe.Last])
		e = stagedEntry{index: e.index, resolved: true}
		e.first = uint32(len(b.out.refs)) //nolint:gosec // a chunk has far fewer fields
		b.resolve(b.chunk.Refs[pe.First:pe.Last])
		e.last = uint32(len(b.out.refs)) //nolint:gosec // likewise
		b.sum(&e, b.out.refs[e.first:e.last])
	}
	if watched {
		b.out.watched = append(b.out.watched, e.index)
	}
	b.addTimes(&e, pe.Position.Realtime)
	b.out.entries = append(b.out.entries, e)
}

// watches reports whether the stage watches for one of the fields.
func (b *builder) watches(refs []pump.Ref) bool {
	watch := b.table.watch
	return watch != nil && slices.ContainsFunc(refs, func(r pump.Ref) bool { return watch.Passes(b.chunk.Field(r)) })
}

// scan fills in what follows from the entry's fields, encoding those that are its own. It gives up if two of them
// share a plain name or one is not in the table.
func (b *builder) scan(e *stagedEntry, refs []pump.Ref) (watched, ok bool) {
	t := b.table
	fields, stamp := t.fields, t.nextStamp()
	var sum entrySum
	nth := 0
	for _, r := range refs {
		var f *field
		if i, inDict := r.Dict(); !inDict {
			f = b.encodeOwn(i, nth)
			nth++
		} else if i < len(fields) {
			f = &fields[i]
		} else {
			return false, false
		}
		if t.seen[f.name] == stamp {
			return false, false
		}
		t.seen[f.name] = stamp
		sum.size += int(f.n)
		if f.flags != 0 {
			sum.note(r, f)
		}
	}
	b.apply(e, &sum)
	return sum.watched, true
}

// sum does what scan does for fields that resolve has put in order.
func (b *builder) sum(e *stagedEntry, refs []pump.Ref) {
	var sum entrySum
	for _, r := range refs {
		f := b.field(r)
		sum.size += int(f.n)
		sum.note(r, f)
	}
	b.apply(e, &sum)
}

func (b *builder) field(r pump.Ref) *field {
	if i, ok := r.Dict(); ok {
		return &b.table.fields[i]
	}
	return &b.out.own[ownIndex(r)]
}

// entrySum is what an entry's fields come to.
type entrySum struct {
	size          int
	unit          pump.Ref
	level         int8
	hasUnit       bool
	redacted, cut bool
	watched       bool
}

func (s *entrySum) note(r pump.Ref, f *field) {
	switch {
	case f.flags&flagUnit != 0:
		s.hasUnit, s.unit = true, r
	case f.flags&flagPriority != 0:
		s.level = f.level
	}
	s.redacted = s.redacted || f.flags&flagRedacted != 0
	s.cut = s.cut || f.flags&flagCut != 0
	s.watched = s.watched || f.flags&flagWatched != 0
}

func (b *builder) apply(e *stagedEntry, s *entrySum) {
	e.size, e.cut = s.size, s.cut
	if s.hasUnit {
		e.unit, e.level = s.unit, s.level
	}
	if s.redacted {
		b.out.secretMatches++
	}
}

// encodeOwn encodes Chunk.Own[i], which is its entry's own field number nth. The names of own fields tend to
// come in the same order in every entry.
func (b *builder) encodeOwn(i, nth int) *field {
	f := &b.chunk.Own[i]
	guess := &b.guess[nth%len(b.guess)]
	if names := b.table.rawNames; int(*guess) >= len(names) || names[*guess].raw != f.Name {
		*guess = b.table.ownName(f.Name)
	}
	name, own := &b.table.rawNames[*guess], &b.out.own[i]
	b.out.text, *own = b.encode(b.out.text, name, f.Value)
	if b.table.watches(name, f) {
		own.flags |= flagWatched
	}
	return own
}

func (b *builder) encode(text []byte, n *rawName, value []byte) ([]byte, field) {
	full := len(text) > maxChunkText
	if full {
		value = nil
	}
	text, f := b.table.encode(text, n, value, b.stage.config.Secrets)
	if full {
		f.flags |= flagCut
	}
	return text, f
}

const (
	realtimeHead = `,"` + realtimeName + `":`
	isoHead      = `,"` + timestampName + `":"`
	timesSize    = len(realtimeHead + "1760000003.078006" + isoHead + "2025-10-09T08:53:23.078006" + `"`)
)

func (b *builder) addTimes(e *stagedEntry, realtime uint64) {
	text := b.out.text
	start := len(text)
	text = append(text, realtimeHead...)
	text = convert.AppendTimestamp(text, realtime)
	middle := len(text)
	text = append(text, isoHead...)
	text = b.calendar.AppendISO(text, realtime)
	text = append(text, '"')
	e.times = uint32(start)               //nolint:gosec // see maxChunkText
	e.realtimeLen = uint8(middle - start) //nolint:gosec // at most 21 digits
	e.isoLen = uint8(len(text) - middle)  //nolint:gosec // likewise
	b.out.text = text
}
