package journaldir

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const errNotDir = syscall.ENOTDIR

// watchMask leaves out IN_MODIFY: journald announces its writes up to half a second late, and whoever reads a file polls its
// header anyway. When it rests from that, see Alarm.
const watchMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF |
	unix.IN_MOVE_SELF | unix.IN_ATTRIB | unix.IN_ONLYDIR

// A Watcher tells when Selection.List may have a new answer. Directories may come and go, so those above them are watched,
// too: the kernel doesn't say that a directory was removed for as long as somebody has a file of it open. Its methods may be
// called concurrently.
type Watcher struct {
	selection Selection
	file      *os.File
	conn      syscall.RawConn
	done      chan struct{}
	stop      func() bool
	closing   sync.Once
	closeErr  error

	mu      sync.Mutex // held from reading an event until it has been acted on: see Check
	watches map[int32]watch
	byPath  map[string]int32
	changes uint64
	partial bool          // a directory could not be watched, for want of watches
	tried   time.Time     // when that was last tried
	alarm   chan struct{} // nil: nobody has asked since it was last closed
	buf     []byte
}

type watch struct {
	path  string
	below []string // what matters in it are these directories; nil: everything does
}

// concerns reports whether it matters that something happened to the name; "": to the directory itself.
func (w *watch) concerns(name string) bool {
	return w.below == nil || name == "" || slices.Contains(w.below, name)
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

// alarmMask is for one write.
const alarmMask = unix.IN_MODIFY | unix.IN_ONESHOT

// Alarm returns a channel that is closed when something changes, or when one of the files is written to. Who has it must look once
// more before waiting for it. That files are written to costs nothing unless somebody waits: an alarm is for once.
//
// A write through a mapping is no event. Writers of journals announce theirs by an ftruncate that changes nothing, journald up
// to half a second late, so that many writes share one.
func (w *Watcher) Alarm(files []string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.alarm == nil {
		w.alarm = make(chan struct{})
	}
	for _, path := range files {
		_ = w.conn.Control(func(fd uintptr) {
			_, _ = unix.InotifyAddWatch(int(fd), path, alarmMask) // if it has gone, the directory tells
		})
	}
	return w.alarm
}

// wake closes the channel that Alarm returned. w.mu is held.
func (w *Watcher) wake() {
	if w.alarm != nil {
		close(w.alarm)
		w.alarm = nil
	}
}

// Check returns a number that is higher when something has changed. Unlike Alarm it is in step with the file system:
// whatever happened before the call is counted.
func (w *Watcher) Check() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.conn.Control(func(fd uintptr) { // fails once closed: the number then stays
		for w.readEvents(int(fd)) {
		}
	})
	if w.partial && time.Since(w.tried) >= retryTime {
		w.update(true)
	}
	return w.changes
}

// retryTime is how soon it is tried again to watch a directory that could not be watched.
const retryTime = time.Second

// Whole reports whether all directories are being watched. If not, for want of watches (see inotify(7), max_user_watches), Check and Alarm
// don't tell of all changes.
func (w *Watcher) Whole() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.partial
}

// update makes the watches those that are needed, and counts a change, if there was one or if that says what was changed. w.mu is held.
func (w *Watcher) update(changed bool) {
	moved, err := w.sync()
	w.partial, w.tried = err != nil, time.Now()
	if changed || moved || err != nil {
		w.changes++
		w.wake()
	}
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
	direct, act := false, false
	for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
		wd := int32(binary.NativeEndian.Uint32(b)) //nolint:gosec // the kernel's own type
		mask := binary.NativeEndian.Uint32(b[4:])
		size := min(unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:])), len(b))
		name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:size], []byte{0})
		b = b[size:]
		if mask&unix.IN_MODIFY != 0 {
			w.wake()
			continue
		}
		d, a := w.event(wd, mask, string(name))
		direct, act = direct || d, act || a
	}
	if act {
		w.update(direct)
	}
	return true
}

// event forgets watches that the kernel has dropped. It reports whether the event is a change of its own, and whether it may
// have to do with what is to be watched.
func (w *Watcher) event(wd int32, mask uint32, name string) (direct, act bool) {
	if mask&unix.IN_Q_OVERFLOW != 0 {
		return true, true
	}
	at, ok := w.watches[wd]
	if !ok {
		return false, false
	}
	if mask&(unix.IN_IGNORED|unix.IN_MOVE_SELF) != 0 {
		// A directory that was moved away keeps its watch: drop it, its path may soon mean another one.
		delete(w.watches, wd)
		delete(w.byPath, at.path)
		if mask&unix.IN_MOVE_SELF != 0 {
			w.unwatch(wd)
		}
	}
	return at.below == nil, at.concerns(name)
}

// sync makes the watches those that are needed now and reports whether they changed. w.mu is held.
func (w *Watcher) sync() (bool, error) {
	moved := false
	for range 16 { // until nothing appears any more while it is being looked for
		want := w.selection.watchPaths()
		added := false
		for _, path := range inTurn(want) {
			ok, err := w.add(path, want[path])
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
func (w *Watcher) add(path string, below []string) (bool, error) {
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
		w.watches[wd] = watch{path, below}
		return false, nil
	}
	if watched {
		delete(w.byPath, path)
		delete(w.watches, before)
		w.unwatch(before)
	}
	if other, ok := w.watches[wd]; ok { // the same directory under another name
		if below == nil {
			w.watches[wd] = watch{other.path, nil}
		}
		return watched, nil
	}
	w.watches[wd] = watch{path, below}
	w.byPath[path] = wd
	return true, nil
}

func (w *Watcher) unwatch(wd int32) {
	_ = w.conn.Control(func(fd uintptr) {
		_, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) //nolint:gosec // fails if the directory went first
	})
}

// watchPaths returns the directories to watch, and of each below which names something is looked for; nil: everything in it
// matters.
func (s Selection) watchPaths() map[string][]string {
	want := map[string][]string{}
	dirs, _ := s.Dirs() // if nothing can be read, a change of the roots' attributes may mend that
	for _, dir := range dirs {
		want[dir] = nil
	}
	roots := s.Roots()
	for _, file := range s.Files {
		roots = append(roots, filepath.Dir(file))
	}
	for _, root := range roots {
		if isDir(root) {
			want[root] = nil
		}
	}
	for _, root := range roots {
		for up := filepath.Dir(root); up != root; root, up = up, filepath.Dir(up) {
			if below, ok := want[up]; (!ok || below != nil) && isDir(up) {
				want[up] = append(below, filepath.Base(root))
			}
		}
	}
	return want
}

// inTurn returns the paths in the order in which they are to be watched: those of which everything matters come last, as two
// paths may lead to one directory.
func inTurn(want map[string][]string) []string {
	paths := slices.Sorted(maps.Keys(want))
	slices.SortStableFunc(paths, func(a, b string) int {
		switch all, other := want[a] == nil, want[b] == nil; {
		case all && !other:
			return 1
		case other && !all:
			return -1
		default:
			return 0
		}
	})
	return paths
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
