package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/journalfile"
)

// Options says what Open opens.
type Options struct {
	Selection journaldir.Selection
	// Units are those whose entries are wanted (_SYSTEMD_UNIT): names and shell globs. Empty: all entries.
	Units []string
	// Match is a hint: entries without it need not be returned, but may be.
	Match *Match
	// MemoryLimit is about how many bytes an iterator may occupy beside its chunks, the resident parts of files
	// included. 0: DefaultMemoryLimit.
	MemoryLimit int
	// MaxChunkEntries and MaxChunkBytes end a chunk. 0: DefaultChunkEntries, DefaultChunkBytes.
	MaxChunkEntries int
	MaxChunkBytes   int
	// MaxFieldBytes is where a longer field is cut, which counts as corruption. 0: DefaultFieldBytes.
	MaxFieldBytes int
	// Unreadable, if it is not nil, is told of each file that cannot be read, once for as long as that is so. It is called by
	// whoever looks at the files, one at a time, and must not call the Log.
	Unreadable func(Problem)
}

// What Options are when they are 0.
const (
	DefaultMemoryLimit  = 32 << 20
	DefaultChunkEntries = 2048
	DefaultChunkBytes   = 1 << 20
	DefaultFieldBytes   = 16 << 20
)

func (o *Options) setDefaults() {
	o.MemoryLimit = max(defaultTo(o.MemoryLimit, DefaultMemoryLimit), 4<<20)
	o.MaxChunkEntries = defaultTo(o.MaxChunkEntries, DefaultChunkEntries)
	o.MaxChunkBytes = defaultTo(o.MaxChunkBytes, DefaultChunkBytes)
	o.MaxFieldBytes = defaultTo(o.MaxFieldBytes, DefaultFieldBytes)
}

func defaultTo(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Log is a journal, read natively. It is a pump.Log and a pump.Meter.
type Log struct {
	opts      Options
	filter    *filter // nil: everything
	watcher   *journaldir.Watcher
	bootID    [16]byte // the current one; zero if it is not known
	machineID [16]byte // this machine's; zero if it is not known

	mu      sync.Mutex
	infos   map[string]*fileInfo
	growing []*fileInfo // those of them that may grow
	now     *listing
	lags    []lagAt         // what Lag said of now
	checked uint64          // what the watcher said before now was listed
	again   time.Time       // when to list anew without being told; zero: never
	looked  time.Time       // when the directories were last listed, before that began
	told    map[string]bool // the paths that Unreadable was told of
}

// listing is the journal's files at a moment. It is immutable.
type listing struct {
	gen      uint64      // changes with every listing that differs
	files    []*fileInfo // the readable ones, by chain and place in it
	problems []Problem
	passing  bool // files have come or gone while it was made: some may be missing
}

// errPassing says that there is no listing that is whole.
var errPassing = fmt.Errorf("%w: files come and go all the time", pump.ErrNotYet)

// Problem is a file that cannot be read natively.
type Problem struct {
	Path string
	Err  error // without the path; wraps *journalfile.UnsupportedError where libsystemd could do better

	passing bool // the file is just being created
	missing pump.Gap
}

func (p Problem) String() string { return fmt.Sprintf("%s: %v", p.Path, p.Err) }

const (
	// makingTime is how long a file may take from its creation to its header. Until then every look lists anew: what is
	// written to the file must be seen before what others write later.
	makingTime = 2 * time.Second
	// remakeTime is how soon a file is looked at again that has no header after that time.
	remakeTime = time.Second
	// unwatchedTime is how often directories are listed when they cannot be watched.
	unwatchedTime = 250 * time.Millisecond
	// relookTime is how long finished files are taken to be as they were, unless something has happened in their directory.
	relookTime = 30 * time.Second
)

// Open opens a journal, which need not exist yet. It watches its directories until Close or until ctx ends.
func Open(ctx context.Context, opts Options) (*Log, error) {
	opts.setDefaults()
	l := &Log{
		opts:      opts,
		filter:    newFilter(opts.Units, opts.Match),
		bootID:    readID("/proc/sys/kernel/random/boot_id"),
		machineID: readID("/etc/machine-id"),
	}
	if id, err := pump.ParseID128(opts.Selection.MachineID); err == nil {
		l.machineID = id
	}
	// Without inotify (its instances are limited) directories are listed again and again.
	l.watcher, _ = opts.Selection.Watch(ctx)
	return l, nil
}

// readID reads a file that holds a 128-bit ID; zero if that fails.
func readID(path string) [16]byte {
	text, err := os.ReadFile(path)
	if err != nil {
		return [16]byte{}
	}
	id, err := pump.ParseID128(strings.TrimSpace(string(text)))
	if err != nil {
		return [16]byte{}
	}
	return id
}

// Close implements pump.Log.
func (l *Log) Close() error {
	if l.watcher == nil {
		return nil
	}
	if err := l.watcher.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("closing the journal: %w", err)
	}
	return nil
}

// Problems returns the files that cannot be read, as of the last time the directories were listed.
func (l *Log) Problems() []Problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return nil
	}
	return slices.Clone(l.now.problems)
}

// list returns what files there are. It is up to date with the directories as they were at the call, if they can be watched, else as
// they were at most unwatchedTime before: see outdate. What the listing says of files that are being written is up to date, too, when
// fresh is set.
func (l *Log) list(fresh bool) (*listing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	checked := l.check()
	due := !l.again.IsZero() && !time.Now().Before(l.again)
	settled := l.now != nil && checked == l.checked && !due
	if settled && !fresh {
		return l.now, nil
	}
	var infos map[string]*fileInfo
	var err error
	whole := settled && l.watched() && time.Since(l.looked) < relookTime
	if whole {
		infos, err = relist(l.infos, l.growing)
		if whole = l.check() == checked; err != nil || whole && infos == nil {
			return l.now, err
		}
	}
	if !whole {
		begun := time.Now()
		if infos, checked, whole, err = l.look(); err != nil {
			return nil, err
		}
		l.looked = begun
	}
	return l.take(infos, checked, whole), nil
}

// take makes a listing of what was found, which is now the last one. checked is what the watcher said before that, whole whether nothing
// has changed meanwhile.
func (l *Log) take(infos map[string]*fileInfo, checked uint64, whole bool) *listing {
	next := &listing{gen: 1, files: inOrder(infos), passing: !whole}
	var making, left bool
	now := time.Now()
	l.growing, l.lags = l.growing[:0], l.lags[:0]
	for path, info := range infos {
		if !info.final {
			l.growing = append(l.growing, info)
		}
		if info.problem != nil {
			if info.beingMade() {
				young := now.Sub(info.modified()).Abs() < makingTime
				making, left = making || young, left || !young
			}
			next.problems = append(next.problems, Problem{path, info.problem, info.beingMade(), info.missing})
		}
	}
	slices.SortFunc(next.problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	if l.now != nil {
		next.gen = l.now.gen
		if !sameFiles(l.infos, infos) {
			next.gen++
		}
	}
	l.infos, l.now, l.checked = infos, next, checked
	if whole {
		l.tell(next.problems)
	}
	l.again = time.Time{}
	switch {
	case making:
		l.again = now
	case left:
		l.again = now.Add(remakeTime)
	case !l.watched():
		l.again = now.Add(unwatchedTime)
	}
	return next
}

// tell tells of the files that have become unreadable.
func (l *Log) tell(problems []Problem) {
	if l.opts.Unreadable == nil {
		return
	}
	before := l.told
	l.told = make(map[string]bool, len(problems))
	for _, p := range problems {
		if p.passing {
			continue
		}
		l.told[p.Path] = true
		if !before[p.Path] {
			l.opts.Unreadable(p)
		}
	}
}

// maxLooks bounds how often directories are listed because files are renamed meanwhile.
const maxLooks = 8

// look lists the directories and examines their files until nothing is renamed meanwhile. Otherwise a file that is
// archived between the two would be in the listing under neither name. checked is what the watcher said before; whole is false if
// they are renamed all the time.
func (l *Log) look() (infos map[string]*fileInfo, checked uint64, whole bool, err error) {
	for range maxLooks {
		checked = l.check()
		paths, err := l.opts.Selection.List()
		if err != nil {
			return nil, 0, false, err
		}
		if infos, err = list(paths, l.infos); err != nil {
			return nil, 0, false, err
		}
		if whole, err = l.stillThere(paths, checked); err != nil || whole {
			return infos, checked, whole, err
		}
	}
	return infos, checked, false, nil
}

// stillThere reports whether no file has come or gone since the directories were listed.
func (l *Log) stillThere(paths []string, checked uint64) (bool, error) {
	if l.watched() {
		return l.check() == checked, nil
	}
	again, err := l.opts.Selection.List()
	return slices.Equal(paths, again), err
}

// watched reports whether the directories are being watched, all of them.
func (l *Log) watched() bool { return l.watcher != nil && l.watcher.Whole() }

// outdate makes list return what files there were after the time, if they cannot be watched.
func (l *Log) outdate(t time.Time) {
	if l.watched() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.looked.After(t) {
		l.again = l.looked // which has passed
	}
}

// check returns a number that is higher when the directories have changed; always 0 if they cannot be watched.
func (l *Log) check() uint64 {
	if l.watcher == nil {
		return 0
	}
	return l.watcher.Check()
}

// Changes returns a number that is higher when files have come, gone or been renamed; ok is false if that cannot be told.
func (l *Log) Changes() (n uint64, ok bool) { return l.check(), l.watched() }

// Extent returns what the entries reach over of the file at path that the file system says st of; ok is false if it has not been
// examined, could not be read, or may have changed since.
func (l *Log) Extent(path string, st *unix.Stat_t) (e journalfile.Extent, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	info := l.infos[path]
	if info == nil || info.problem != nil || info.n == 0 || !info.final || !info.matches(st) {
		return journalfile.Extent{}, false
	}
	return journalfile.Extent{
		SeqnumID: info.chain.seqnumID,
		Tail:     info.last,
		From:     info.head.realtime,
		To:       info.tail.realtime,
		NEntries: info.n,
	}, true
}

// sameFiles reports whether two listings have the same files under the same names.
func sameFiles(a, b map[string]*fileInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for path, x := range a {
		y := b[path]
		if y == nil || x.id != y.id || x.chain != y.chain || (x.problem == nil) != (y.problem == nil) {
			return false
		}
	}
	return true
}

// available is list, but ErrNotYet while there is nothing to read.
func (l *Log) available() (*listing, error) {
	at, err := l.list(true)
	if err != nil {
		return nil, err
	}
	if len(at.files) == 0 {
		for _, p := range at.problems {
			return nil, fmt.Errorf("%w: %s: %w", pump.ErrNotYet, p.Path, p.Err)
		}
		return nil, fmt.Errorf("%w: no journal files at %s", pump.ErrNotYet, l.opts.Selection.Where())
	}
	return at, nil
}

// settled calls fn with the files that there are, and again when it says that some were not where they had been listed.
func (l *Log) settled(fn func(files []*fileInfo) (moved bool, err error)) error {
	for looks := 1; ; looks++ {
		at, err := l.available()
		if err != nil {
			return err
		}
		moved, err := fn(at.files)
		if err != nil || !moved && !at.passing || looks == maxLooks {
			return err
		}
	}
}

// withFile calls fn with the file opened for a moment. Its error wraps errMoved if the path leads to another file by now,
// or to none.
func withFile(info *fileInfo, fn func(f *journalfile.File) error) error {
	f, err := journalfile.Open(info.path)
	if isMoved(err) {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	if err != nil {
		return err
	}
	err = errMoved
	if info.isOf(f) {
		err = fn(f)
	}
	return errors.Join(err, f.Close())
}

var errMoved = errors.New("the file is not where it was listed")

// isMoved reports whether opening a file that was listed failed as it is not there any more, or as another one is just being made there.
func isMoved(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, journalfile.ErrNotJournal)
}
