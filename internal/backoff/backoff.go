// Package backoff computes how long to wait between attempts: exponentially longer, with jitter, up to a maximum.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff counts attempts. The zero value waits between 125 ms and 250 ms first and never more than a minute.
type Backoff struct {
	Base     time.Duration // the first wait, at most; 0: 250 ms
	Max      time.Duration // no wait is longer, but for what a destination itself asks for; 0: 1 min
	attempts int
}

// Attempts returns how many waits there were since the last Reset.
func (b *Backoff) Attempts() int { return b.attempts }

// Reset makes the next wait the first one.
func (b *Backoff) Reset() { b.attempts = 0 }

// Next returns the next wait: half of it fixed and half random, so that many agents that lost the same destination do not
// come back at once.
func (b *Backoff) Next() time.Duration {
	d, maximum := b.Base, b.Max
	if d <= 0 {
		d = 250 * time.Millisecond
	}
	if maximum <= 0 {
		maximum = time.Minute
	}
	for i := 0; i < b.attempts && d < maximum; i++ {
		d *= 2
	}
	d = min(d, maximum)
	b.attempts++
	return d/2 + rand.N(d/2+1)
}

// Wait waits for Next, or for atLeast if that is longer. It returns the context's error if that ended first.
func (b *Backoff) Wait(ctx context.Context, atLeast time.Duration) error {
	return Sleep(ctx, max(b.Next(), atLeast))
}

// Sleep waits for d, or returns the context's error if that ended first.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
