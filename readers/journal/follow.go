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
		pause, alarm := it.idle, it.alarm()
		stirred, err := it.stirred()
		if err != nil {
			return err
		}
		if stirred {
			it.stir()
			return nil
		}
		if alarm != nil {
			pause = it.unwoken
		}
		alarmed, err := sleepUnless(ctx, pause, alarm)
		if err != nil {
			return err
		}
		it.idle = min(it.idle*5/4, pollMax)
		if alarmed { // the entry may be an instant away
			it.stir()
		}
	}
}

// stir notes that something happens, so that files are looked at often.
func (it *iterator) stir() { it.idle, it.calm = pollMin, time.Now().Add(calmAfter) }

// alarm returns what is closed when something happens, if nothing has for a while; nil if looking often is what tells.
func (it *iterator) alarm() <-chan struct{} {
	if !it.log.watched() || time.Now().Before(it.calm) {
		return nil
	}
	it.written = it.written[:0]
	for _, c := range it.cursors {
		if c.live {
			it.written = append(it.written, c.info.path)
		}
	}
	return it.log.watcher.Alarm(it.written)
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
	if at.gen != it.gen || it.awayTooLong() {
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
	_, err := sleepUnless(ctx, d, nil)
	return err
}

// sleepUnless is sleep that an alarm ends.
func sleepUnless(ctx context.Context, d time.Duration, alarm <-chan struct{}) (alarmed bool, err error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false, nil
	case <-alarm:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
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
