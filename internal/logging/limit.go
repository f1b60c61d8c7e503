package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	limitWindow = 10 * time.Second
	limitBurst  = 5   // so many messages of a kind are written in a window
	limitKinds  = 256 // so many kinds are told apart; the rest counts as one kind
)

// limiter is a sink that lets a few messages of a kind through and counts the rest, which it sums up in one line when
// the window closes. However many kinds of messages there are, it writes at most (limitKinds+1)*(limitBurst+1) in a window:
// what limits a loop through the journal even when each turn makes a message of a new kind.
type limiter struct {
	next sink

	mu      sync.Mutex
	windows map[kind]*window
	closed  bool
}

// kind is what makes messages alike. Other attributes, such as the text of an error, may differ.
type kind struct {
	level          slog.Level
	message        string
	reader, sender string
}

// window starts with the first message of a kind.
type window struct {
	started    time.Time
	seen       int
	suppressed int
	last       event       // the last one that was suppressed
	timer      *time.Timer // set when one was; writes the sum
}

func newLimiter(next sink) *limiter { return &limiter{next: next, windows: make(map[kind]*window)} }

func (l *limiter) write(e event) error {
	if !l.admit(e) {
		return nil
	}
	return l.next.write(e)
}

// admit reports whether e is to be written now.
func (l *limiter) admit(e event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	now := time.Now()
	k := l.kindOf(e, now)
	w := l.windows[k]
	if w == nil || now.Sub(w.started) >= limitWindow && w.suppressed == 0 {
		w = &window{started: now}
		l.windows[k] = w
	}
	w.seen++
	if w.seen <= limitBurst {
		return true
	}
	w.suppressed++
	w.last = e
	if w.timer == nil {
		w.timer = time.AfterFunc(limitWindow-now.Sub(w.started), func() { l.expire(k, w) })
	}
	return false
}

// kindOf returns the kind of e, or the one for all messages that are of too many kinds.
func (l *limiter) kindOf(e event, now time.Time) kind {
	k := kind{level: e.level, message: e.message}
	for _, f := range e.fields {
		switch f.name {
		case "reader":
			k.reader = f.value
		case "sender":
			k.sender = f.value
		}
	}
	if l.windows[k] != nil || len(l.windows) < limitKinds {
		return k
	}
	maps.DeleteFunc(l.windows, func(_ kind, w *window) bool {
		return w.suppressed == 0 && now.Sub(w.started) >= limitWindow
	})
	if len(l.windows) < limitKinds {
		return k
	}
	return kind{}
}

// expire closes a window whose sum has not been written yet.
func (l *limiter) expire(k kind, w *window) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.windows[k] == w {
		delete(l.windows, k)
		_ = l.next.write(w.sum(k)) // slog has nobody to tell either
	}
}

// sum is the line that stands for what was suppressed: the last of it, and how many more there were.
func (w *window) sum(k kind) event {
	e := w.last
	e.time = time.Now()
	if k == (kind{}) {
		e.message = fmt.Sprintf("%s (and %d more messages of various kinds)", e.message, w.suppressed-1)
	} else {
		e.message = fmt.Sprintf("%s (%d more like it)", e.message, w.suppressed)
	}
	return e
}

// Close writes the sums that are due. What is logged later is not limited any more.
func (l *limiter) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var errs []error
	due := slices.SortedFunc(maps.Keys(l.windows), func(a, b kind) int {
		return l.windows[a].started.Compare(l.windows[b].started)
	})
	for _, k := range due {
		w := l.windows[k]
		if w.suppressed == 0 {
			continue
		}
		w.timer.Stop() // if it has fired already, expire finds the window gone
		errs = append(errs, l.next.write(w.sum(k)))
	}
	clear(l.windows)
	return errors.Join(errs...)
}
