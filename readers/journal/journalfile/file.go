package journalfile

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// File is an open journal file. It is used by one goroutine at a time.
type File struct {
	path     string
	dev, ino uint64
	m        mapping
	d        decompressor

	// The layout, which does not change once a file has its header.
	fileID     [16]byte
	headerSize uint64
	compact    bool
	keyed      bool
	itemSize   uint64 // of an entry's item
	slotSize   uint64 // of an entry array's item
	dataHeader uint64 // of a DATA object, up to its payload

	scratch []byte // for comparing compressed payloads
}

// Open opens the journal file at path for reading. Symbolic links are followed, what they lead to must be a regular file.
// The error is an *fs.PathError. It wraps fs.ErrNotExist, fs.ErrPermission or other errors of the system, ErrNotJournal when the file
// does not begin with a journal header (it may get one, see there), and an *UnsupportedError when it has one that asks for a newer
// reader.
func Open(path string) (*File, error) {
	return OpenInto(path, nil)
}

// OpenInto is like Open, but reads a file that fits into the memory instead of mapping it, which for a small one takes less time.
// Each part is read once, when it is first needed: it is not for following a file. The memory is the File's until it is closed.
func OpenInto(path string, memory []byte) (*File, error) {
	f := &File{}
	if _, err := f.open(path, mapping{memory: memory}); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens the file, to be had as m says, and returns what it was like before anything was read from it.
func (f *File) open(path string, m mapping) (Stat, error) {
	var st unix.Stat_t
	fd, err := openRegular(path, &st)
	if err != nil {
		return Stat{}, err
	}
	was := statOf(&st)
	f.path, f.dev, f.ino = path, was.Dev, was.Ino
	f.m = m
	f.m.fd, f.m.limit = fd, DefaultResidentLimit
	if err = f.m.resize(was.Size); err == nil {
		err = f.readLayout()
	}
	if err != nil {
		_ = f.Close() // only read: nothing to lose
		return was, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return was, nil
}

// openRegular opens path without waiting, as opening a FIFO or a terminal would, and examines it.
func openRegular(path string, st *unix.Stat_t) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		err = unix.Fstat(fd, st)
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			err = errNotRegular
		}
		if err != nil {
			_ = unix.Close(fd)
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}

var errNotRegular = errors.New("not a regular file")

// Close frees the file. Its iterators must not be used any more.
func (f *File) Close() error {
	f.d.release()
	if err := f.m.close(); err != nil {
		return fmt.Errorf("closing %s: %w", f.path, err)
	}
	return nil
}

// Path returns the path the file was opened with. It may have been renamed since.
func (f *File) Path() string { return f.path }

// FileID returns the file's identity, which stays the same when it is renamed or rewritten.
func (f *File) FileID() [16]byte { return f.fileID }

// Inode returns what Stat does, without asking: it is the same for as long as the file is open.
func (f *File) Inode() (dev, ino uint64) { return f.dev, f.ino }

// Stat is what the file system says of an open file.
type Stat struct {
	Size     uint64
	Nlink    uint64 // 0 once it was deleted
	Dev, Ino uint64 // together the identity of the inode
	Blocks   uint64 // of 512 bytes, really allocated
	Modified syscall.Timespec
}

// Stat asks the file system.
func (f *File) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := f.m.stat(&st); err != nil {
		return Stat{}, fmt.Errorf("examining %s: %w", f.path, err)
	}
	return statOf(&st), nil
}

func statOf(st *unix.Stat_t) Stat {
	return Stat{
		Size:     uint64(max(st.Size, 0)),
		Nlink:    uint64(st.Nlink), //nolint:unconvert // differs between architectures
		Dev:      uint64(st.Dev),   //nolint:unconvert // differs between architectures
		Ino:      st.Ino,
		Blocks:   uint64(max(st.Blocks, 0)),
		Modified: syscall.Timespec(st.Mtim),
	}
}

// Deleted reports whether no name leads to the file any more. What has not been overwritten can still be read.
func (f *File) Deleted() (bool, error) {
	st, err := f.Stat()
	return err == nil && st.Nlink == 0, err
}

// Wiped reports whether the file system has no header of the file any more: journald frees what a file occupies when it deletes it, though
// others have it open. It asks for that also if the file was read into memory.
func (f *File) Wiped() bool {
	var b [len(signature)]byte
	n, err := readAt(f.m.fd, b[:], 0)
	return err == nil && string(b[:n]) != signature
}

// DefaultResidentLimit is the resident limit of a file that was just opened, in bytes.
const DefaultResidentLimit = 16 << 20

// SetResidentLimit sets about how many bytes of the file may be resident in the process at a time (they belong to the page
// cache and come back without a disk access as long as they are in it). At least 1 MiB.
func (f *File) SetResidentLimit(bytes int) { f.m.limit = uint64(max(bytes, 1<<20)) }

// Resident returns about how many bytes of the file are resident in the process, or how many it has been lent for that.
func (f *File) Resident() int {
	if f.m.copied {
		return len(f.m.memory)
	}
	return int(f.m.resident) //nolint:gosec // bounded by the limit
}

// Release lets go of the memory that the file occupies; it comes back when the file is read again. Meant for files that are
// kept open and rarely read.
func (f *File) Release() {
	f.m.release()
	f.d.release()
	f.scratch = nil
}

// guard ends every method that reads from the mapping: it is deferred with what debug.SetPanicOnFault(true) returned and
// turns a fault in the mapping into an error. Any other panic goes on.
func (f *File) guard(old bool, err *error) {
	debug.SetPanicOnFault(old)
	if r := recover(); r != nil {
		*err = f.m.fault(r)
	}
}
