package pump

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// The watch looks for what stands still and ought not to: a reader whose log has gone on without it, a lane that has
// entries and does nothing with them. Such a part is started over, from its position, which is counted and said. Where
// that doesn't help, or a call has not come back for far too long, the pump is stuck: only a restart of the program can
// help then, and systemd does that once the watchdog is no longer fed.
const (
	// callLimit bounds what ought to end soon: one call of a sender or an iterator, or the work on one chunk. What takes
	// twice as long is stuck.
	callLimit = time.Minute
	// watchEvery is how often is looked.
	watchEvery = 10 * time.Second
	// stallAfter is how long a reader may miss what is in its log.
	stallAfter = 30 * time.Second
	// maxRecheck is how long at most to wait before looking again for entries that are not there for this reader: a
	// position may be behind the log's last entry for ever when its matches leave out the rest.
	maxRecheck = 10 * time.Minute
	// maxReopened is how often in a row something may be started over without a result.
	maxReopened = 3
)

var errStalled = errors.New("it stands still")

// activity is a call that ought to end soon.
type activity struct{ since atomic.Pointer[time.Time] }

func (a *activity) begin() {
	now := time.Now() // with the monotonic clock: others may be set
	a.since.Store(&now)
}

func (a *activity) end() { a.since.Store(nil) }

// running returns for how long the call has lasted; 0 when there is none.
func (a *activity) running(now time.Time) time.Duration {
	since := a.since.Load()
	if since == nil {
		return 0
	}
	return max(1, now.Sub(*since))
}

// stuck reports whether the call is long past its limit.
func (a *activity) stuck(now time.Time) bool { return a.running(now) > 2*callLimit }

func (p *Pump) watchLoop(ctx context.Context, quit <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, r := range p.allReaders() {
				r.watch(ctx)
			}
		case <-quit:
			return
		}
	}
}

// watch looks after the reader and its lanes.
func (r *reader) watch(ctx context.Context) {
	r.mu.Lock()
	f := r.feed
	r.mu.Unlock()
	if f == nil {
		return
	}
	f.watch(time.Now(), func(p Position) bool { return r.behind(ctx, p) })
	for _, l := range r.allLanes() {
		l.watch(time.Now())
	}
}

// behind reports whether the log goes on after the position, as far as it can tell.
func (r *reader) behind(ctx context.Context, p Position) bool {
	ctx, cancel := context.WithTimeout(ctx, meterLimit)
	defer cancel()
	behind := false
	r.ask(ctx, func(m Meter) {
		if m == nil {
			return
		}
		lag, err := m.Lag(ctx, p)
		behind = err == nil && lag.Entries > 0
	})
	return behind
}

// readerStalled counts that the log had gone on without its reader.
func (r *reader) readerStalled(at Position, still time.Duration) {
	r.observer.stalled()
	r.log.Warn("the log went on and its reader did not, so it was opened anew", "after", at.String(), "for", still.Round(time.Second))
}

func (o *observer) stalled() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stalls++
	o.metrics.Count("journal.stalls", 1, withTags(o.tags, map[string]string{"what": "reader"}))
}

// stuck reports whether something that ought to have ended long ago has not.
func (r *reader) stuck(now time.Time) bool {
	r.mu.Lock()
	f := r.feed
	r.mu.Unlock()
	if r.observer.work.stuck(now) || f != nil && f.stuck(now) {
		return true
	}
	for _, l := range r.allLanes() {
		if l.stuck(now) {
			return true
		}
	}
	return false
}

// watch restarts the lane's session when it has entries, and for longer than it may wait for anything neither delivers
// them nor says why not.
func (l *lane) watch(now time.Time) {
	since, idle := l.state.idleSince()
	if idle || l.pause.running(now) > 0 || l.send.running(now) > 0 || l.work.running(now) > 0 || now.Sub(since) < l.patience() {
		return
	}
	l.watching.Lock()
	defer l.watching.Unlock()
	if l.restart == nil || l.stalled.After(since) { // it was restarted, and nothing has happened
		return
	}
	l.stalled = now
	l.restart(errStalled)
	l.state.stalled()
	l.metrics.Count("journal.stalls", 1, withTags(l.state.tags, map[string]string{"what": "sender"}))
	l.log.Warn("the sender has entries and does nothing with them, so it starts over from its position", "for", now.Sub(since).Round(time.Second))
}

// patience is how long the lane may keep entries without doing anything: batches fill, commits gather, calls end.
func (l *lane) patience() time.Duration { return l.spec.Limits.Age + l.spec.CommitEvery + l.overdue() }

// overdue is after what time a call of the sender does not come back.
func (l *lane) overdue() time.Duration { return 2 * max(callLimit, l.sendLimit) }

// stuck reports whether a call does not come back, or restarting the session has not helped.
func (l *lane) stuck(now time.Time) bool {
	if l.work.stuck(now) || l.send.running(now) > l.overdue() || l.state.restarted() > maxReopened {
		return true
	}
	since, idle := l.state.idleSince()
	l.watching.Lock()
	defer l.watching.Unlock()
	return !idle && l.stalled.After(since) && now.Sub(l.stalled) > callLimit
}

// restartable runs a session that watch can end, for another to begin.
func (l *lane) restartable(stop context.Context, session func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(stop)
	defer cancel(nil)
	l.setRestart(cancel)
	defer l.setRestart(nil)
	return session(ctx)
}

func (l *lane) setRestart(cancel context.CancelCauseFunc) {
	l.watching.Lock()
	defer l.watching.Unlock()
	l.restart = cancel
}
