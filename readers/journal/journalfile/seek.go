package journalfile

import (
	"encoding/hex"
	"runtime/debug"
)

// SeekIndex moves the place before the entry with index i, or to the end of the list if there is none.
func (x *Entries) SeekIndex(i uint64) (err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if err := x.refresh(); err != nil {
		return err
	}
	x.next = min(i, x.n)
	return nil
}

// SeekTail moves the place to the end of the list, so that Prev returns the last entry and Next the first new one.
func (x *Entries) SeekTail() error { return x.SeekIndex(^uint64(0)) }

// SeekSeqnum moves the place before the first entry whose sequence number is greater than n.
func (x *Entries) SeekSeqnum(n uint64) error {
	return x.seek(func(e *Entry) bool { return e.Seqnum > n })
}

// SeekRealtime moves the place before the first entry whose realtime is at or after t, in microseconds since 1970.
//
// Where the clock was set while the file was written, realtimes do not only rise. The place is then before an entry at or
// after t and behind one that is before t, but there may be several such places, and this is any one of them.
func (x *Entries) SeekRealtime(t uint64) error {
	return x.seek(func(e *Entry) bool { return e.Realtime >= t })
}

// SeekMonotonic moves the place before the first entry whose monotonic time is at or after m, in microseconds. It means
// something only in a list whose entries are all of one boot, see File.BootEntries.
func (x *Entries) SeekMonotonic(m uint64) error {
	return x.seek(func(e *Entry) bool { return e.Monotonic >= m })
}

// SeekOffset moves the place before the first entry whose offset is off or greater. It reads no entries.
func (x *Entries) SeekOffset(off uint64) error {
	return x.bisect(func(i uint64) (after, ok bool) {
		at, err := x.slot(i)
		return at >= off, err == nil && at != 0
	})
}

// BootEntries returns the list of the entries of a boot; ok is false if the file has none.
func (f *File) BootEntries(boot [16]byte) (x *Entries, ok bool, err error) {
	const name = "_BOOT_ID="
	payload := hex.AppendEncode(append(make([]byte, 0, len(name)+2*len(boot)), name...), boot[:])
	off, ok, err := f.FindData(payload)
	if err != nil || !ok {
		return nil, false, err
	}
	x, err = f.DataEntries(off)
	return x, err == nil, err
}

// FindMonotonic returns the offset of the first entry of the boot whose monotonic time is at or after m, in microseconds;
// ok is false if there is none. Give the offset to SeekOffset to go on from there in the list of all entries.
func (f *File) FindMonotonic(boot [16]byte, m uint64) (off uint64, ok bool, err error) {
	x, ok, err := f.BootEntries(boot)
	if err != nil || !ok {
		return 0, false, err
	}
	if err := x.SeekMonotonic(m); err != nil {
		return 0, false, err
	}
	return x.Next()
}

// seek moves the place before the first entry that after is true of, provided it is true of all that follow that one.
// Entries that cannot be read don't count; where there are thousands of them side by side the place may be too early.
func (x *Entries) seek(after func(e *Entry) bool) error {
	var e Entry
	return x.bisect(func(i uint64) (bool, bool) {
		off, err := x.slot(i)
		if err != nil || off == 0 {
			return false, false
		}
		if _, err := x.f.entryHead(off, &e); err != nil {
			return false, false
		}
		return after(&e), true
	})
}

// maxProbes bounds how many unreadable entries a bisection passes over before it takes what follows for unreadable too.
const maxProbes = 1 << 12

// bisect moves the place before the first index for which probe says after, leaving out those for which it says not ok.
func (x *Entries) bisect(probe func(i uint64) (after, ok bool)) (err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if err := x.refresh(); err != nil {
		return err
	}
	lo, hi := uint64(0), x.n
	if hi > 0 {
		_, _ = x.locate(hi - 1) // follows the chain as far as it goes
		hi = min(hi, x.reachable())
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		i, after := firstReadable(probe, mid, hi)
		if after {
			hi = mid
		} else {
			lo = i + 1
		}
	}
	x.next = lo
	return nil
}

// firstReadable returns the first index from mid on for which probe is ok, and what it says; if there is none, that what is
// sought lies before.
func firstReadable(probe func(i uint64) (after, ok bool), mid, hi uint64) (i uint64, after bool) {
	for i := mid; i < hi && i-mid < maxProbes; i++ {
		if after, ok := probe(i); ok {
			return i, after
		}
	}
	return mid, true
}

// Peek returns the offset of the entry after the place without moving it; ok is false if there is none, or none that can be
// told.
func (x *Entries) Peek() (off uint64, ok bool) {
	off, err := x.peek()
	return off, err == nil && off != 0
}

func (x *Entries) peek() (off uint64, err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if x.next >= x.n {
		if err := x.refresh(); err != nil || x.next >= x.n {
			return 0, err
		}
	}
	return x.slot(x.next)
}

// Beyond reports whether the list goes on behind the last entry that is counted: then the count is wrong, or the next entry is
// being written.
func (x *Entries) Beyond() bool {
	off, err := x.beyond()
	return err == nil && off != 0
}

func (x *Entries) beyond() (off uint64, err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if err := x.refresh(); err != nil {
		return 0, err
	}
	return x.slot(x.n)
}

// Seqnum returns the sequence number of the entry at offset off.
func (f *File) Seqnum(off uint64) (n uint64, err error) {
	defer f.guard(debug.SetPanicOnFault(true), &err)
	b, _, err := f.objectHead(off, typeEntry, entryItems)
	if err != nil {
		return 0, err
	}
	return u64(b, entrySeqnum), nil
}
