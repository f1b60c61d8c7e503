// Package journaltest writes journal files to test with: with any identity, any number of entries, in any layout, and so
// fast that thousands of files are made in seconds. What it writes is what systemd 252 writes, in the same order, but for
// the sizes of its hash tables; journalctl reads and verifies it.
//
// It is meant for tests that need files which journald would not write, at once or at all. Files end up in memory first, so
// that a test can damage them before anybody sees them.
package journaltest

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"

	"journalpump/readers/journal/journalfile"
)

// Where things are in a file (see journalfile's layout.go, and "Header" and "Objects" in systemd's JOURNAL_FILE_FORMAT), for
// tests that damage them.
const (
	HeaderState          = 16
	HeaderFileID         = 24
	HeaderSeqnumID       = 72
	HeaderTailObject     = 136
	HeaderNObjects       = 144
	HeaderNEntries       = 152
	HeaderTailSeqnum     = 160
	HeaderHeadSeqnum     = 168
	HeaderEntryArray     = 176
	HeaderTailEntryArray = 256
	ObjectSize           = 8
	DataNextField        = 32
	DataEntryArray       = 48
	DataNEntries         = 56
	EntrySeqnum          = 16
	EntryRealtime        = 24
	EntryMonotonic       = 32
	ArrayNext            = 16
	ArrayItems           = 24

	headerTailBootID    = 56
	headerMachineID     = 40
	headerSize          = 272
	headerDataTable     = 104
	headerFieldTable    = 120
	headerHeadRealtime  = 184
	headerTailRealtime  = 192
	headerTailMonotonic = 200
	headerNData         = 208
	headerNFields       = 216
	headerNEntryArrays  = 232
	dataHash            = 16
	nextHash            = 24
	dataEntry           = 40
	fieldHeadData       = 32
	keyedHash           = 1 << 2
	compact             = 1 << 4
	objectHeader        = 16
	tableItem           = 16
	defaultFieldBuckets = 333
	defaultDataBuckets  = 2047
	typeFieldTable      = 5
	typeDataTable       = 4
	firstArrayItems     = 4
	dataHeadSize        = 64
	compactDataHeadSize = 72
	entryHeadSize       = 64
)

// Types of objects.
const (
	TypeData       = 1
	TypeField      = 2
	TypeEntry      = 3
	TypeEntryArray = 6
)

// Options say what a file is like. The zero value is a regular file with unkeyed hashes, offline.
type Options struct {
	Compact bool
	Keyed   bool
	State   journalfile.State

	FileID, MachineID, SeqnumID [16]byte

	// Store, if not nil, says how a payload is stored, and the flags of its object: compressed, or as a bomb.
	Store func(payload []byte) (stored []byte, flags byte)
	// Incompatible is added to the header's incompatible flags; Store needs those of its compression.
	Incompatible uint32
}

// Entry is what Add adds. Payloads are NAME=value; a _BOOT_ID is among them only if it is given.
type Entry struct {
	Seqnum    uint64
	Realtime  uint64
	Monotonic uint64
	BootID    [16]byte
	Payloads  [][]byte
}

// Writer makes one file in memory.
type Writer struct {
	b       []byte
	opts    Options
	header  journalfile.Header // for its hash
	slot    uint64             // size of an array's item
	data    map[string]*data
	fields  map[string]uint64
	entries chain
	offsets []uint64
	items   []item // scratch
}

type data struct {
	off, hash, xor uint64
	n              uint64
	list           chain
}

// chain is a chain of entry arrays: where its last array is, and what fits.
type chain struct {
	n, last, used, room uint64
}

type item struct {
	d *data
}

// New returns a writer of a file without entries.
func New(o Options) *Writer {
	w := &Writer{b: make([]byte, headerSize, 1<<16), opts: o, slot: 8, data: map[string]*data{}, fields: map[string]uint64{}}
	copy(w.b, "LPKSHHRH")
	flags := o.Incompatible
	if o.Keyed {
		flags |= keyedHash
	}
	if o.Compact {
		flags |= compact
		w.slot = 4
	}
	w.header = journalfile.Header{FileID: o.FileID, IncompatibleFlags: flags}
	binary.LittleEndian.PutUint32(w.b[12:], flags)
	w.b[HeaderState] = byte(o.State)
	copy(w.b[HeaderFileID:], o.FileID[:])
	copy(w.b[headerMachineID:], o.MachineID[:])
	copy(w.b[HeaderSeqnumID:], o.SeqnumID[:])
	w.Put(88, headerSize)
	w.table(typeFieldTable, headerFieldTable, defaultFieldBuckets)
	w.table(typeDataTable, headerDataTable, defaultDataBuckets)
	return w
}

// Put changes the 64-bit word at an offset.
func (w *Writer) Put(at, v uint64) { binary.LittleEndian.PutUint64(w.b[at:], v) }

// Get returns the 64-bit word at an offset.
func (w *Writer) Get(at uint64) uint64 { return binary.LittleEndian.Uint64(w.b[at:]) }

func (w *Writer) count(at uint64) { w.Put(at, w.Get(at)+1) }

// Bytes returns the file, as it is so far.
func (w *Writer) Bytes() []byte { return w.b }

// Offsets returns where the entries are.
func (w *Writer) Offsets() []uint64 { return w.offsets }

// DataOffset returns where the DATA object of a payload is, 0 if there is none.
func (w *Writer) DataOffset(payload string) uint64 {
	if d := w.data[payload]; d != nil {
		return d.off
	}
	return 0
}

// Objects returns the offsets of all objects.
func (w *Writer) Objects() (offs []uint64) {
	for off := uint64(headerSize); off < uint64(len(w.b)); off += align(w.Get(off + ObjectSize)) {
		offs = append(offs, off)
	}
	return offs
}

// WriteFile writes the file. Its mode is 0600.
func (w *Writer) WriteFile(path string) error { return os.WriteFile(path, w.b, 0o600) }

func align(n uint64) uint64 { return (n + 7) &^ 7 }

func (w *Writer) table(typ byte, at, buckets uint64) {
	off := w.object(typ, 0, buckets*tableItem)
	w.Put(at, off+objectHeader)
	w.Put(at+8, buckets*tableItem)
}

// object appends an object with a body of zeros.
func (w *Writer) object(typ, flags byte, body uint64) uint64 {
	off := uint64(len(w.b))
	size := objectHeader + body
	w.b = slices.Grow(w.b, int(align(size)))[:off+align(size)]
	clear(w.b[off:])
	w.b[off], w.b[off+1] = typ, flags
	w.Put(off+ObjectSize, size)
	w.Put(HeaderTailObject, off)
	w.Put(96, uint64(len(w.b))-headerSize)
	w.count(HeaderNObjects)
	return off
}

// chainHash links an object into a hash table.
func (w *Writer) chainHash(tableAt, hash, off uint64) {
	head := w.Get(tableAt) + hash%(w.Get(tableAt+8)/tableItem)*tableItem
	if tail := w.Get(head + 8); tail != 0 {
		w.Put(tail+nextHash, off)
	} else {
		w.Put(head, off)
	}
	w.Put(head+8, off)
}

func (w *Writer) dataHead() uint64 {
	if w.opts.Compact {
		return compactDataHeadSize
	}
	return dataHeadSize
}

func (w *Writer) addData(payload []byte) *data {
	if d, ok := w.data[string(payload)]; ok {
		return d
	}
	d := &data{hash: w.header.Hash(payload), xor: new(journalfile.Header).Hash(payload)}
	stored, flags := payload, byte(0)
	if w.opts.Store != nil {
		stored, flags = w.opts.Store(payload)
	}
	d.off = w.object(TypeData, flags, w.dataHead()-objectHeader+uint64(len(stored)))
	copy(w.b[d.off+w.dataHead():], stored)
	w.Put(d.off+dataHash, d.hash)
	w.chainHash(headerDataTable, d.hash, d.off)
	w.data[string(payload)] = d
	w.count(headerNData)

	name, _, _ := bytes.Cut(payload, []byte("="))
	field, ok := w.fields[string(name)]
	if !ok {
		hash := w.header.Hash(name)
		field = w.object(TypeField, 0, 24+uint64(len(name)))
		copy(w.b[field+objectHeader+24:], name)
		w.Put(field+dataHash, hash)
		w.chainHash(headerFieldTable, hash, field)
		w.fields[string(name)] = field
		w.count(headerNFields)
	}
	w.Put(d.off+DataNextField, w.Get(field+fieldHeadData))
	w.Put(field+fieldHeadData, d.off)
	return d
}

// Add appends an entry and returns its offset.
func (w *Writer) Add(e Entry) uint64 {
	w.items = w.items[:0]
	var xor uint64
	for _, p := range e.Payloads {
		d := w.addData(p)
		if slices.Contains(w.items, item{d}) {
			continue
		}
		w.items = append(w.items, item{d})
		xor ^= d.xor
	}
	slices.SortFunc(w.items, func(a, b item) int { return int(a.d.off) - int(b.d.off) })
	itemSize := uint64(16)
	if w.opts.Compact {
		itemSize = 4
	}
	off := w.object(TypeEntry, 0, entryHeadSize-objectHeader+itemSize*uint64(len(w.items)))
	w.Put(off+EntrySeqnum, e.Seqnum)
	w.Put(off+EntryRealtime, e.Realtime)
	w.Put(off+EntryMonotonic, e.Monotonic)
	copy(w.b[off+40:], e.BootID[:])
	w.Put(off+56, xor)
	for i, it := range w.items {
		at := off + entryHeadSize + uint64(i)*itemSize
		if w.opts.Compact {
			binary.LittleEndian.PutUint32(w.b[at:], uint32(it.d.off))
		} else {
			w.Put(at, it.d.off)
			w.Put(at+8, it.d.hash)
		}
	}
	w.link(&w.entries, HeaderEntryArray, off)
	w.Put(HeaderNEntries, w.entries.n)
	w.tailArray(HeaderTailEntryArray, &w.entries)
	for _, it := range w.items {
		w.linkData(it.d, off)
	}
	w.stamp(&e)
	w.offsets = append(w.offsets, off)
	return off
}

func (w *Writer) linkData(d *data, entry uint64) {
	if d.n == 0 {
		w.Put(d.off+dataEntry, entry)
	} else {
		w.link(&d.list, d.off+DataEntryArray, entry)
		if w.opts.Compact {
			w.tailArray(d.off+dataHeadSize, &d.list)
		}
	}
	d.n++
	w.Put(d.off+DataNEntries, d.n)
}

// tailArray notes the last array of a chain and what it holds, as files since systemd 252 do.
func (w *Writer) tailArray(at uint64, c *chain) {
	binary.LittleEndian.PutUint32(w.b[at:], uint32(c.last))
	binary.LittleEndian.PutUint32(w.b[at+4:], uint32(c.used))
}

// link appends an entry to a chain of arrays whose first is named at head.
func (w *Writer) link(c *chain, head, entry uint64) {
	if c.used == c.room {
		room := uint64(firstArrayItems)
		if c.n > 0 {
			room = max(2*(c.n+1), firstArrayItems)
		}
		off := w.object(TypeEntryArray, 0, ArrayItems-objectHeader+room*w.slot)
		if c.last == 0 {
			w.Put(head, off)
		} else {
			w.Put(c.last+ArrayNext, off)
		}
		w.count(headerNEntryArrays)
		c.last, c.used, c.room = off, 0, room
	}
	at := c.last + ArrayItems + c.used*w.slot
	if w.opts.Compact {
		binary.LittleEndian.PutUint32(w.b[at:], uint32(entry))
	} else {
		w.Put(at, entry)
	}
	c.used++
	c.n++
}

func (w *Writer) stamp(e *Entry) {
	if w.entries.n == 1 {
		w.Put(HeaderHeadSeqnum, e.Seqnum)
		w.Put(headerHeadRealtime, e.Realtime)
	}
	w.Put(HeaderTailSeqnum, e.Seqnum)
	w.Put(headerTailRealtime, e.Realtime)
	w.Put(headerTailMonotonic, e.Monotonic)
	copy(w.b[headerTailBootID:], e.BootID[:])
}
