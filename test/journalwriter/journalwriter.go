// Package journalwriter writes systemd journal files for tests: every layout and compression that systemd ever wrote, any
// sequence and file ID, any clock. It shares nothing with the reader under test, so that no mistake is made twice;
// its own test has journalctl verify and read what it writes.
//
// The format is systemd's docs/JOURNAL_FILE_FORMAT.md (https://systemd.io/JOURNAL_FILE_FORMAT); quoted words in comments are
// its sections.
package journalwriter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// ID is a 128-bit ID.
type ID = [16]byte

// Compression is how large payloads are stored.
type Compression byte

// The methods of "Data Objects"; the values are the objects' flags.
const (
	None Compression = 0
	XZ   Compression = 1
	LZ4  Compression = 2
	ZSTD Compression = 4
)

// State is what the header says of the writer ("Dirty Detection").
type State byte

// The states of a file.
const (
	Offline State = iota
	Online
	Archived
)

// Options say what kind of file is written. FileID, MachineID and SeqnumID go into the header as they are.
type Options struct {
	Compact  bool // offsets of 32 bits
	Keyed    bool // siphash24 with the file ID as key, else Jenkins' lookup3
	Sealed   bool // with TAG objects, whose seals are not valid
	Compress Compression
	// Threshold is from how many bytes on payloads are compressed. 0: 512, as systemd has it.
	Threshold int
	// HeaderSize is that of some version: from 208 on, a multiple of 8. 0: the current 272.
	HeaderSize                  int
	FileID, MachineID, SeqnumID ID
	State                       State
	DataBuckets, FieldBuckets   int // of the hash tables; 0: some
}

// Entry is what is appended. Fields are NAME=value, in the order and as often as they shall occur; a _BOOT_ID is added.
type Entry struct {
	Seqnum, Realtime, Monotonic uint64
	Boot                        ID
	Fields                      [][]byte
}

// Writer builds one file in memory.
type Writer struct {
	opts    Options
	header  uint64
	b       []byte
	data    map[string]*data
	fields  map[string]uint64
	entries chain
	boot    map[ID][]byte
	pack    compressor
	tags    uint64
	n       uint64

	items []*data // of the entry being appended
}

// data is a DATA object and the list of entries that have it.
type data struct {
	off   uint64
	hash  uint64
	n     uint64
	chain chain
}

// chain is the end of a chain of entry arrays.
type chain struct {
	array      uint64 // the last one
	used, room uint64 // of its slots
}

// New begins a file.
func New(o Options) (*Writer, error) {
	if o.HeaderSize == 0 {
		o.HeaderSize = headerCurrent
	}
	if o.HeaderSize < headerLeast || o.HeaderSize > headerCurrent || o.HeaderSize%8 != 0 {
		return nil, fmt.Errorf("no version of systemd has a header of %d bytes", o.HeaderSize)
	}
	o.Threshold = orElse(o.Threshold, 512)
	o.DataBuckets = orElse(o.DataBuckets, 2047)
	o.FieldBuckets = orElse(o.FieldBuckets, 333)
	w := &Writer{
		opts:   o,
		header: uint64(o.HeaderSize),
		b:      make([]byte, o.HeaderSize, 1<<16),
		data:   map[string]*data{},
		fields: map[string]uint64{},
		boot:   map[ID][]byte{},
	}
	copy(w.b, "LPKSHHRH")
	binary.LittleEndian.PutUint32(w.b[hdrCompatible:], w.compatible())
	binary.LittleEndian.PutUint32(w.b[hdrIncompatible:], w.incompatible())
	w.b[hdrState] = byte(o.State)
	copy(w.b[hdrFileID:], o.FileID[:])
	copy(w.b[hdrMachineID:], o.MachineID[:])
	copy(w.b[hdrSeqnumID:], o.SeqnumID[:])
	w.put(hdrHeaderSize, w.header)
	w.table(typeFieldTable, hdrFieldTable, uint64(o.FieldBuckets))
	w.table(typeDataTable, hdrDataTable, uint64(o.DataBuckets))
	w.tag()
	return w, nil
}

func orElse(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

func (w *Writer) compatible() uint32 {
	var flags uint32
	if w.has(hdrTailEntry) { // both came with systemd 254
		flags |= compatibleTailBootID
	}
	if w.opts.Sealed {
		flags |= compatibleSealed
	}
	return flags
}

func (w *Writer) incompatible() uint32 {
	var flags uint32
	switch w.opts.Compress {
	case XZ:
		flags |= incompatibleXZ
	case LZ4:
		flags |= incompatibleLZ4
	case ZSTD:
		flags |= incompatibleZSTD
	case None:
	}
	if w.opts.Keyed {
		flags |= incompatibleKeyed
	}
	if w.opts.Compact {
		flags |= incompatibleCompact
	}
	return flags
}

// Len returns how many entries were appended.
func (w *Writer) Len() int { return int(w.n) }

// Size returns how many bytes the file has so far.
func (w *Writer) Size() int { return len(w.b) }

// sealEvery is after how many entries a sealed file gets another TAG object.
const sealEvery = 64

// Append appends an entry.
func (w *Writer) Append(e Entry) error {
	w.items = w.items[:0]
	var xor uint64
	if err := w.add(w.bootField(e.Boot), &xor); err != nil {
		return err
	}
	for _, f := range e.Fields {
		if err := w.add(f, &xor); err != nil {
			return err
		}
	}
	// As systemd does: by offset, each once.
	slices.SortFunc(w.items, func(a, b *data) int { return cmp.Compare(a.off, b.off) })
	w.items = slices.Compact(w.items)

	body := make([]byte, 0, entryItems-objectHeader+16*len(w.items))
	for _, v := range []uint64{e.Seqnum, e.Realtime, e.Monotonic} {
		body = binary.LittleEndian.AppendUint64(body, v)
	}
	body = append(body, e.Boot[:]...)
	body = binary.LittleEndian.AppendUint64(body, xor)
	for _, d := range w.items {
		if w.opts.Compact {
			body = binary.LittleEndian.AppendUint32(body, uint32(d.off))
		} else {
			body = binary.LittleEndian.AppendUint64(body, d.off)
			body = binary.LittleEndian.AppendUint64(body, d.hash)
		}
	}
	off := w.object(typeEntry, 0, body)
	w.link(&w.entries, hdrEntryArray, off)
	w.n++
	w.put(hdrNEntries, w.n)
	w.linkData(off)
	w.noteEntry(&e, off)
	if w.n%sealEvery == 0 {
		w.tag()
	}
	return nil
}

func (w *Writer) bootField(boot ID) []byte {
	f, ok := w.boot[boot]
	if !ok {
		f = hex.AppendEncode([]byte("_BOOT_ID="), boot[:])
		w.boot[boot] = f
	}
	return f
}

// add finds or makes the DATA object of a field of the entry being appended.
func (w *Writer) add(field []byte, xor *uint64) error {
	d, ok := w.data[string(field)]
	if !ok {
		var err error
		if d, err = w.newData(field); err != nil {
			return err
		}
	}
	w.items = append(w.items, d)
	if w.opts.Keyed {
		*xor ^= jenkins(field) // the same in every file
	} else {
		*xor ^= d.hash
	}
	return nil
}

func (w *Writer) newData(field []byte) (*data, error) {
	name, _, ok := bytes.Cut(field, []byte("="))
	if !ok || len(name) == 0 {
		return nil, fmt.Errorf("%.40q is not NAME=value", field)
	}
	hash := w.hash(field)
	stored, flags := field, byte(0)
	if w.opts.Compress != None && len(field) >= w.opts.Threshold {
		packed, err := w.pack.compress(w.opts.Compress, field)
		if err != nil {
			return nil, fmt.Errorf("compressing: %w", err)
		}
		if packed != nil && len(packed) < len(field) {
			stored, flags = packed, byte(w.opts.Compress)
		}
	}
	head := dataRegular
	if w.opts.Compact {
		head = dataCompact
	}
	body := make([]byte, head-objectHeader, head-objectHeader+len(stored))
	binary.LittleEndian.PutUint64(body, hash)
	d := &data{off: w.object(typeData, flags, append(body, stored...)), hash: hash}
	w.hashLink(hdrDataTable, hash, d.off)
	w.data[string(field)] = d
	w.count(hdrNData)
	f := w.field(name)
	w.put(d.off+dataNextField, w.get(f+fieldHeadData))
	w.put(f+fieldHeadData, d.off)
	return d, nil
}

// field finds or makes the FIELD object of a name.
func (w *Writer) field(name []byte) uint64 {
	if off, ok := w.fields[string(name)]; ok {
		return off
	}
	hash := w.hash(name)
	body := binary.LittleEndian.AppendUint64(make([]byte, 0, 24+len(name)), hash)
	body = append(body, make([]byte, 16)...)
	off := w.object(typeField, 0, append(body, name...))
	w.hashLink(hdrFieldTable, hash, off)
	w.fields[string(name)] = off
	w.count(hdrNFields)
	return off
}

// linkData enters an entry into the lists of its DATA objects.
func (w *Writer) linkData(entry uint64) {
	for _, d := range w.items {
		if d.n == 0 {
			w.put(d.off+dataEntry, entry)
		} else {
			w.link(&d.chain, d.off+dataEntryArray, entry)
			if w.opts.Compact {
				binary.LittleEndian.PutUint32(w.b[d.off+dataTailArray:], uint32(d.chain.array))
				binary.LittleEndian.PutUint32(w.b[d.off+dataTailArrayN:], uint32(d.chain.used))
			}
		}
		d.n++
		w.put(d.off+dataNEntries, d.n)
	}
}
