package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"journalpump/cmd/journalpump/status"
	"journalpump/pump"
)

const (
	sampleEvery   = time.Second     // while somebody watches; else every pointEvery
	snapshotLimit = 3 * time.Second // for asking the journals where they end
	maxWatchers   = 16
)

var errTooMany = errors.New("too many are watching already")

// sampler looks at the agent now and then, keeps what was seen lately and tells those who watch.
type sampler struct {
	opts   *Options
	vitals *vitals
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // signalled when somebody begins to watch

	mu       sync.Mutex
	history  history
	snapshot pump.Snapshot
	report   *status.Report // of the snapshot; nil before the first. Immutable
	watchers map[chan struct{}]bool
}

func newSampler(opts *Options, v *vitals) *sampler {
	return &sampler{
		opts: opts, vitals: v,
		done:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
		watchers: map[chan struct{}]bool{},
	}
}

// start begins to look, until stop or the context's end.
func (s *sampler) start(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
}

// stop ends the looking, but leaves it behind when a journal does not answer.
func (s *sampler) stop() {
	s.cancel()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case <-s.done:
	case <-limit.C:
	}
}

func (s *sampler) run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var last time.Time // when the last point was taken
	for {
		point := time.Since(last) > pointEvery-sampleEvery/2
		if point || s.watched() {
			s.sample(ctx, point)
		}
		if point {
			last = time.Now()
		}
		select {
		case <-tick.C:
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (s *sampler) sample(ctx context.Context, point bool) {
	snapshot := take(ctx, s.opts.Agent)
	report := newReport(snapshot)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.rates(report)
	if point {
		s.history.add(report, snapshot)
	}
	s.snapshot, s.report = snapshot, report
	for w := range s.watchers {
		select {
		case w <- struct{}{}:
		default: // it has not seen the last one yet
		}
	}
}

// take takes a snapshot, in which a journal that does not answer in time lacks its lag.
func take(ctx context.Context, a Agent) pump.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	return a.Snapshot(ctx)
}

func newReport(s pump.Snapshot) *status.Report {
	now := time.Now()
	return status.New(s, now, now, status.Limits{MaxLag: time.Minute}) // as the status command does by default
}

// now returns a report of this moment with the rates of the last seconds.
func (s *sampler) now(ctx context.Context) *status.Report {
	r := newReport(take(ctx, s.opts.Agent))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.rates(r)
	return r
}

// watch returns a channel that is signalled after each look, until unwatch.
func (s *sampler) watch() (chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watchers) >= maxWatchers {
		return nil, errTooMany
	}
	w := make(chan struct{}, 1)
	s.watchers[w] = true
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return w, nil
}

func (s *sampler) unwatch(w chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

func (s *sampler) watched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.watchers) > 0
}

// update returns what the page shows, with the points after the nth, and the number of the last one. It is nil before
// the first look.
func (s *sampler) update(n int) (u *update, last int) {
	vital := s.vitals.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report == nil {
		return nil, 0
	}
	u = newUpdate(s.snapshot, s.report, &vital)
	u.Host, u.Version, u.Full = s.opts.Host, s.opts.Version, n == 0
	for i := range u.Senders {
		v := &u.Senders[i]
		v.Points = s.history.since(n, senderKey{v.Reader, v.Name})
	}
	return u, s.history.n
}
