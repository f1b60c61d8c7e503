package journal

import (
	"math/bits"

	"journalpump/pump"
)

// refTable finds the Ref of a DATA object by its offset in one file. It is an open-addressing hash table: a lookup is a
// multiplication and, nearly always, one cache line.
type refTable struct {
	slots []refSlot
	n     int
	shift uint8
}

type refSlot struct {
	off uint64 // 0: empty; no object lies at 0
	ref pump.Ref
}

const (
	refSlotBytes = 16
	firstBits    = 10
	spareBits    = firstBits + 2 // of the largest table that is worth being cleared and used again
)

func (t *refTable) home(off uint64) uint64 {
	return (off >> 3) * 0x9e3779b97f4a7c15 >> t.shift
}

// get returns the ref for the object at off.
func (t *refTable) get(off uint64) (pump.Ref, bool) {
	if t.n == 0 {
		return 0, false
	}
	mask := uint64(len(t.slots) - 1) //nolint:gosec // not empty
	for i := t.home(off); ; i++ {
		s := &t.slots[i&mask]
		if s.off == 0 { // asked first: a damaged entry may have items at 0
			return 0, false
		}
		if s.off == off {
			return s.ref, true
		}
	}
}

// put adds an object that is not in the table and returns by how many bytes the table grew.
func (t *refTable) put(off uint64, ref pump.Ref) int {
	grown := 0
	if 2*(t.n+1) > len(t.slots) {
		grown = t.grow()
	}
	t.insert(off, ref)
	t.n++
	return grown
}

func (t *refTable) insert(off uint64, ref pump.Ref) {
	mask := uint64(len(t.slots) - 1) //nolint:gosec // not empty
	i := t.home(off)
	for t.slots[i&mask].off != 0 {
		i++
	}
	t.slots[i&mask] = refSlot{off, ref}
}

func (t *refTable) grow() int {
	old := t.slots
	if len(old) == 0 {
		t.slots = make([]refSlot, 1<<firstBits)
		t.shift = 64 - firstBits
	} else {
		t.slots = make([]refSlot, 2*len(old))
		t.shift--
	}
	for _, s := range old {
		if s.off != 0 {
			t.insert(s.off, s.ref)
		}
	}
	return (len(t.slots) - len(old)) * refSlotBytes
}

// take makes the spare slots, if there are any, those of an empty table, and returns their size.
func (t *refTable) take(spare *[]refSlot) int {
	t.slots, *spare = *spare, nil
	if len(t.slots) > 0 {
		t.shift = uint8(64 - bits.Len(uint(len(t.slots)-1))) //nolint:gosec // at most 64
	}
	return len(t.slots) * refSlotBytes
}

// leave is reset, but leaves slots for the next table: files that are read one after the other are often small.
func (t *refTable) leave(spare *[]refSlot) int {
	if n := len(t.slots); 0 < n && n <= 1<<spareBits {
		clear(t.slots)
		*spare = t.slots
	}
	return t.reset()
}

// reset forgets everything and gives back the memory, of which it returns the size.
func (t *refTable) reset() int {
	size := len(t.slots) * refSlotBytes
	*t = refTable{}
	return size
}
