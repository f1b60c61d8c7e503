package pump

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// nothingThere reports whether an error says that there is no log. One that may not, or cannot be read is something else.
func nothingThere(err error) bool {
	return errors.Is(err, ErrNotYet) && !errors.Is(err, fs.ErrPermission) && !IsShortage(err)
}

// errUnreadable says, in once mode, that the log cannot be read and that nobody tries any more.
var errUnreadable = errors.New("the log cannot be read")

// tolerance decides, in once mode, how long a log may fail. A feed's mutex guards it.
type tolerance struct {
	limit time.Duration // for errors that may pass
	since time.Time     // when the log began to fail; zero while it works
}

// judge returns ErrNoMore where there is no log, an error that wraps errUnreadable where trying again is no use, and
// otherwise err.
func (t *tolerance) judge(err error, now time.Time) error {
	if t.since.IsZero() {
		t.since = now
	}
	switch {
	case nothingThere(err):
		return ErrNoMore
	case errors.Is(err, fs.ErrPermission), now.Sub(t.since) > t.limit:
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return err
}

// drain waits, in once mode, until all readers have ended. A sender whose destination has refused for too long is given up,
// and the others finish what there is.
func (p *Pump) drain(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, r := range p.allReaders() {
		for waiting := true; waiting; {
			select {
			case <-r.done:
				waiting = false
			case <-ctx.Done():
				return p.left(ctx)
			case <-tick.C:
				p.giveUp()
				waiting = !r.hangs(time.Now())
			}
		}
	}
	return p.left(ctx)
}

func (p *Pump) giveUp() {
	for _, r := range p.allReaders() {
		r.giveUp(time.Now())
	}
}

// giveUp ends the lanes whose destinations are not to be waited for any longer.
func (r *reader) giveUp(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		if l.cancel == nil || l.ended() { // a nil one has not been started
			continue
		}
		if why := l.exhausted(now, r.opts.Timeout); why != nil && l.state.giveUp(why, now) {
			l.log.Warn("the sender is given up", "why", why)
			l.cancel()
		}
	}
}

// hangs reports whether the reader waits for nothing but lanes that were given up and do not end.
func (r *reader) hangs(now time.Time) bool {
	hanging := false
	for _, l := range r.allLanes() {
		if l.ended() {
			continue
		}
		if given := l.state.givenUp(); given.why == nil || now.Sub(given.at) < r.opts.StopTimeout {
			return false
		}
		hanging = true
	}
	return hanging
}

func (l *lane) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// exhausted says why the destination is not to be waited for any longer; nil while it is.
func (l *lane) exhausted(now time.Time, patience time.Duration) error {
	if since := l.state.refusingSince(); !since.IsZero() && now.Sub(since) > patience {
		return fmt.Errorf("refused for %v", patience)
	}
	if l.send.running(now) > l.overdue() {
		return fmt.Errorf("no answer for %v", l.overdue())
	}
	return nil
}

// left returns an error that says which senders have not delivered everything and which readers could not read it, nil if
// all is done.
func (p *Pump) left(ctx context.Context) error {
	readers := p.currentReaders()
	left := make(leftovers, 0, len(readers))
	for name, r := range readers {
		left = append(left, r.left(ctx, name)...)
	}
	if len(left) == 0 {
		return nil
	}
	slices.SortFunc(left, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return fmt.Errorf("not everything was delivered: %w", left)
}

// meterLeft asks the log, while it is open, how much is left for lanes that will not get further.
func (r *reader) meterLeft(ctx context.Context) {
	if slices.ContainsFunc(r.allLanes(), func(l *lane) bool { return !l.state.finished() }) {
		r.snapshot(ctx)
	}
}

// left returns what is left of one reader.
func (r *reader) left(ctx context.Context, name string) (left []error) {
	snap := r.snapshot(ctx)
	unread := r.why()
	if nothingThere(unread) {
		unread = nil
	}
	for _, l := range r.allLanes() {
		if l.state.finished() {
			continue
		}
		s := snap.Senders[l.spec.Name]
		text := fmt.Sprintf("%s/%s", name, l.spec.Name)
		if s.Lag.Entries > 0 {
			text += fmt.Sprintf(" (about %d entries)", s.Lag.Entries)
		}
		if why := l.state.givenUp().why; why != nil {
			text += ", given up: " + why.Error()
		}
		switch {
		case unread != nil:
			left = append(left, fmt.Errorf("%s: %w", text, unread))
		case s.LastError != "":
			left = append(left, fmt.Errorf("%s: %s", text, s.LastError))
		default:
			left = append(left, errors.New(text))
		}
	}
	if left == nil && unread != nil {
		left = append(left, fmt.Errorf("%s: %w", name, unread))
	}
	return left
}

// leftovers are what is left, of each sender one, as a single error.
type leftovers []error

func (l leftovers) Error() string {
	texts := make([]string, len(l))
	for i, err := range l {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (l leftovers) Unwrap() []error { return l }
