package pump

import (
	"context"
	"errors"
	"time"
)

// watched is what the watch knows of a walker. It is guarded by feed.mu.
type watched struct {
	interrupt context.CancelCauseFunc // ends the call of the iterator that is under way; nil when there is none
	behind    time.Time               // since when the log is known to go on after its position; zero: it is not
	suspect   bool                    // its iterator may have missed that, so it is to be opened anew
	asked     bool                    // to end the call that is under way
	reopened  int                     // how often that was asked for, without a result
	recheck   time.Duration           // how long the log may go on before it is suspected again
}

// watch looks for walkers that somebody waits with, and past whose position the log has gone on. Their iterators are
// opened anew; what those say decides whether anything was missed, see judge.
func (f *feed) watch(now time.Time, behind func(Position) bool) {
	for _, w := range f.waiting() {
		f.mu.Lock()
		at, since, recheck := w.at, w.since, max(stallAfter, w.recheck)
		f.mu.Unlock()
		if now.Sub(since) < stallAfter {
			continue
		}
		isBehind := behind(at)
		f.mu.Lock()
		switch {
		case w.dead || w.at != at: // it has moved
		case w.call.running(now) > callLimit:
			w.doubt()
		case !isBehind || w.call.running(now) > 0:
			w.behind = time.Time{}
		case w.behind.IsZero():
			w.behind = now
		case now.Sub(w.behind) >= recheck:
			w.doubt()
		}
		f.mu.Unlock()
	}
}

// waiting returns the walkers that are in use.
func (f *feed) waiting() []*walker {
	f.mu.Lock()
	defer f.mu.Unlock()
	var used []*walker
	for _, w := range f.walkers {
		if len(w.sem) > 0 {
			used = append(used, w)
		}
	}
	return used
}

// doubt has the walker's iterator opened anew.
func (w *walker) doubt() {
	if w.asked {
		return
	}
	w.suspect, w.asked = true, true
	w.reopened++
	w.behind = time.Time{}
	if w.interrupt != nil {
		w.interrupt(errStalled)
	}
}

func (f *feed) suspected(w *walker) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return w.suspect
}

// wait waits for the log to go on.
func (f *feed) wait(ctx context.Context, w *walker) error {
	return f.interruptible(ctx, w, func(ctx context.Context) error {
		if f.suspected(w) { // since a moment ago
			return errStalled
		}
		return w.it.Wait(ctx)
	})
}

// judge learns from what the iterator, which is fresh or not, said. A new one that finds what the one before did not is proof that it stood
// still; one that finds nothing either shows that there is nothing for this reader.
func (f *feed) judge(w *walker, fresh bool, c *Chunk, err error) {
	f.mu.Lock()
	missed, still := w.suspect && fresh, time.Since(w.since)
	switch {
	case err == nil && c.To != w.at:
		w.watched = watched{}
	case errors.Is(err, ErrNoMore) && missed:
		w.watched = watched{recheck: min(2*max(stallAfter, w.recheck), maxRecheck)}
		missed = false
	default:
		missed = false
	}
	at := w.at
	f.mu.Unlock()
	if missed {
		f.stalled(at, still)
	}
}

// interruptible makes a call of the walker's iterator, which watch may end with errStalled.
func (f *feed) interruptible(ctx context.Context, w *walker, call func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.setInterrupt(w, cancel)
	defer f.setInterrupt(w, nil)
	err := call(inner)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(inner), errStalled) {
		return errStalled
	}
	return err
}

func (f *feed) setInterrupt(w *walker, cancel context.CancelCauseFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.interrupt, w.asked = cancel, false
}

// stuck reports whether an iterator does not come back from a call, or none that was opened anew has.
func (f *feed) stuck(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.walkers {
		if w.call.stuck(now) || w.reopened > maxReopened {
			return true
		}
	}
	return false
}
