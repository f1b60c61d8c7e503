package journalfile

import "runtime/debug"

// Entry is one ENTRY object. The zero Entry is ready for use; use one again and again, it keeps its memory.
type Entry struct {
	Offset    uint64 // in the file
	Seqnum    uint64 // within the header's SeqnumID
	Realtime  uint64 // microseconds since 1970
	Monotonic uint64 // microseconds since the boot BootID
	XorHash   uint64 // of the payloads of its DATA objects
	BootID    [16]byte
	Items     []uint64 // offsets of its DATA objects, in the file's order; not checked, AppendData does
}

// ReadEntry reads the entry at offset off into e. It does not allocate once e.Items is large enough.
func (f *File) ReadEntry(off uint64, e *Entry) (err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	size, err := f.entryHead(off, e)
	if err != nil {
		return err
	}
	n := (size - entryItems) / f.itemSize
	if n == 0 || n > maxItems {
		return corrupt(off, "entry without fields, or with too many")
	}
	b, err := f.m.view(off+entryItems, n*f.itemSize)
	if err != nil {
		return err
	}
	items := e.Items[:0]
	if f.compact {
		for ; len(b) >= 4; b = b[4:] {
			items = append(items, uint64(u32(b, 0)))
		}
	} else {
		for ; len(b) >= 16; b = b[16:] {
			items = append(items, u64(b, 0))
		}
	}
	e.Items = items
	return nil
}

// entryHead reads all of an entry but its items, and returns the size of the object.
func (f *File) entryHead(off uint64, e *Entry) (size uint64, err error) {
	b, size, err := f.object(off, typeEntry, entryItems)
	if err != nil {
		return 0, err
	}
	e.Offset = off
	e.Seqnum = u64(b, entrySeqnum)
	e.Realtime = u64(b, entryRealtime)
	e.Monotonic = u64(b, entryMonotonic)
	e.XorHash = u64(b, entryXorHash)
	e.BootID = [16]byte(b[entryBootID:])
	if e.Seqnum == 0 || e.Realtime == 0 || e.Realtime >= maxTime || e.Monotonic >= maxTime {
		return 0, corrupt(off, "entry with an impossible number or time")
	}
	return size, nil
}
