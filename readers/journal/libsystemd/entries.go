package libsystemd

import (
	"bytes"
	"encoding/binary"

	"journalpump/pump"
)

// The payload of sayEntries: flags (1 byte), how many entries were passed over as unreadable, the number of entries, and
// for each its position, the number of its fields, and for each of those a tag:
//
//	tagOwn     NAME=value follows, a field that was not seen before
//	tagDefine  NAME=value follows, a field seen for the second time: it gets the next number
//	tagKnown+n the field with number n
//
// Numbers start at 0 when the child does, and again in a payload with flagForget.

const (
	tagOwn    = 0
	tagDefine = 1
	tagKnown  = 2
)

type entryFlags byte

const (
	flagEnd    entryFlags = 1 << iota // there is nothing more for now
	flagJumped                        // sequence numbers do not follow on each other: see batch.jumped
	flagForget                        // field numbers start again
)

// batch is what one reading brought.
type batch struct {
	chunk *pump.Chunk
	end   bool
	// jumped is set when an entry's sequence number is not its predecessor's successor. Either the entries between
	// do not concern this reader, or they are gone, or they are in a file that appeared after the files were opened.
	jumped bool
}

// fields is the agent's side of the numbering.
type fields struct {
	dict  *pump.Dict
	names map[string]string // so that a name is kept once
}

const maxNames = 4096 // then the names are forgotten: a journal with more has them made up by somebody

func newFields() *fields { return &fields{dict: pump.NewDict(), names: make(map[string]string)} }

// field splits NAME=value; the value remains a part of data.
func (f *fields) field(data []byte) (pump.Field, bool) {
	name, value, ok := bytes.Cut(data, []byte{'='})
	if !ok || len(name) == 0 {
		return pump.Field{}, false
	}
	known, ok := f.names[string(name)]
	if !ok {
		if len(f.names) >= maxNames {
			clear(f.names)
		}
		known = string(name)
		f.names[known] = known
	}
	return pump.Field{Name: known, Value: value}, true
}

const (
	entryCost = 80 // memory of a pump.Entry
	fieldCost = 40 // memory of a pump.Field
)

// decode makes a chunk of a payload, which belongs to the chunk from then on.
func (f *fields) decode(payload []byte, from pump.Position) (batch, error) {
	d := decoder{rest: payload}
	flags := entryFlags(d.octet())
	if flags&flagForget != 0 {
		f.dict = pump.NewDict()
	}
	c := &pump.Chunk{From: from, To: from, Corrupted: int(min(d.number(), 1<<30)), Bytes: len(payload)}
	n := d.count(positionSize + 1)
	c.Entries = make([]pump.Entry, 0, n)
	for range n {
		f.entry(&d, c)
	}
	c.Dict = f.dict.Snapshot()
	if err := d.end("entries"); err != nil {
		return batch{}, err
	}
	if n > 0 {
		c.To = pump.Position{Cursor: c.Entries[n-1].Position}
		c.Bytes += n*entryCost + len(c.Refs)*4 + len(c.Own)*fieldCost
	}
	return batch{chunk: c, end: flags&flagEnd != 0, jumped: flags&flagJumped != 0}, nil
}

func (f *fields) entry(d *decoder, c *pump.Chunk) {
	e := pump.Entry{Position: d.position().Cursor, First: uint32(len(c.Refs))} //nolint:gosec // bounded by maxFrame
	for range d.count(1) {
		tag := d.number()
		if tag >= tagKnown {
			if tag-tagKnown >= uint64(f.dict.Len()) { //nolint:gosec // a length
				d.fail()
				return
			}
			c.Refs = append(c.Refs, pump.Ref(tag-tagKnown)) //nolint:gosec // just checked
			continue
		}
		field, ok := f.field(d.bytes())
		if !ok {
			d.fail()
			return
		}
		if tag == tagDefine {
			field.Value = bytes.Clone(field.Value) // it outlives the payload
			c.Refs = append(c.Refs, f.dict.Add(field))
			continue
		}
		c.Own = append(c.Own, field)
		c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)-1))
	}
	e.Last = uint32(len(c.Refs)) //nolint:gosec // bounded by maxFrame
	c.Entries = append(c.Entries, e)
}

// entriesFrame is the child's side: it makes a frame of entries.
type entriesFrame struct {
	buf     []byte // entries, encoded
	count   uint64
	fields  uint64 // of the entry that was begun
	scratch []byte // its fields
}

func (w *entriesFrame) reset() { w.buf, w.count = w.buf[:0], 0 }

func (w *entriesFrame) begin() {
	w.scratch, w.fields = w.scratch[:0], 0
}

func (w *entriesFrame) own(tag uint64, data []byte) {
	w.scratch = appendString(binary.AppendUvarint(w.scratch, tag), data)
	w.fields++
}

func (w *entriesFrame) known(n uint64) {
	w.scratch = binary.AppendUvarint(w.scratch, tagKnown+n)
	w.fields++
}

func (w *entriesFrame) finish(p *pump.Position) {
	w.buf = appendPosition(w.buf, p)
	w.buf = binary.AppendUvarint(w.buf, w.fields)
	w.buf = append(w.buf, w.scratch...)
	w.count++
}

func (w *entriesFrame) append(b []byte, flags entryFlags, corrupted uint64) []byte {
	b = append(b, byte(flags))
	b = binary.AppendUvarint(b, corrupted)
	b = binary.AppendUvarint(b, w.count)
	return append(b, w.buf...)
}
