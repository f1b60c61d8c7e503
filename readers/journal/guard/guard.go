package guard

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/internal/spool"
	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/journalfile"
)

const (
	lookAlert = time.Second      // how often files are looked at while a sender is late
	lookCalm  = 10 * time.Second // and else
)

// Options says what Open guards.
type Options struct {
	Config
	Selection journaldir.Selection // the files that the log reads
	Reader    string               // its name
	StateFile string               // "": there is none
	Logger    *slog.Logger
}

// Log is a journal's log that is guarded. It is a pump.Log, a pump.Meter, a pump.Recaller and a pump.Guarded.
type Log struct {
	pump.Log // the journal's

	log    *slog.Logger
	watch  *watch
	store  *store        // nil: there is no spool
	keeper *keeper       // nil: likewise
	told   chan struct{} // signalled when lanes have changed
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	lanes  []pump.LanePlace
	vacuum pump.Vacuum
}

// changer is a log that knows when files come or go.
type changer interface {
	// Changes returns a number that is higher when they have; ok is false if that cannot be told. It does not wait.
	Changes() (n uint64, ok bool)
}

// examiner is a log that examines the journal's files itself.
type examiner interface {
	// Extent returns what the entries reach over of the file at path that the file system says st of; ok is false if that is not known,
	// or the file may have changed since. It may wait for files that are being examined.
	Extent(path string, st *unix.Stat_t) (e journalfile.Extent, ok bool)
}

// Open guards a log until it is closed, with which the inner one is closed, too, or until the context ends. If there is nothing to
// do it returns the inner one. A spool that cannot be opened is said, and done without.
func Open(ctx context.Context, inner pump.Log, opts Options) pump.Log {
	store := openSpool(&opts)
	if opts.Mode == Off && store == nil {
		return inner
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &Log{
		Log:    inner,
		log:    opts.Logger,
		watch:  newWatch(opts.Selection, opts.Logger),
		store:  store,
		told:   make(chan struct{}, 1),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	l.watch.silent = opts.Mode == Off
	if c, ok := inner.(changer); ok {
		l.watch.changes = c.Changes
	}
	if e, ok := inner.(examiner); ok {
		l.watch.extent = e.Extent
	}
	if store != nil {
		l.keeper = &keeper{store: store, inner: inner, log: opts.Logger, copy: opts.Mode == Spool}
		l.vacuum.Spooled.Bytes, l.vacuum.Spooled.Entries = store.size()
	}
	go l.run(ctx)
	return l
}

// openSpool opens the spool; nil if there is none. One that is left over from when the mode was another is used up.
func openSpool(opts *Options) *store {
	dir, err := opts.directory(opts.StateFile, opts.Reader)
	if opts.Mode != Spool {
		if err != nil {
			return nil
		}
		if _, err := os.Stat(dir); err != nil {
			return nil
		}
	}
	o := spool.Options{Dir: dir, MaxBytes: int64(cmp.Or(opts.Bytes, DefaultSpoolBytes))}
	o.SegmentBytes = min(spool.DefaultSegment, o.MaxBytes/16)
	var s *store
	var problems []error
	if err == nil {
		s, problems, err = openStore(o)
	}
	if err != nil {
		opts.Logger.Error("the spool cannot be used; what is deleted from the journal before it is delivered will be missing", "error", err)
		return nil
	}
	for _, p := range problems {
		opts.Logger.Warn("a part of the spool was left behind by a crash, or is damaged", "error", p)
	}
	return s
}

// Close implements pump.Log.
func (l *Log) Close() error {
	l.cancel()
	<-l.done
	var err error
	if l.store != nil {
		l.keeper.rest()
		err = l.store.close()
	}
	return errors.Join(err, l.Log.Close())
}

var errNoMeter = errors.New("this log cannot tell how far behind a position is")

// Lag implements pump.Meter. What the spool has after the position is behind, too; the journal is asked for what comes after that.
func (l *Log) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	m, ok := l.Log.(pump.Meter)
	if !ok {
		return pump.Lag{}, errNoMeter
	}
	var spooled int64
	from := pos
	if l.store != nil {
		spooled, from = l.store.after(&pos)
	}
	lag, err := m.Lag(ctx, from)
	if err != nil || spooled == 0 {
		return lag, err
	}
	lag.Entries += spooled
	if pos.Parts&pump.HasRealtime != 0 && lag.Tail.Realtime > pos.Realtime {
		lag.Age = time.Duration(min(lag.Tail.Realtime-pos.Realtime, 1<<53)) * time.Microsecond
	}
	return lag, nil
}

// Guard implements pump.Guarded.
func (l *Log) Guard(lanes []pump.LanePlace) pump.Vacuum {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lanes = lanes
	select {
	case l.told <- struct{}{}:
	default:
	}
	return l.vacuum
}

// run looks at the journal now and then, more often while a sender is late.
func (l *Log) run(ctx context.Context) {
	defer close(l.done)
	calm := time.NewTicker(lookCalm)
	defer calm.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-calm.C:
		case <-l.told:
			if !l.alert() || time.Since(last) < lookAlert/2 {
				continue
			}
		}
		l.look(ctx)
		last = time.Now()
	}
}

// alert reports whether a sender is late, or was when the guard last looked, or needs the spool.
func (l *Log) alert() bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.vacuum.Losses) > 0 || l.vacuum.Spooled.Entries > 0 ||
		slices.ContainsFunc(l.lanes, func(p pump.LanePlace) bool { return late(&p, now) })
}

func (l *Log) look(ctx context.Context) {
	now := time.Now()
	l.mu.Lock()
	lanes := l.lanes
	l.mu.Unlock()
	var v pump.Vacuum
	err := l.watch.look(now)
	if err != nil {
		l.log.Debug("looking for files that are about to be deleted", "error", err)
	}
	if l.keeper != nil {
		if err := l.keeper.trim(lanes); err != nil {
			l.log.Warn("what was delivered could not be deleted from the spool", "error", err)
		}
		l.keeper.keep(ctx, now, lanes, func(p *pump.Position) bool { return l.watch.inDanger(p, now) })
		v.Spooled.Bytes, v.Spooled.Entries = l.store.size()
		lanes = l.keeper.uncovered(lanes)
	}
	v.Losses = l.watch.judge(now, lanes, l.keeper != nil && l.keeper.copy && l.keeper.stopped == nil)
	l.mu.Lock()
	l.vacuum = v
	l.mu.Unlock()
}
