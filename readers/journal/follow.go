package journal

import (
	"context"
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// Wait implements pump.Iterator.
func (it *iterator) Wait(ctx context.Context) error {
	if it.waiting {
		it.waiting = false
		return sleep(ctx, stampTime)
	}
	for {
		stirred, err := it.stirred()
		if err != nil {
			return err
		}
		if stirred {
			it.idle = pollMin
			return nil
		}
		if err := sleep(ctx, it.idle); err != nil {
			return err
		}
		it.idle = min(it.idle*5/4, pollMax)
	}
}

// stirred reports whether something may have changed since the last look.
func (it *iterator) stirred() (bool, error) {
	if it.closed {
		return false, errClosed
	}
	at, err := it.log.list(false)
	if err != nil {
		return false, err
	}
	if at.gen != it.gen {
		return true, nil
	}
	for _, c := range it.cursors {
		if !c.live {
			continue
		}
		if !c.orphaned.IsZero() && c.abandoned() {
			return true, nil // it can be closed
		}
		n, err := c.file.NEntries()
		if err != nil || n > c.limit {
			return true, nil //nolint:nilerr // Next finds out what it is
		}
	}
	return false, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// monotonicNow returns the time that journald stamps entries with, in microseconds since boot.
func monotonicNow() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return math.MaxUint64 // nothing then has to settle
	}
	return uint64(ts.Nano() / 1000) //nolint:gosec // since boot: positive
}
