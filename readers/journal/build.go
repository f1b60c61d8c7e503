package journal

import (
	"bytes"
	"errors"
	"slices"
	"unsafe"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

const (
	// maxShared is the longest field that is kept in the Dict; longer ones are rarely worth it.
	maxShared = 16 << 10
	// maxEntryBytes is where an entry is cut, which counts as corruption.
	maxEntryBytes = 64 << 20
	// maxNames bounds the field names remembered.
	maxNames = 1 << 14

	firstBlock = 4 << 10
	maxBlock   = 128 << 10
	dictBlock  = 32 << 10

	entryBytes = int(unsafe.Sizeof(pump.Entry{}))
	fieldBytes = int(unsafe.Sizeof(pump.Field{}))
	refBytes   = int(unsafe.Sizeof(pump.Ref(0)))
)

// builder makes chunks. What occurs in more than one entry of a file goes into the Dict, once, whichever file it is in, and is
// found there when only one entry of another file has it; the rest goes into the chunk.
type builder struct {
	filter     *filter
	demands    uint8
	maxEntries int
	maxBytes   int
	maxField   int
	limit      int // of dict, shared and tables together, in bytes

	dict       *pump.Dict
	shared     sharedTable // its fields
	met        []uint8     // by Ref: the filter's demands that the field meets
	names      nameTable
	dictArena  arena
	tables     []*refTable // those that hold refs of dict
	tableBytes int
	spare      []refSlot // an empty table of a file that is closed, for the next one

	entries []pump.Entry
	refs    []pump.Ref
	own     []pump.Field
	arena   arena
	bytes   int
	passed  []pump.Passed // copies left out

	perEntry, refsPerEntry, ownPerEntry int // of the last chunk, to size the next one
}

// arena hands out memory in pieces of larger blocks, which live as long as any piece.
type arena struct {
	block []byte // what is in use of the current one
	next  int    // size of the next one
	most  int
}

// room returns an empty slice at the end of the block with room for at least n bytes.
func (a *arena) room(n int) []byte {
	if cap(a.block)-len(a.block) < n {
		a.block = make([]byte, 0, max(a.next, n))
		a.next = min(a.next*4, a.most)
	}
	return a.block[len(a.block):len(a.block)]
}

// keep keeps what was appended to the result of room.
func (a *arena) keep(b []byte) []byte {
	if rest := a.block[len(a.block):cap(a.block)]; unsafe.SliceData(b) == unsafe.SliceData(rest) {
		a.block = a.block[:len(a.block)+len(b)] // append did not have to move it
	}
	return slices.Clip(b)
}

func (a *arena) copy(b []byte) []byte { return a.keep(append(a.room(len(b)), b...)) }

func (b *builder) init(l *Log) {
	b.filter = l.filter
	if b.filter != nil {
		b.demands = b.filter.demands()
	}
	b.maxEntries, b.maxBytes, b.maxField = l.opts.MaxChunkEntries, l.opts.MaxChunkBytes, l.opts.MaxFieldBytes
	b.limit = l.opts.MemoryLimit / 2
	b.refsPerEntry, b.ownPerEntry, b.perEntry = 24, 4, 256
}

// begin starts a chunk of at most about n entries.
func (b *builder) begin(n uint64) {
	if b.dict == nil || b.dict.Bytes()*2+b.tableBytes > b.limit || b.names.len() > maxNames {
		b.forget()
	}
	want := int(min(n, uint64(b.maxEntries))) //nolint:gosec // both are small
	b.entries = make([]pump.Entry, 0, want)
	b.refs = make([]pump.Ref, 0, want*b.refsPerEntry)
	b.own = make([]pump.Field, 0, want*b.ownPerEntry)
	b.arena = arena{next: min(max(want*b.perEntry, firstBlock), maxBlock), most: maxBlock}
	b.bytes = 0
}

// forget starts a new Dict. The old one lives on with the chunks that use it.
func (b *builder) forget() {
	for _, t := range b.tables {
		t.reset()
	}
	b.tables, b.tableBytes = b.tables[:0], 0
	b.dict = pump.NewDict()
	b.shared = newSharedTable()
	b.names = newNameTable()
	b.met = b.met[:0]
	b.dictArena = arena{next: firstBlock, most: dictBlock}
}

// release forgets the table of a file that is closed.
func (b *builder) release(t *refTable) {
	if i := slices.Index(b.tables, t); i >= 0 {
		b.tables = slices.Delete(b.tables, i, i+1)
	}
	b.tableBytes -= t.leave(&b.spare)
}

func (b *builder) full() bool { return len(b.entries) >= b.maxEntries || b.bytes >= b.maxBytes }

// add adds the head of a cursor, if the filter wants it.
func (b *builder) add(c *cursor, r *report) {
	firstRef, firstOwn, block, size := len(b.refs), len(b.own), len(b.arena.block), 0
	var met uint8
	for _, off := range c.entry.Items {
		ref, ok := c.refs.get(off)
		if !ok {
			var m uint8
			var n int
			ref, m, n, ok = b.load(c, off, r)
			met |= m
			if size += n; size > maxEntryBytes {
				r.corrupted++
				break
			}
			if !ok {
				r.corrupted++
				continue
			}
		} else if b.demands != 0 {
			met |= b.met[ref]
		}
		b.refs = append(b.refs, ref)
	}
	if met&b.demands != b.demands {
		b.refs = b.refs[:firstRef]
		clear(b.own[firstOwn:])
		b.own = b.own[:firstOwn]
		if len(b.arena.block) > block {
			b.arena.block = b.arena.block[:block]
		}
		return
	}
	b.entries = append(b.entries, pump.Entry{
		Position: c.head.cursor(),
		First:    uint32(firstRef),    //nolint:gosec // bounded by the chunk's limits
		Last:     uint32(len(b.refs)), //nolint:gosec // as above
	})
	b.bytes += entryBytes + (len(b.refs)-firstRef)*refBytes + (len(b.own)-firstOwn)*fieldBytes + size
}

// addWhole is add, unless the file was deleted meanwhile, so that not all of the entry could be read: then it is not added, and false is
// returned.
func (b *builder) addWhole(c *cursor, r *report) bool {
	n, corrupted := len(b.entries), r.corrupted
	b.add(c, r)
	if r.corrupted == corrupted || !c.file.Wiped() {
		return true
	}
	if len(b.entries) > n {
		b.refs = b.refs[:b.entries[n].First]
		b.entries = b.entries[:n]
	}
	r.corrupted = corrupted
	return false
}

// load reads a DATA object that is in no table. met is what demands it meets, size what it occupies in the chunk.
func (b *builder) load(c *cursor, off uint64, r *report) (ref pump.Ref, met uint8, size int, ok bool) {
	if f, ref, ok := b.shared.expected(); ok {
		if entries, same := c.file.HasData(off, f.text); same {
			if entries < 2 {
				f.name.note(true)
			}
			return ref, b.found(c, off, ref, entries), 0, true
		}
	}
	payload, info, err := c.file.AppendData(b.arena.room(256), off, b.maxField)
	if errors.Is(err, journalfile.ErrTooLarge) {
		r.corrupted++
	} else if err != nil {
		return 0, 0, 0, false
	}
	eq := bytes.IndexByte(payload, '=')
	if eq <= 0 {
		return 0, 0, 0, false
	}
	if info.NEntries > 1 && len(payload) <= maxShared {
		ref = b.share(payload, eq)
		return ref, b.found(c, off, ref, info.NEntries), 0, true
	}
	name := b.names.find(payload[:eq])
	if ref, ok = b.known(name, payload); ok {
		return ref, b.found(c, off, ref, info.NEntries), 0, true
	}
	payload = b.arena.keep(payload)
	f := pump.Field{Name: name.text, Value: payload[eq+1:]}
	if b.demands != 0 {
		met = b.filter.meets(f.Name, f.Value)
	}
	b.own = append(b.own, f)
	ref = pump.OwnRef(len(b.own) - 1)
	b.shared.read(ref)
	return ref, met, len(payload), true
}

// found notes that the DATA object, which so many entries have, is a field of the Dict. It returns what demands that meets.
func (b *builder) found(c *cursor, off uint64, ref pump.Ref, entries uint64) (met uint8) {
	b.shared.read(ref)
	if entries > 1 {
		if c.refs.n == 0 {
			b.tables = append(b.tables, &c.refs)
			b.tableBytes += c.refs.take(&b.spare)
		}
		b.tableBytes += c.refs.put(off, ref)
	}
	if b.demands == 0 {
		return 0
	}
	return b.met[ref]
}

// known returns the Ref of a field that one entry of a file has, if many of other files do. Files of few entries have many such
// fields; where there are hardly any, looking for them is given up.
func (b *builder) known(name *fieldName, payload []byte) (ref pump.Ref, ok bool) {
	if len(payload) > maxShared || !name.promising() {
		return 0, false
	}
	ref, ok = b.shared.get(payload, b.shared.hash(payload))
	name.note(ok)
	return ref, ok
}

// share returns the Ref of a field that many entries have.
func (b *builder) share(payload []byte, eq int) pump.Ref {
	hash := b.shared.hash(payload)
	if ref, ok := b.shared.get(payload, hash); ok {
		return ref
	}
	kept := b.dictArena.copy(payload)
	name := b.names.find(kept[:eq])
	f := pump.Field{Name: name.text, Value: kept[eq+1:]}
	ref := b.dict.Add(f)
	b.shared.put(unsafe.String(unsafe.SliceData(kept), len(kept)), hash, name) // kept never changes
	if b.demands != 0 {
		b.met = append(b.met, b.filter.meets(f.Name, f.Value))
	}
	return ref
}

// finish returns the chunk.
func (b *builder) finish(from, to pump.Position, r *report) *pump.Chunk {
	if n := len(b.entries); n > 0 {
		b.refsPerEntry = min(len(b.refs)/n+2, 256)
		b.ownPerEntry = min(len(b.own)/n+1, 64)
		b.perEntry = min(b.bytes/n, maxBlock)
	}
	chunk := &pump.Chunk{
		From:      from,
		To:        to,
		Entries:   b.entries,
		Refs:      b.refs,
		Own:       b.own,
		Dict:      b.dict.Snapshot(),
		Gaps:      r.gaps,
		Corrupted: r.corrupted,
		Bytes:     b.bytes,
		Passed:    b.passed,
	}
	b.entries, b.refs, b.own, b.arena, b.passed = nil, nil, nil, arena{}, nil
	return chunk
}
