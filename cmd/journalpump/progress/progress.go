// Package progress shows how far a command is: a bar with the rate and the time left on a terminal, a line every few seconds
// elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"journalpump/cmd/journalpump/status"
)

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
)

// Progress is the progress of one command. Its methods may be called concurrently.
type Progress struct {
	out      io.Writer
	what     string
	terminal bool
	now      func() time.Time

	mu          sync.Mutex
	began, last time.Time
	done, total int64
	drawn       bool
}

// New returns the progress of what is done with entries, such as "sent". Nothing is shown before some time has passed. On a
// terminal a bar is drawn over and over in the last line.
func New(out io.Writer, what string, terminal bool) *Progress {
	return newAt(out, what, terminal, time.Now)
}

func newAt(out io.Writer, what string, terminal bool, now func() time.Time) *Progress {
	began := now()
	return &Progress{out: out, what: what, terminal: terminal, now: now, began: began, last: began}
}

// Set says how many entries are done of how many; of 0 if that is not known. Neither has to be exact, and the total may change.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
	p.show()
}

// Add says that more entries are done.
func (p *Progress) Add(entries int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += entries
	p.show()
}

// Total says how many entries there are to be done.
func (p *Progress) Total(entries int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = entries
}

// End removes the bar.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		_, _ = io.WriteString(p.out, clearLine)
		p.drawn = false
	}
}

const clearLine = "\r\x1b[K"

func (p *Progress) show() {
	every := lineEvery
	if p.terminal {
		every = barEvery
	}
	now := p.now()
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	text := p.text(now.Sub(p.began))
	if p.terminal {
		p.drawn = true
		text = clearLine + p.bar() + text
	} else {
		text += "\n"
	}
	_, _ = io.WriteString(p.out, text) // it is only shown
}

// share returns which part is done, from 0 to 1.
func (p *Progress) share() float64 {
	if p.total <= 0 {
		return 0
	}
	return min(1, float64(p.done)/float64(p.total))
}

func (p *Progress) bar() string {
	if p.total <= 0 {
		return ""
	}
	full := int(p.share() * barWidth)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", barWidth-full) + "] "
}

func (p *Progress) text(took time.Duration) string {
	text := p.what + " " + status.Grouped(p.done)
	if p.total > 0 {
		text = fmt.Sprintf("%3.0f%%  %s of %s", 100*p.share(), text, status.Grouped(max(p.done, p.total)))
	}
	rate := float64(p.done) / max(took.Seconds(), 1e-9)
	text += fmt.Sprintf(" entries, %s/s", status.Grouped(int64(rate)))
	if left := p.total - p.done; left > 0 && rate > 0 {
		text += ", " + status.Span(time.Duration(min(float64(left)/rate, 1e9)*float64(time.Second))) + " left"
	}
	return text
}
