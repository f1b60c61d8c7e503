package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handle is an open *os.File. Tests put faults in between.
type handle interface { //nolint:interfacebloat // what is used of one concrete type
	io.Writer
	io.ReaderAt
	Chmod(mode fs.FileMode) error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	Sync() error
	Close() error
}

type openFunc func(path string, flags int, mode fs.FileMode) (handle, error)

func openFile(path string, flags int, mode fs.FileMode) (handle, error) {
	return os.OpenFile(path, flags, mode)
}

// opener opens files to append to, and repairs and creates them where that is needed.
type opener struct {
	open      openFunc
	log       *slog.Logger
	mode      fs.FileMode // of new files
	exactMode bool        // whatever the umask
	root      string      // directories below it are created; "": none are
	packing   packing     // nil: plain lines
	alone     bool        // no other process may write meanwhile
	since     time.Time   // when it was made: what was written before may have seen a power failure
	unsynced  []string    // directories with entries that may not have been fsynced
}

// append opens path, which is created if it does not exist.
func (op *opener) append(path string) (*output, error) {
	const flags = os.O_APPEND | unix.O_NONBLOCK | unix.O_NOCTTY // non-blocking: a FIFO that nobody reads is an error
	access := os.O_RDWR                                         // reading serves repairing
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		access = os.O_WRONLY
	}
	h, err := op.open(path, flags|access, 0)
	if err == nil { // who made it may have been killed, or may not care
		op.mustSync(filepath.Dir(path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		h, err = op.create(path, flags|access)
	}
	if err != nil {
		return nil, err
	}
	o := &output{path: path, h: h}
	if err := op.prepare(o); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return o, nil
}

func (op *opener) create(path string, flags int) (handle, error) {
	dir := filepath.Dir(path)
	if err := op.makeDirs(dir); err != nil {
		return nil, err
	}
	h, err := op.open(path, flags|os.O_CREATE, op.mode)
	if err != nil {
		return nil, err
	}
	op.mustSync(dir)
	if op.exactMode {
		if err := h.Chmod(op.mode); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// makeDirs creates dir as far as it lies below the root.
func (op *opener) makeDirs(dir string) error {
	if _, err := os.Stat(dir); op.root == "" || dir == op.root || !errors.Is(err, fs.ErrNotExist) {
		return nil // if it is missing all the same, opening says so
	}
	parent := filepath.Dir(dir)
	if err := op.makeDirs(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// mustSync has a directory, and those below the root that lead to it, fsynced with the next commit.
func (op *opener) mustSync(dir string) {
	for {
		if !slices.Contains(op.unsynced, dir) {
			op.unsynced = append(op.unsynced, dir)
		}
		if op.root == "" || dir == op.root || dir == filepath.Dir(dir) {
			return
		}
		dir = filepath.Dir(dir)
	}
}

// prepare learns what it is that was opened, and repairs what a crash has left at its end.
func (op *opener) prepare(o *output) error {
	info, err := o.h.Stat()
	if err != nil {
		return err
	}
	o.identity = identityOf(info)
	o.regular = info.Mode().IsRegular()
	if !o.regular {
		if info.IsDir() {
			return &fs.PathError{Op: "open", Path: o.path, Err: unix.EISDIR}
		}
		return nil
	}
	if err := op.lock(o.h, o.path); err != nil {
		return err
	}
	size, err := op.cutHoles(o.h, o.path, info)
	if err == nil {
		size, err = op.repair(o.h, o.path, size)
	}
	if err != nil {
		return fmt.Errorf("looking for what a crash may have left at the end of %s: %w", o.path, err)
	}
	o.size, o.committed = size, size
	return nil
}

var errLocked = errors.New("is being written by another journalpump")

// lock keeps what writes alone, which is a replay, and others that write to the same file apart. These share it.
func (op *opener) lock(h handle, path string) error {
	conn, ok := h.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	how := unix.LOCK_SH
	if op.alone {
		how = unix.LOCK_EX
	}
	var locked error
	if err := raw.Control(func(fd uintptr) { locked = unix.Flock(int(fd), how|unix.LOCK_NB) }); err != nil {
		return err
	}
	if errors.Is(locked, unix.EWOULDBLOCK) { // anything else: a file system without locks
		return fmt.Errorf("%s %w", path, errLocked)
	}
	return nil
}

// cutHoles cuts a file off where a power failure has left a hole, and returns its size. One that was written to since this program
// runs has been looked at.
func (op *opener) cutHoles(h handle, path string, info fs.FileInfo) (size int64, err error) {
	size = info.Size()
	if !info.ModTime().Before(op.since) {
		return size, nil
	}
	end := size
	if op.packing == nil {
		end, err = wholeLines(h, size)
	} else if err = op.checkKind(h); err == nil {
		end, err = wholePieces(h, size, op.packing)
	}
	if err != nil || end == size {
		return size, err
	}
	op.log.Warn("cut off what a power failure had left holes in", "file", path, "bytes", size-end)
	return end, h.Truncate(end)
}

// repair returns the size that a file has when what a crash left at its end is gone.
func (op *opener) repair(h handle, path string, size int64) (int64, error) {
	if size == 0 {
		return 0, nil
	}
	if err := op.checkKind(h); err != nil {
		return 0, err
	}
	var whole int64
	var complete bool
	var err error
	if op.packing != nil {
		_, whole, err = lastWhole(h, size, op.packing)
	} else {
		whole, complete, err = lastLine(h, size)
	}
	switch {
	case err != nil:
		return 0, err
	case whole == size:
		return size, nil
	case complete:
		op.log.Warn("the last line of the file did not end in a newline, added one", "file", path)
		_, err := h.Write([]byte("\n"))
		return size + 1, err
	}
	op.log.Warn("cut off what a crash had left at the end of the file", "file", path, "bytes", size-whole)
	return whole, h.Truncate(whole)
}

// checkKind keeps lines from being appended to compressed files and the other way round.
func (op *opener) checkKind(h handle) error {
	var start [4]byte
	n, err := h.ReadAt(start[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	is := None
	for _, p := range packings() {
		if bytes.HasPrefix(start[:n], p.magic()) {
			is = p.kind()
		}
	}
	want := None
	if op.packing != nil {
		want = op.packing.kind()
	}
	if is != want && !(is == None && len(bytes.Trim(start[:n], "\x00")) < len(start)) { // else too short to tell, or a hole
		return fmt.Errorf("it is compressed with %q and the setting is %q: move the file away or change the setting", is, want)
	}
	return nil
}

// syncDirs makes the names of new files and directories durable.
func (op *opener) syncDirs() error {
	for len(op.unsynced) > 0 {
		if err := syncDir(op.unsynced[0]); err != nil {
			return err
		}
		op.unsynced = op.unsynced[1:]
	}
	op.unsynced = nil
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed with all that was in it
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: the file system has no such thing
		return err
	}
	return nil
}
