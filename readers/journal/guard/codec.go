package guard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"journalpump/pump"
)

// A record of the spool is a chunk. What is needed to find it is the record's meta data:
//
//	version (1 byte), from, to (positions), number of entries, of corrupted ones, gaps, spans
//
// and its fields and entries are the body, compressed with zstd:
//
//	shared fields, own fields (names and values), entries (position, indices of fields, the shared ones first)
//
// Numbers are uvarints, texts have their length before them, and positions are of a fixed size, which compresses well.
const recordVersion = 2

// maxBody bounds what a body may take up when it is decompressed: no chunk has more.
const maxBody = 96 << 20

// dictLimit is how much a decoder's shared fields may take up before they are forgotten.
const dictLimit = 8 << 20

// place is where a chunk is in the journal.
type place struct {
	from, to  pump.Position
	entries   uint64
	corrupted uint64
	gaps      []pump.Gap
	spans     []span
}

// span is what a chunk has of a sequence: its lowest and its highest number.
type span struct {
	id          pump.ID128
	first, last uint64
}

func placeOf(c *pump.Chunk) place {
	p := place{from: c.From, to: c.To, entries: uint64(len(c.Entries)), corrupted: uint64(max(c.Corrupted, 0)), gaps: c.Gaps}
	for i := range c.Entries {
		at := &c.Entries[i].Position
		if at.Parts&pump.HasSeqnum == 0 {
			continue
		}
		s := slices.IndexFunc(p.spans, func(s span) bool { return s.id == at.SeqnumID })
		if s < 0 {
			p.spans = append(p.spans, span{at.SeqnumID, at.Seqnum, at.Seqnum})
			continue
		}
		p.spans[s].first = min(p.spans[s].first, at.Seqnum)
		p.spans[s].last = max(p.spans[s].last, at.Seqnum)
	}
	return p
}

func (p *place) append(b []byte) []byte {
	b = append(b, recordVersion)
	b = appendPosition(b, &p.from)
	b = appendPosition(b, &p.to)
	b = binary.AppendUvarint(b, p.entries)
	b = binary.AppendUvarint(b, p.corrupted)
	b = binary.AppendUvarint(b, uint64(len(p.gaps)))
	for _, g := range p.gaps {
		b = append(b, g.SeqnumID[:]...)
		for _, n := range []uint64{g.First, g.Last, g.Count, g.From, g.To} {
			b = binary.AppendUvarint(b, n)
		}
		b = appendText(b, g.Reason)
	}
	b = binary.AppendUvarint(b, uint64(len(p.spans)))
	for _, s := range p.spans {
		b = append(b, s.id[:]...)
		b = binary.AppendUvarint(b, s.first)
		b = binary.AppendUvarint(b, s.last)
	}
	return b
}

func parsePlace(b []byte) (place, error) {
	r := reader{rest: b}
	if version := r.bytes(1); r.err == nil && version[0] != recordVersion {
		return place{}, fmt.Errorf("a record of version %d", version[0])
	}
	p := place{from: r.position(), to: r.position(), entries: r.uvarint(), corrupted: r.uvarint()}
	for range r.count() {
		g := pump.Gap{SeqnumID: r.id(), First: r.uvarint(), Last: r.uvarint(), Count: r.uvarint(), From: r.uvarint(), To: r.uvarint()}
		g.Reason = string(r.text())
		p.gaps = append(p.gaps, g)
	}
	for range r.count() {
		p.spans = append(p.spans, span{id: r.id(), first: r.uvarint(), last: r.uvarint()})
	}
	return p, r.end()
}

const positionSize = 16 + 8 + 16 + 8 + 8 + 8 + 1

// appendPosition appends a cursor, and what the position says of other sequences behind a 1 if it does.
func appendPosition(b []byte, p *pump.Position) []byte {
	b = appendCursor(b, &p.Cursor)
	if !p.Whole {
		return append(b, 0)
	}
	return appendText(append(b, 1), p.Others)
}

func appendCursor(b []byte, p *pump.Cursor) []byte {
	b = append(b, p.SeqnumID[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Seqnum)
	b = append(b, p.BootID[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Monotonic)
	b = binary.BigEndian.AppendUint64(b, p.Realtime)
	b = binary.BigEndian.AppendUint64(b, p.XorHash)
	return append(b, byte(p.Parts))
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// encoder makes bodies. It is used by one goroutine.
type encoder struct {
	zstd   *zstd.Encoder
	shared map[pump.Ref]uint64 // the numbers of shared fields
	refs   []pump.Ref          // by number
	plain  []byte
	body   []byte
}

// encode returns the body of a chunk, which is valid until the next call.
func (e *encoder) encode(c *pump.Chunk) ([]byte, error) {
	if e.zstd == nil {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		e.zstd = z
	}
	e.shared, e.refs = map[pump.Ref]uint64{}, e.refs[:0]
	for _, ref := range c.Refs {
		if _, ok := ref.Dict(); !ok {
			continue
		}
		if _, ok := e.shared[ref]; !ok {
			e.shared[ref] = uint64(len(e.refs))
			e.refs = append(e.refs, ref)
		}
	}
	b := binary.AppendUvarint(e.plain[:0], uint64(len(e.refs)))
	for _, ref := range e.refs {
		f := c.Field(ref)
		b = appendText(appendText(b, f.Name), f.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Own)))
	for i := range c.Own {
		b = appendText(appendText(b, c.Own[i].Name), c.Own[i].Value)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Entries)))
	for i := range c.Entries {
		b = appendCursor(b, &c.Entries[i].Position)
		fields := c.Fields(i)
		b = binary.AppendUvarint(b, uint64(len(fields)))
		for _, ref := range fields {
			n, ok := e.shared[ref]
			if !ok {
				own, _ := ref.Dict()
				n = uint64(len(e.refs) + own) //nolint:gosec // an index
			}
			b = binary.AppendUvarint(b, n)
		}
	}
	e.plain = b
	e.body = e.zstd.EncodeAll(b, e.body[:0])
	return e.body, nil
}

// decoder makes chunks of records. It is used by one goroutine.
type decoder struct {
	zstd   *zstd.Decoder
	dict   *pump.Dict
	shared map[string]pump.Ref // by name, = and value
	names  map[string]string
	key    []byte
	body   []byte
}

var errRecord = errors.New("not what was put into the spool")

// decode adds to the chunk what a body has after the entry of a position.
func (d *decoder) decode(body []byte, after *pump.Position, c *pump.Chunk) error {
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody))
		if err != nil {
			return err
		}
		d.zstd = z
	}
	if d.dict == nil || d.dict.Bytes() > dictLimit {
		d.dict, d.shared, d.names = pump.NewDict(), map[string]pump.Ref{}, map[string]string{}
	}
	plain, err := d.zstd.DecodeAll(body, nil) // fields point into it
	if err != nil {
		return err
	}
	r := reader{rest: plain}
	var refs []pump.Ref
	for range r.count() {
		refs = append(refs, d.share(r.text(), r.text()))
	}
	c.Own = make([]pump.Field, r.count())
	for i := range c.Own {
		c.Own[i] = pump.Field{Name: d.name(r.text()), Value: r.text()}
		refs = append(refs, pump.OwnRef(i))
	}
	n := r.count()
	c.Entries = make([]pump.Entry, 0, min(n, len(r.rest)/positionSize))
	for range n {
		e := pump.Entry{Position: r.cursor(), First: uint32(len(c.Refs))} //nolint:gosec // an index
		for range r.count() {
			n := r.uvarint()
			if n >= uint64(len(refs)) {
				return errRecord
			}
			c.Refs = append(c.Refs, refs[n])
		}
		e.Last = uint32(len(c.Refs)) //nolint:gosec // an index
		c.Entries = append(c.Entries, e)
		if upTo(&e.Position, after) {
			c.Entries, c.Refs = c.Entries[:0], c.Refs[:0]
		}
	}
	c.Dict = d.dict.Snapshot()
	c.Bytes = len(plain) + 4*len(c.Refs)
	return r.end()
}

// upTo reports whether the entry is of the same sequence as that of the position, and not after it.
func upTo(entry *pump.Cursor, p *pump.Position) bool {
	return p.Parts&entry.Parts&pump.HasSeqnum != 0 && entry.SeqnumID == p.SeqnumID && entry.Seqnum <= p.Seqnum
}

// share returns the ref of a shared field.
func (d *decoder) share(name, value []byte) pump.Ref {
	d.key = append(append(append(d.key[:0], name...), '='), value...)
	if ref, ok := d.shared[string(d.key)]; ok {
		return ref
	}
	key := string(d.key)
	ref := d.dict.Add(pump.Field{Name: key[:len(name)], Value: bytes.Clone(value)})
	d.shared[key] = ref
	return ref
}

// name returns the one string there is for a field's name.
func (d *decoder) name(text []byte) string {
	if name, ok := d.names[string(text)]; ok {
		return name
	}
	name := string(text)
	d.names[name] = name
	return name
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
		d.zstd = nil
	}
}

// reader reads what was encoded; after an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n > len(r.rest) {
		r.err = errRecord
		return make([]byte, min(n, positionSize))
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if r.err != nil || size <= 0 {
		r.err = errRecord
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads how many things follow, each of which takes up at least a byte.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.err = errRecord
		return 0
	}
	return int(n) //nolint:gosec // as many as there are bytes at most
}

func (r *reader) text() []byte { return r.bytes(r.count()) }

func (r *reader) id() pump.ID128 { return pump.ID128(r.bytes(len(pump.ID128{}))) }

func (r *reader) position() pump.Position {
	p := pump.Position{Cursor: r.cursor()}
	if p.Whole = r.bytes(1)[0] == 1; p.Whole {
		p.Others = string(r.text())
	}
	return p
}

func (r *reader) cursor() (p pump.Cursor) {
	b := r.bytes(positionSize)
	p.SeqnumID, b = pump.ID128(b), b[16:]
	p.Seqnum, b = binary.BigEndian.Uint64(b), b[8:]
	p.BootID, b = pump.ID128(b), b[16:]
	p.Monotonic, p.Realtime, p.XorHash = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	p.Parts = pump.PositionParts(b[24])
	return p
}

func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = errRecord
	}
	return r.err
}
