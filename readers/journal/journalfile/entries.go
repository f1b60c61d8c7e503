package journalfile

import (
	"cmp"
	"errors"
	"runtime/debug"
	"slices"
)

// Entries is a list of entries: all of the file's, or those that have one DATA object. It has a place in the list, which is
// between two entries; it follows the list as it grows, without starting over.
//
// The list is a chain of entry arrays ("Entry Array Objects"). Entries are in the order in which they were written, so
// their sequence numbers rise, their monotonic times rise as long as they are of one boot, and their realtimes do as long
// as nobody sets the clock.
type Entries struct {
	f    *File
	data uint64 // the DATA object, 0 for the list of all entries

	n      uint64 // as many are known to be there
	next   uint64 // the place: index of the entry that Next returns
	arrays []array
	cur    int // the array last used
	few    [4]array
}

// array is one link of the chain.
type array struct {
	off   uint64
	first uint64 // index, in the list, of its first item
	n     uint64 // items it has room for
}

// end returns the index after its last item.
func (a *array) end() uint64 { return a.first + a.n }

// maxArrays bounds the links of a chain. As each link has twice the room of all before it together, real ones have a few dozen.
const maxArrays = 1 << 14

var errChainEnds = errors.New("the entry array chain ends early")

// Entries returns the list of all entries of the file; its place is before the first.
func (f *File) Entries() *Entries { return &Entries{f: f} }

// DataEntries returns the list of the entries that have the DATA object at offset off; its place is before the first.
func (f *File) DataEntries(off uint64) (*Entries, error) {
	x := &Entries{f: f, data: off}
	if _, err := x.Len(); err != nil {
		return nil, err
	}
	return x, nil
}

// Len returns how many entries the list has now. The number is the file's claim; it is not checked against the file's size.
func (x *Entries) Len() (n uint64, err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if err := x.refresh(); err != nil {
		return 0, err
	}
	return x.n, nil
}

// Index returns the index of the entry that Next returns: how many entries are before the place.
func (x *Entries) Index() uint64 { return x.next }

// Next returns the offset of the entry after the place and moves the place behind it. ok is false if there is none, for
// now. On an error that is ErrCorrupt the place has moved behind what could not be read, which Index tells, and Next may
// be called again; if it has not moved, the list itself is gone, and the file usually is too (NEntries tells). The offset
// is not checked, ReadEntry does.
func (x *Entries) Next() (off uint64, ok bool, err error) {
	from := x.next
	off, ok, err = x.forward()
	if err == nil || x.next != from {
		return off, ok, err
	}
	// After a fault the mapping is as the file is now: look again, and if that page cannot be read, step over the slot.
	if off, ok, err = x.forward(); err != nil && x.next == from {
		if n, lenErr := x.Len(); lenErr == nil && from < n {
			x.next++
		}
	}
	return off, ok, err
}

func (x *Entries) forward() (off uint64, ok bool, err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if x.next >= x.n {
		if err := x.refresh(); err != nil || x.next >= x.n {
			return 0, false, err
		}
	}
	off, err = x.slot(x.next)
	if err == nil && off != 0 {
		x.next++
		return off, true, nil
	}
	return 0, false, x.passForward(err)
}

// maxRun bounds how many empty slots are passed over at once, so that no call takes long.
const maxRun = 1 << 16

// passForward moves the place behind what cannot be read. Of a file that is being written the last entry may be counted an
// instant before it can be seen: that is no error.
func (x *Entries) passForward(err error) error {
	if err := x.refresh(); err != nil {
		return err
	}
	from := x.next
	for err == nil && x.next < x.n { // a run of empty slots
		var off uint64
		off, err = x.slot(x.next)
		switch {
		case off != 0 && x.next == from:
			return nil // it was written this very moment
		case off != 0 || x.next-from == maxRun:
			return corrupt(x.last(), "empty slots in the entry array")
		case err == nil:
			x.next++
		}
	}
	x.next = x.n // without the array there is no telling where the next one is
	switch {
	case err != nil && !errors.Is(err, errChainEnds):
		return err
	case from+1 == x.n && x.f.online():
		x.next = from
		return nil
	case err != nil:
		return corrupt(x.last(), "no further entry array, though there should be more entries")
	default:
		return corrupt(x.last(), "empty slots at the end of the entry array")
	}
}

// Prev returns the offset of the entry before the place and moves the place before it. ok is false if there is none. On an
// error that is ErrCorrupt the place has moved before what could not be read, and Prev may be called again.
func (x *Entries) Prev() (off uint64, ok bool, err error) {
	from := x.next
	off, ok, err = x.backward()
	if err == nil || x.next != from {
		return off, ok, err
	}
	if off, ok, err = x.backward(); err != nil && x.next == from { // as in Next
		x.next--
	}
	return off, ok, err
}

func (x *Entries) backward() (off uint64, ok bool, err error) {
	defer x.f.guard(debug.SetPanicOnFault(true), &err)
	if x.next == 0 {
		return 0, false, nil
	}
	off, err = x.slot(x.next - 1)
	if x.next == x.n && missing(off, err) && x.f.online() { // counted, but not to be seen yet
		if x.next--; x.next == 0 {
			return 0, false, nil
		}
		off, err = x.slot(x.next - 1)
	}
	if err == nil && off != 0 {
		x.next--
		return off, true, nil
	}
	return 0, false, x.passBackward(err)
}

// missing reports whether a slot is empty, or not there at all.
func missing(off uint64, err error) bool {
	return err == nil && off == 0 || errors.Is(err, errChainEnds)
}

// passBackward moves the place before what cannot be read.
func (x *Entries) passBackward(err error) error {
	if err != nil {
		x.next = min(x.next-1, x.reachable())
		if errors.Is(err, errChainEnds) {
			err = corrupt(x.last(), "no further entry array, though there should be more entries")
		}
		return err
	}
	from := x.next
	for x.next--; x.next > 0 && from-x.next < maxRun; x.next-- { // a run of empty slots
		if off, err := x.slot(x.next - 1); off != 0 || err != nil {
			break
		}
	}
	return corrupt(x.last(), "empty slots in the entry array")
}

// refresh reads anew how many entries the list has.
func (x *Entries) refresh() (err error) {
	if x.data == 0 {
		x.n, err = x.f.nEntries()
		return err
	}
	if _, _, err := x.f.object(x.data, typeData, x.f.dataHeader+1); err != nil {
		return err
	}
	x.n, err = x.f.m.load64(x.data + dataNEntries)
	return err
}

// slot returns the offset that the list has at index i: 0 if it is empty. errChainEnds says that there is no such slot.
func (x *Entries) slot(i uint64) (uint64, error) {
	if x.data != 0 && i == 0 {
		return x.f.m.load64(x.data + dataEntry)
	}
	a, err := x.locate(i)
	if err != nil {
		return 0, err
	}
	b, err := x.f.m.view(a.off+arrayItems+(i-a.first)*x.f.slotSize, x.f.slotSize)
	if err != nil {
		return 0, err
	}
	if x.f.compact {
		return uint64(u32(b, 0)), nil
	}
	return u64(b, 0), nil
}

// locate returns the array that has index i.
func (x *Entries) locate(i uint64) (*array, error) {
	if x.cur < len(x.arrays) {
		if a := &x.arrays[x.cur]; i >= a.first && i < a.end() {
			return a, nil
		}
	}
	for len(x.arrays) == 0 || x.arrays[len(x.arrays)-1].end() <= i {
		if err := x.extend(); err != nil {
			return nil, err
		}
	}
	x.cur, _ = slices.BinarySearchFunc(x.arrays, i, func(a array, i uint64) int { return cmp.Compare(a.end()-1, i) })
	return &x.arrays[x.cur], nil
}

// extend follows the chain to the next array. Objects are only ever appended to a file, so each lies behind the one before:
// a chain cannot loop.
func (x *Entries) extend() error {
	link, first, behind := x.head(), x.firstInArrays(), uint64(0)
	if len(x.arrays) > 0 {
		last := &x.arrays[len(x.arrays)-1]
		link, first, behind = last.off+arrayNext, last.end(), last.off
	}
	off, err := x.f.m.load64(link)
	switch {
	case err != nil:
		return err
	case off == 0:
		return errChainEnds
	case off <= behind || len(x.arrays) >= maxArrays:
		return corrupt(off, "no entry array can follow there")
	}
	_, size, err := x.f.objectHead(off, typeEntryArray, arrayItems+x.f.slotSize)
	if err != nil {
		return err
	}
	if x.arrays == nil {
		x.arrays = x.few[:0]
	}
	// A truncated array has readable slots still, so it may reach over the end of the file.
	n := (min(size, maxMapped) - arrayItems) / x.f.slotSize
	x.arrays = append(x.arrays, array{off: off, first: first, n: n})
	return nil
}

// head returns where the offset of the first array is.
func (x *Entries) head() uint64 {
	if x.data == 0 {
		return headerEntryArray
	}
	return x.data + dataEntryArray
}

// firstInArrays returns the index of the first array's first item: a DATA object has its first entry inline.
func (x *Entries) firstInArrays() uint64 {
	if x.data == 0 {
		return 0
	}
	return 1
}

// reachable returns how many indices have a slot in the arrays followed so far, as far as the file reaches.
func (x *Entries) reachable() uint64 {
	for k := len(x.arrays) - 1; k >= 0; k-- {
		a := &x.arrays[k]
		if begin, size := a.off+arrayItems, x.f.m.length(); begin < size {
			return a.first + min(a.n, (size-begin)/x.f.slotSize)
		}
	}
	return x.firstInArrays()
}

// last returns the offset of the last array followed, or of what has the list, to name it in an error.
func (x *Entries) last() uint64 {
	if len(x.arrays) > 0 {
		return x.arrays[len(x.arrays)-1].off
	}
	return x.data
}
