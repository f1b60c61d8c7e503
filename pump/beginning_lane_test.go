package pump_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// What is lost before a sender could be opened for the first time is a gap, also where the log begins with what is not for the reader.
func TestLossesBeforeASenderOpens(t *testing.T) {
	for name, c := range map[string]struct {
		unwanted, vacuumed uint64 // when it opens
		entries            int64  // of the gap
		received           []uint64
	}{
		"nothing is lost":                       {10, 0, 0, upTo(11, 30)},
		"some are":                              {10, 20, 10, upTo(21, 30)},
		"all are":                               {30, 20, 20, nil},
		"some are, and then comes the unwanted": {25, 20, 15, upTo(26, 30)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 30)
				r.log.unwanted = 10
				var late testSender
				var up atomic.Bool
				r.add("late", &late, nil).Open = func(ctx context.Context) (pump.Sender, error) {
					if !up.Load() {
						return nil, errors.New("refused")
					}
					return late.openFunc()(ctx)
				}
				stop := r.start()
				time.Sleep(time.Minute)
				synctest.Wait()
				r.log.mu.Lock()
				r.log.unwanted, r.log.vacuumed = c.unwanted, c.vacuumed
				r.log.mu.Unlock()
				up.Store(true)
				time.Sleep(5 * time.Minute)
				stop()
				wantReceived(t, "late", &late, c.received)
				if got := r.last().Readers["r"].Senders["late"].Gaps.Entries; got != c.entries {
					t.Errorf("%d entries were in gaps, want %d", got, c.entries)
				}
			})
		})
	}
}

// A sender that starts when others have left the beginning of the log behind, in an earlier life of the program, knows all the same what
// it was, although it cannot be opened.
func TestLossesBeforeALaterSenderOpens(t *testing.T) {
	for name, failing := range map[string]int{"": 0, "the log cannot be read at first": 1} { // so many times iterators cannot be opened
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 30)
				var early, late testSender
				r.add("early", &early, nil)
				stop := r.start()
				time.Sleep(time.Minute)
				stop()

				var up atomic.Bool
				r.opts.State = r.last()
				r.add("late", &late, nil).Open = func(ctx context.Context) (pump.Sender, error) {
					if !up.Load() {
						return nil, errors.New("refused")
					}
					return late.openFunc()(ctx)
				}
				r.log.refused = failing
				stop = r.start()
				time.Sleep(time.Minute)
				r.log.append(50) // so that others are kept than those at the beginning
				time.Sleep(time.Minute)
				synctest.Wait()
				r.log.mu.Lock()
				r.log.vacuumed = 20
				r.log.mu.Unlock()
				up.Store(true)
				time.Sleep(10 * time.Minute)
				stop()
				wantReceived(t, "early", &early, upTo(1, 80))
				wantReceived(t, "late", &late, upTo(21, 80))
				if got := r.last().Readers["r"].Senders["late"].Gaps.Entries; got != 20 {
					t.Errorf("%d entries were in gaps, want 20", got)
				}
			})
		})
	}
}
