package journaldir

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const errNotDir = syscall.ENOTDIR

// watchMask leaves out IN_MODIFY: journald announces its writes up to 250 ms late, and whoever reads a file polls its
// header anyway.
const watchMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF |
	unix.IN_MOVE_SELF | unix.IN_ATTRIB | unix.IN_ONLYDIR

// A Watcher tells when Selection.List may have a new answer. Directories may come and go: while one does not exist its
// nearest parent that does is watched. Its methods may be called concurrently.
type Watcher struct {
	selection Selection
	file      *os.File
	conn      syscall.RawConn
	changed   chan struct{}
	done      chan struct{}
	stop      func() bool
	closing   sync.Once
	closeErr  error

	mu      sync.Mutex // held from reading an event until it has been acted on: see Check
	watches map[int32]watch
	byPath  map[string]int32
	changes uint64
	buf     []byte
}

type watch struct {
	path   string
	parent bool // it stands in for something below it that does not exist
}

// Watch starts to watch what s selects. It ends with Close, or with ctx; Close must be called all the same.
func (s Selection) Watch(ctx context.Context) (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watching journal directories: %w", err)
	}
	w := &Watcher{
		selection: s,
		file:      os.NewFile(uintptr(fd), "inotify"),
		changed:   make(chan struct{}, 1),
		done:      make(chan struct{}),
		watches:   map[int32]watch{},
		byPath:    map[string]int32{},
		buf:       make([]byte, 16<<10),
	}
	if w.conn, err = w.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("watching journal directories: %w", err), w.file.Close())
	}
	w.mu.Lock()
	_, err = w.sync()
	w.mu.Unlock()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watching journal directories: %w", err), w.file.Close())
	}
	w.stop = context.AfterFunc(ctx, w.shut)
	go w.run()
	return w, nil
}

// Changed returns a channel that gets a value after something has changed. Several changes may give only one.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Check returns a number that is higher when something has changed. Unlike Changed it is in step with the file system:
// whatever happened before the call is counted.
func (w *Watcher) Check() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.conn.Control(func(fd uintptr) { // fails once closed: the number then stays
		for w.readEvents(int(fd)) {
		}
	})
	return w.changes
}

// Close stops watching and waits until that is done.
func (w *Watcher) Close() error {
	w.stop()
	w.shut()
	<-w.done
	return w.closeErr
}

func (w *Watcher) shut() { w.closing.Do(func() { w.closeErr = w.file.Close() }) }

func (w *Watcher) run() {
	defer close(w.done)
	for {
		err := w.conn.Read(func(fd uintptr) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.readEvents(int(fd))
		})
		if err != nil {
			return // closed
		}
	}
}

// readEvents takes what events there are and acts on them; false if there were none. w.mu is held.
func (w *Watcher) readEvents(fd int) bool {
	n, err := unix.Read(fd, w.buf)
	if err != nil || n < unix.SizeofInotifyEvent {
		return false
	}
	direct := false
	for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
		wd := int32(binary.NativeEndian.Uint32(b)) //nolint:gosec // the kernel's own type
		mask := binary.NativeEndian.Uint32(b[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		b = b[min(size, len(b)):]
		direct = w.event(wd, mask) || direct
	}
	moved, err := w.sync()
	if direct || moved || err != nil {
		w.changes++
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
	return true
}

// event forgets watches that the kernel has dropped, and reports whether the event is a change of its own.
func (w *Watcher) event(wd int32, mask uint32) bool {
	if mask&unix.IN_Q_OVERFLOW != 0 {
		return true
	}
	at, ok := w.watches[wd]
	if !ok {
		return false
	}
	if mask&(unix.IN_IGNORED|unix.IN_MOVE_SELF) != 0 {
		// A directory that was moved away keeps its watch: drop it, its path may soon mean another one.
		delete(w.watches, wd)
		delete(w.byPath, at.path)
		if mask&unix.IN_MOVE_SELF != 0 {
			w.unwatch(wd)
		}
	}
	return !at.parent
}

// sync makes the watches those that are needed now and reports whether they changed. w.mu is held.
func (w *Watcher) sync() (bool, error) {
	moved := false
	for range 16 { // until nothing appears any more while it is being looked for
		want := w.selection.watchPaths()
		added := false
		for path, parent := range want {
			ok, err := w.add(path, parent)
			if err != nil {
				return moved, err
			}
			added = added || ok
		}
		for path, wd := range w.byPath {
			if _, ok := want[path]; !ok {
				delete(w.byPath, path)
				delete(w.watches, wd)
				w.unwatch(wd)
				moved = true
			}
		}
		if !added {
			break
		}
		moved = true
	}
	return moved, nil
}

// add watches a directory and reports whether that is news. It asks the kernel each time, which knows a directory that it
// watches already: a path may lead to another directory than before, and that the first one has gone is told only once
// nobody has a file of it open any more.
func (w *Watcher) add(path string, parent bool) (bool, error) {
	var fd int
	var err error
	if cerr := w.conn.Control(func(inotify uintptr) { fd, err = unix.InotifyAddWatch(int(inotify), path, watchMask) }); cerr != nil {
		return false, cerr
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return true, nil // gone since it was seen: look again
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ELOOP):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s: %w", path, err)
	}
	wd := int32(fd) //nolint:gosec // watch descriptors are ints
	before, watched := w.byPath[path]
	if watched && before == wd {
		w.watches[wd] = watch{path, parent}
		return false, nil
	}
	if watched {
		delete(w.byPath, path)
		delete(w.watches, before)
		w.unwatch(before)
	}
	if _, ok := w.watches[wd]; ok {
		return watched, nil // the same directory under another name
	}
	w.watches[wd] = watch{path, parent}
	w.byPath[path] = wd
	return true, nil
}

func (w *Watcher) unwatch(wd int32) {
	_ = w.conn.Control(func(fd uintptr) {
		_, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) //nolint:gosec // fails if the directory went first
	})
}

// watchPaths returns the directories to watch; true for those that only stand in for one below them.
func (s Selection) watchPaths() map[string]bool {
	want := map[string]bool{}
	dirs, _ := s.Dirs() // if nothing can be read, a change of the roots' attributes may mend that
	for _, d := range dirs {
		want[d] = false
	}
	for _, f := range s.Files {
		want[existing(filepath.Dir(f))] = filepath.Dir(f) != existing(filepath.Dir(f))
	}
	for _, root := range s.Roots() {
		if at := existing(root); at != root {
			if _, ok := want[at]; !ok {
				want[at] = true
			}
		} else if _, ok := want[root]; !ok {
			want[root] = false
		}
	}
	return want
}

// existing returns dir or the nearest directory above it that exists.
func existing(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
