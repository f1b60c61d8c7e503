package journalwriter

import (
	"encoding/binary"
	"fmt"
	"os"
)

// Types of objects ("Objects").
const (
	typeData       = 1
	typeField      = 2
	typeEntry      = 3
	typeDataTable  = 4
	typeFieldTable = 5
	typeArray      = 6
	typeTag        = 7
)

// Where things are in the header ("Header").
const (
	hdrCompatible    = 8
	hdrIncompatible  = 12
	hdrState         = 16
	hdrFileID        = 24
	hdrMachineID     = 40
	hdrTailBoot      = 56
	hdrSeqnumID      = 72
	hdrHeaderSize    = 88
	hdrArenaSize     = 96
	hdrDataTable     = 104
	hdrFieldTable    = 120
	hdrTailObject    = 136
	hdrNObjects      = 144
	hdrNEntries      = 152
	hdrTailSeqnum    = 160
	hdrHeadSeqnum    = 168
	hdrEntryArray    = 176
	hdrHeadRealtime  = 184
	hdrTailRealtime  = 192
	hdrTailMonotonic = 200
	headerLeast      = 208
	hdrNData         = 208 // from here on not in files of every version
	hdrNFields       = 216
	hdrNTags         = 224
	hdrNArrays       = 232
	hdrDataDepth     = 240
	hdrFieldDepth    = 248
	hdrTailArray     = 256 // 32 bits, as the next
	hdrTailArrayN    = 260
	hdrTailEntry     = 264
	headerCurrent    = 272
)

// Flags of the header ("Extensibility").
const (
	compatibleSealed     = 1 << 0
	compatibleTailBootID = 1 << 1
	incompatibleXZ       = 1 << 0
	incompatibleLZ4      = 1 << 1
	incompatibleKeyed    = 1 << 2
	incompatibleZSTD     = 1 << 3
	incompatibleCompact  = 1 << 4
)

// Where things are in objects.
const (
	objectSize     = 8
	objectHeader   = 16
	hashNext       = 24 // in DATA and FIELD objects
	dataNextField  = 32
	dataEntry      = 40
	dataEntryArray = 48
	dataNEntries   = 56
	dataRegular    = 64
	dataTailArray  = 64 // in compact files, 32 bits
	dataTailArrayN = 68
	dataCompact    = 72
	fieldHeadData  = 32
	entryItems     = 64
	arrayNext      = 16
	arrayItems     = 24
)

func (w *Writer) put(at, v uint64)     { binary.LittleEndian.PutUint64(w.b[at:], v) }
func (w *Writer) get(at uint64) uint64 { return binary.LittleEndian.Uint64(w.b[at:]) }

// has reports whether the header reaches so far.
func (w *Writer) has(at uint64) bool { return at < w.header }

// set sets a word of the header, if it has it.
func (w *Writer) set(at, v uint64) {
	if w.has(at) {
		w.put(at, v)
	}
}

// count increases a counter of the header, if it has it.
func (w *Writer) count(at uint64) {
	if w.has(at) {
		w.put(at, w.get(at)+1)
	}
}

// object appends an object; body follows its header.
func (w *Writer) object(typ, flags byte, body []byte) uint64 {
	off := uint64(len(w.b))
	w.b = append(w.b, typ, flags, 0, 0, 0, 0, 0, 0)
	w.b = binary.LittleEndian.AppendUint64(w.b, objectHeader+uint64(len(body)))
	w.b = append(w.b, body...)
	var zero [8]byte
	w.b = append(w.b, zero[:(8-len(w.b)%8)%8]...)
	w.put(hdrTailObject, off)
	w.put(hdrArenaSize, uint64(len(w.b))-w.header)
	w.count(hdrNObjects)
	return off
}

// table makes a hash table ("Hash Table Objects").
func (w *Writer) table(typ byte, at, buckets uint64) {
	off := w.object(typ, 0, make([]byte, buckets*16))
	w.put(at, off+objectHeader)
	w.put(at+8, buckets*16)
}

// hashLink appends an object to its chain in the hash table at tableAt.
func (w *Writer) hashLink(tableAt, hash, off uint64) {
	bucket := w.get(tableAt) + hash%(w.get(tableAt+8)/16)*16
	if tail := w.get(bucket + 8); tail != 0 {
		w.put(tail+hashNext, off)
	} else {
		w.put(bucket, off)
	}
	w.put(bucket+8, off)
	depth := uint64(hdrDataDepth)
	if tableAt == hdrFieldTable {
		depth = hdrFieldDepth
	}
	if !w.has(depth) {
		return
	}
	n := uint64(0) // links, without the first object
	for o := w.get(bucket); o != off; o = w.get(o + hashNext) {
		n++
	}
	w.put(depth, max(w.get(depth), n))
}

// link puts an entry into the next slot of a chain of entry arrays, whose beginning is named at head.
func (w *Writer) link(c *chain, head, entry uint64) {
	slot := uint64(8)
	if w.opts.Compact {
		slot = 4
	}
	if c.used == c.room {
		room := max(4, 2*c.room)
		off := w.object(typeArray, 0, make([]byte, 8+room*slot))
		w.count(hdrNArrays)
		if c.array == 0 {
			w.put(head, off)
		} else {
			w.put(c.array+arrayNext, off)
		}
		*c = chain{array: off, room: room}
	}
	at := c.array + arrayItems + c.used*slot
	if w.opts.Compact {
		binary.LittleEndian.PutUint32(w.b[at:], uint32(entry))
	} else {
		w.put(at, entry)
	}
	c.used++
}

// tag appends a TAG object, if the file has such. Nothing can tell that its seal is none without the key.
func (w *Writer) tag() {
	if !w.opts.Sealed {
		return
	}
	w.tags++
	body := binary.LittleEndian.AppendUint64(nil, w.tags)
	body = binary.LittleEndian.AppendUint64(body, w.tags) // the epoch
	w.object(typeTag, 0, append(body, make([]byte, 32)...))
	w.count(hdrNTags)
}

// noteEntry enters what the header says of the first and the last entry.
func (w *Writer) noteEntry(e *Entry, off uint64) {
	if w.n == 1 {
		w.put(hdrHeadSeqnum, e.Seqnum)
		w.put(hdrHeadRealtime, e.Realtime)
	}
	w.put(hdrTailSeqnum, e.Seqnum)
	w.put(hdrTailRealtime, e.Realtime)
	w.put(hdrTailMonotonic, e.Monotonic)
	copy(w.b[hdrTailBoot:], e.Boot[:])
	if w.has(hdrTailArray) {
		binary.LittleEndian.PutUint32(w.b[hdrTailArray:], uint32(w.entries.array))
		binary.LittleEndian.PutUint32(w.b[hdrTailArrayN:], uint32(w.entries.used))
	}
	w.set(hdrTailEntry, off)
}

// ArchivedName is how journald calls a file when it archives it, before the suffix: the sequence, the first entry's number
// and its time.
func ArchivedName(base string, seqnumID ID, seqnum, realtime uint64) string {
	return fmt.Sprintf("%s@%x-%016x-%016x.journal", base, seqnumID, seqnum, realtime)
}

// SetState changes what the header says of the writer.
func (w *Writer) SetState(s State) { w.b[hdrState] = byte(s) }

// Bytes returns the file as it is so far. It is good until the next Append.
func (w *Writer) Bytes() []byte { return w.b }

// WriteFile writes the file as it is now; more may be appended and written again.
func (w *Writer) WriteFile(path string) error {
	if err := os.WriteFile(path, w.b, 0o600); err != nil {
		return fmt.Errorf("writing a journal file: %w", err)
	}
	return nil
}
