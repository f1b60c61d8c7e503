package journalfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is a file in memory. It grows with the file and is read only through view, whose result is good until the next
// call of view. Reading it may fault if the file has shrunk: see File.guard, and docs/adr/0002 for why it is a mapping.
type mapping struct {
	fd   int // -1 when closed
	data []byte

	// What may be resident is counted in blocks of the size that the kernel maps at a fault (fault_around_bytes).
	limit    uint64
	resident uint64
	touched  []uint64 // bitmap of blocks; of those of a copy that were read
	few      [2]uint64
	shift    uint8 // a block has 1<<shift bytes

	glimpses *glimpses // reads instead; nil: the file is mapped

	memory []byte // for a copy instead, if the file fits into it
	copied bool   // data is that
}

const (
	blockShift = 16
	blockSize  = 1 << blockShift
	copyShift  = 12                     // a page
	readAhead  = 256 << 10 >> copyShift // blocks of a copy that are read at a time

	// maxMapped bounds the address space that a (sparse) file can make us use.
	maxMapped = min(1<<40, math.MaxInt)
)

// view returns n bytes of the file from off on. It fails with ErrTruncated if the file has not so many.
func (m *mapping) view(off, n uint64) ([]byte, error) {
	end := off + n
	if end > uint64(len(m.data)) || end < off {
		if err := m.reach(off, n); err != nil {
			return nil, err
		}
		if m.glimpses != nil {
			return m.glimpses.view(m.fd, off, n)
		}
	}
	if n > 0 {
		first, last := off>>(m.shift&63), (end-1)>>(m.shift&63)
		if first != last || m.touched[first/64]&(1<<(first%64)) == 0 {
			if err := m.touch(first, last); err != nil {
				return nil, err
			}
		}
	}
	return m.data[off:end:end], nil
}

// load64 returns the 64-bit word at off, which must be a multiple of 8, with acquire semantics.
func (m *mapping) load64(off uint64) (uint64, error) {
	b, err := m.view(off, 8)
	if err != nil {
		return 0, err
	}
	return loadAcquire(b), nil
}

// touch prepares blocks first to last for being looked at: those of a copy are read, else it is recorded that they will be resident,
// and all that is resident is dropped when it gets too much.
func (m *mapping) touch(first, last uint64) error {
	for b := first; b <= last; b++ {
		switch {
		case m.hasTouched(b):
		case m.copied:
			if err := m.fill(b); err != nil {
				return err
			}
		default:
			if m.resident >= m.limit {
				m.release()
			}
			m.mark(b)
			m.resident += blockSize
		}
	}
	return nil
}

func (m *mapping) hasTouched(block uint64) bool { return m.touched[block/64]&(1<<(block%64)) != 0 }

func (m *mapping) mark(block uint64) { m.touched[block/64] |= 1 << (block % 64) }

// release gives the resident pages back. They stay in the page cache.
func (m *mapping) release() {
	if m.copied {
		return
	}
	if len(m.data) > 0 {
		_ = unix.Madvise(m.data, unix.MADV_DONTNEED) // advice: nothing breaks without
	}
	clear(m.touched)
	m.resident = 0
}

// length returns how much of the file there was when it was last looked at.
func (m *mapping) length() uint64 {
	if m.glimpses != nil {
		return m.glimpses.size
	}
	return uint64(len(m.data))
}

// reach maps the file anew if it has grown, so that n bytes from off on can be viewed.
func (m *mapping) reach(off, n uint64) error {
	end := off + n
	if m.glimpses != nil && off <= end && end <= m.glimpses.size {
		return nil
	}
	if err := m.remap(); err != nil {
		return err
	}
	if end > m.length() || end < off {
		return ErrTruncated
	}
	return nil
}

// remap maps the file as large as it is now.
func (m *mapping) remap() error {
	var st unix.Stat_t
	if err := m.stat(&st); err != nil {
		return err
	}
	return m.resize(uint64(max(st.Size, 0)))
}

// resize maps the file anew unless it is mapped in that size.
func (m *mapping) resize(bytes uint64) error {
	size := int(min(bytes, maxMapped))
	if m.glimpses != nil {
		m.glimpses.size = uint64(size)
		return nil
	}
	switch {
	case size == len(m.data):
		return nil
	case size > len(m.data) && len(m.data) > 0 && !m.copied:
		return m.grow(size)
	}
	if err := m.unmap(); err != nil || size == 0 {
		return err
	}
	if size <= len(m.memory) {
		m.copied, m.shift, m.data = true, copyShift, m.memory[:size]
		m.clearTouched()
		return nil
	}
	data, err := unix.Mmap(m.fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	m.copied, m.shift, m.data = false, blockShift, data
	m.clearTouched()
	return nil
}

// grow makes the mapping longer. Where that fails, for want of address space, it is as it was.
func (m *mapping) grow(size int) error {
	data, err := unix.Mremap(m.data, size, unix.MREMAP_MAYMOVE)
	if err != nil {
		return fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	m.data = data
	if more := m.words() - len(m.touched); more > 0 {
		m.touched = append(m.touched, make([]uint64, more)...)
	}
	return nil
}

// words returns how long the bitmap for data must be.
func (m *mapping) words() int {
	blocks := (len(m.data)-1)>>m.shift + 1
	return (blocks + 63) / 64
}

// clearTouched makes the bitmap for data.
func (m *mapping) clearTouched() {
	if words := m.words(); words > len(m.few) {
		m.touched = make([]uint64, words)
		return
	}
	m.few = [2]uint64{}
	m.touched = m.few[:]
}

// fill reads a block of a copy, and with it those that follow, as what comes next is mostly behind it: up to one that is there already,
// and not so many that they would be out of the processor's cache when their turn comes. Of the first block, with the header, the rest is
// mostly far: hash tables come between. Where the file ends early by now, or was wiped, the copy is begun anew from what there is.
func (m *mapping) fill(block uint64) error {
	end := block + 1
	for block > 0 && end-block < readAhead && end<<copyShift < uint64(len(m.data)) && !m.hasTouched(end) {
		end++
	}
	from, to := block<<copyShift, min(end<<copyShift, uint64(len(m.data)))
	n, err := readAt(m.fd, m.data[from:to], from)
	if block > 0 && !hasSignature(m.fd) {
		m.clearTouched()
		return ErrTruncated
	}
	if from+n == to {
		n = (end - block) << copyShift
	}
	for have := block + n>>copyShift; block < have; block++ {
		m.mark(block)
	}
	switch {
	case n >= 1<<copyShift: // of what could not be read besides, whoever needs it will be told
		return nil
	case err != nil:
		return ErrUnreadable
	}
	if err := m.remap(); err != nil {
		return err
	}
	return ErrTruncated
}

// hasSignature reports whether the file begins as a journal file does. journald wipes those that it deletes and somebody may have open,
// from the beginning on: what was read from a file that has it still is of before.
func hasSignature(fd int) bool {
	var b [len(signature)]byte
	n, err := readAt(fd, b[:], 0)
	return err != nil || string(b[:n]) == signature
}

// readAt reads from the file until buf is full, the file ends or there is an error, and returns how much it has read.
func readAt(fd int, buf []byte, off uint64) (n uint64, err error) {
	for n < uint64(len(buf)) {
		m, err := unix.Pread(fd, buf[n:], int64(off+n)) //nolint:gosec // within maxMapped
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || m == 0:
			return n, err
		default:
			n += uint64(m) //nolint:gosec // not negative
		}
	}
	return n, nil
}

func (m *mapping) unmap() error {
	data := m.data
	m.data, m.touched, m.resident = nil, nil, 0
	if data == nil || m.copied {
		return nil
	}
	return unix.Munmap(data)
}

func (m *mapping) stat(st *unix.Stat_t) error {
	if m.fd < 0 {
		return fs.ErrClosed
	}
	return unix.Fstat(m.fd, st)
}

func (m *mapping) close() error {
	if m.fd < 0 {
		return fs.ErrClosed
	}
	err := m.unmap()
	if cerr := unix.Close(m.fd); err == nil {
		err = cerr
	}
	m.fd = -1
	return err
}

// fault turns what was recovered from a panic into an error if it is a fault in the mapping, and panics again if not.
func (m *mapping) fault(r any) error {
	e, ok := r.(interface{ Addr() uintptr })
	if !ok || len(m.data) == 0 {
		panic(r) //nolint:forbidigo // a bug, not a fault: it goes on
	}
	off := e.Addr() - uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
	if off >= uintptr(len(m.data)) {
		panic(r) //nolint:forbidigo // likewise
	}
	if err := m.remap(); err != nil {
		return err
	}
	if off < uintptr(len(m.data)) {
		return ErrUnreadable // there is such a page, but it could not be had
	}
	return ErrTruncated
}
