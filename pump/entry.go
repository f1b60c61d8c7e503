package pump

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Field is one NAME=value of an entry. Name keeps its leading underscores; Value is any bytes. Both are immutable.
type Field struct {
	Name  string
	Value []byte
}

// PlainName returns the field's name as senders see it: without leading underscores.
func (f *Field) PlainName() string { return strings.TrimLeft(f.Name, "_") }

// Ref names a field of a chunk: one of the chunk's Dict, or one of the chunk's own.
type Ref uint32

const ownBit Ref = 1 << 31

// OwnRef returns the Ref of Chunk.Own[i].
func OwnRef(i int) Ref { return Ref(i) | ownBit } //nolint:gosec // a chunk has far fewer than 2^31 fields

// Dict returns the index of the field in Chunk.Dict.Fields; ok is false for one of the chunk's own fields.
func (r Ref) Dict() (i int, ok bool) { return int(r &^ ownBit), r&ownBit == 0 }

// Entry is one record of a log. Its fields are a range of the chunk's Refs: see Chunk.Fields.
type Entry struct {
	Position    Cursor
	First, Last uint32 // its fields are Chunk.Refs[First:Last], in the order the log has them
}

// Dict holds the fields that many entries share. What a view makes of such a field (kept? redacted? its JSON) is
// the same wherever it occurs, so it is computed once and found again by the field's index here.
//
// An iterator owns its Dict and is the only one to call Add; chunks hold snapshots, which stay valid.
type Dict struct {
	id     uint64
	fields []Field
	bytes  int
}

var lastDict atomic.Uint64 //nolint:gochecknoglobals // identities have to differ within the process, and that is all

// NewDict returns an empty Dict with an identity of its own.
func NewDict() *Dict { return &Dict{id: lastDict.Add(1)} }

// Add appends f, whose Name and Value must not change any more, and returns its Ref.
func (d *Dict) Add(f Field) Ref {
	d.fields = append(d.fields, f)
	d.bytes += len(f.Name) + len(f.Value) + 64 // 64: the Field and what an index over it costs
	return Ref(len(d.fields) - 1)              //nolint:gosec // bounded by the iterator's memory limit
}

// Bytes returns about how much memory the Dict holds.
func (d *Dict) Bytes() int { return d.bytes }

// Len returns the number of fields added.
func (d *Dict) Len() int { return len(d.fields) }

// Field returns the field of a Ref that Add returned.
func (d *Dict) Field(r Ref) *Field { return &d.fields[r] }

// Snapshot returns what was added so far; later calls of Add do not change it.
func (d *Dict) Snapshot() DictSnapshot { return DictSnapshot{ID: d.id, Fields: d.fields} }

// DictSnapshot is a prefix of a Dict. Two snapshots with the same ID agree on the indices they both have.
type DictSnapshot struct {
	ID     uint64
	Fields []Field
}

// Gap is a stretch of a log that is known to have held entries which were gone, or unreadable, before they were read.
type Gap struct {
	SeqnumID    ID128
	First, Last uint64 // sequence numbers, both inclusive; 0 where they are not known
	Count       uint64 // how many entries at most; 0 where it is not known
	From, To    uint64 // realtime in microseconds, of the neighbours where the gap's own is not known
	Reason      string // "vacuumed", "corrupted", …
}

// Chunk is some consecutive entries of a log. It is immutable and shared between lanes once an iterator returned it.
type Chunk struct {
	From, To  Position // it holds what lies after From up to and including To
	Entries   []Entry  // may be empty: the log then had nothing for this reader between From and To
	Refs      []Ref
	Own       []Field // fields that only one entry has, such as most MESSAGEs
	Dict      DictSnapshot
	notice    uint64 // of those that do not move on: its number, from 1 on; set by the feed
	again     bool   // somebody else was given it before
	Begins    bool   // nothing that the reader wants lies before it in the log, as far as that goes back; set by the feed
	Gaps      []Gap  // what was missing between From and To
	Corrupted int    // entries and objects passed over because they could not be read
	Bytes     int    // about how much memory it holds, the Dict left out
	// Where the log's sequences were at From, or where they began that came to light since, and the copies that were left
	// out; for PositionAfter. Logs of one sequence have none.
	Reached []Reached
	Passed  []Passed

	mu    sync.Mutex
	memos []memo
}

type memo struct {
	key   any
	once  *sync.Once
	value any
}

// Fields returns the refs of the fields of entry i.
func (c *Chunk) Fields(i int) []Ref { return c.Refs[c.Entries[i].First:c.Entries[i].Last] }

// Field returns the field that r names.
func (c *Chunk) Field(r Ref) *Field {
	if i, ok := r.Dict(); ok {
		return &c.Dict.Fields[i]
	}
	return &c.Own[r&^ownBit]
}

// Lookup returns the value of the field of entry i that is called name when leading underscores are left out on both
// sides. Where several fields share that name the last one counts, as it does in what senders see.
func (c *Chunk) Lookup(i int, name string) (value []byte, ok bool) {
	for _, ref := range slices.Backward(c.Fields(i)) {
		if f := c.Field(ref); f.PlainName() == name {
			return f.Value, true
		}
	}
	return nil, false
}

// Memo returns what compute returns, which is called once a chunk and key, whoever asks and however often. Lanes in
// step use it to share their work. It may be called concurrently; compute must not ask for the same key.
func (c *Chunk) Memo(key any, compute func() any) any {
	c.mu.Lock()
	m := -1
	for i := range c.memos {
		if c.memos[i].key == key {
			m = i
			break
		}
	}
	if m < 0 {
		c.memos = append(c.memos, memo{key: key, once: new(sync.Once)})
		m = len(c.memos) - 1
	}
	once := c.memos[m].once
	c.mu.Unlock()

	once.Do(func() {
		v := compute()
		c.mu.Lock()
		c.memos[m].value = v
		c.mu.Unlock()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.memos[m].value
}
