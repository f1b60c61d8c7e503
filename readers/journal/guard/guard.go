package guard

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

const (
	lookAlert = time.Second      // how often files are looked at while a sender is late
	lookCalm  = 10 * time.Second // and else
)

// Options says what New guards.
type Options struct {
	Selection journaldir.Selection // the files that the log reads
	Logger    *slog.Logger
}

// Log is a journal's log that is guarded. It is a pump.Log, a pump.Meter and a pump.Guarded.
type Log struct {
	pump.Log // the journal's

	log    *slog.Logger
	watch  *watch
	told   chan struct{} // signalled when lanes have changed
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	lanes  []pump.LanePlace
	vacuum pump.Vacuum
}

// New guards a log until it is closed, with which the inner one is closed, too, or until the context ends.
func New(ctx context.Context, inner pump.Log, opts Options) *Log {
	ctx, cancel := context.WithCancel(ctx)
	l := &Log{
		Log:    inner,
		log:    opts.Logger,
		watch:  newWatch(opts.Selection, opts.Logger),
		told:   make(chan struct{}, 1),
		cancel: cancel,
		done:   make(chan struct{}),
	}
	go l.run(ctx)
	return l
}

// Close implements pump.Log.
func (l *Log) Close() error {
	l.cancel()
	<-l.done
	return l.Log.Close()
}

var errNoMeter = errors.New("this log cannot tell how far behind a position is")

// Lag implements pump.Meter.
func (l *Log) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	if m, ok := l.Log.(pump.Meter); ok {
		return m.Lag(ctx, pos)
	}
	return pump.Lag{}, errNoMeter
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
		l.look()
		last = time.Now()
	}
}

// alert reports whether a sender is late, or was when the guard last looked.
func (l *Log) alert() bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.vacuum.Losses) > 0 || slices.ContainsFunc(l.lanes, func(p pump.LanePlace) bool { return late(&p, now) })
}

func (l *Log) look() {
	now := time.Now()
	if err := l.watch.look(now); err != nil {
		l.log.Debug("looking for files that are about to be deleted", "error", err)
		return
	}
	l.mu.Lock()
	lanes := l.lanes
	l.mu.Unlock()
	losses := l.watch.judge(now, lanes)
	l.mu.Lock()
	l.vacuum = pump.Vacuum{Losses: losses}
	l.mu.Unlock()
}
