package journalfile

import (
	"errors"
	"io/fs"
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
	touched  []uint64 // bitmap of blocks
	few      [1]uint64

	glimpses *glimpses // reads instead; nil: the file is mapped

	memory []byte // for a copy instead, if the file fits into it
	copied bool   // data is that
}

const (
	blockShift = 16
	blockSize  = 1 << blockShift

	// maxMapped bounds the address space that a (sparse) file can make us use.
	maxMapped = 1 << 40
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
		first, last := off>>blockShift, (end-1)>>blockShift
		if first != last || m.touched[first/64]&(1<<(first%64)) == 0 {
			m.touch(first, last)
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

// touch records that blocks first to last are about to be read, and drops all that is resident when it gets too much.
func (m *mapping) touch(first, last uint64) {
	for b := first; b <= last; b++ {
		word, bit := b/64, uint64(1)<<(b%64)
		if m.touched[word]&bit != 0 {
			continue
		}
		if m.resident >= m.limit {
			m.release()
		}
		m.touched[word] |= bit
		m.resident += blockSize
	}
}

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
	if size == len(m.data) {
		return nil
	}
	if err := m.unmap(); err != nil || size == 0 {
		return err
	}
	data := m.copy(size)
	if m.copied = data != nil; !m.copied {
		var err error
		if data, err = unix.Mmap(m.fd, 0, size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return err
		}
	}
	m.data = data
	if words := (size + 64*blockSize - 1) / (64 * blockSize); words <= len(m.few) {
		m.few = [1]uint64{}
		m.touched = m.few[:]
	} else {
		m.touched = make([]uint64, words)
	}
	return nil
}

// copy reads the file, which has the size; nil if there is no room for it, or not all of it can be had.
func (m *mapping) copy(size int) []byte {
	if size > len(m.memory) {
		return nil
	}
	data := m.memory[:size]
	for have := 0; have < size; {
		n, err := unix.Pread(m.fd, data[have:], int64(have))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || n == 0:
			return nil
		default:
			have += n
		}
	}
	return data
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
