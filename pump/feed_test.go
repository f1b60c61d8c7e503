package pump_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestLanesInStepShareChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var senders [4]testSender
		for i := range senders {
			r.add(fmt.Sprint(i), &senders[i], nil)
		}
		stop := r.start()
		for range 50 {
			r.log.append(10)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		stop()
		for i := range senders {
			wantReceived(t, fmt.Sprint(i), &senders[i], upTo(1, 500))
		}
		if r.log.decoded != 50 {
			t.Errorf("50 chunks were decoded %d times", r.log.decoded)
		}
	})
}

// A chunk that does not move on tells of entries that no sender gets: each is told once, and the reader.
func TestAChunkThatDoesNotMoveOnIsSeenOnceByEach(t *testing.T) {
	const damaged = 5
	for name, first := range map[string]uint64{"at the beginning": 0, "at the end": 100} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, first)
				var senders [3]testSender
				for i := range senders {
					r.add(fmt.Sprint(i), &senders[i], nil)
				}
				late := testSender{block: make(chan struct{})}
				r.add("late", &late, nil)
				stop := r.start()
				time.Sleep(time.Second)
				r.log.damage(damaged)
				time.Sleep(time.Minute) // all wait, and the observer with them
				r.log.append(5)
				synctest.Wait()
				close(late.block)
				time.Sleep(time.Second)
				stop()
				for i := range senders {
					wantReceived(t, fmt.Sprint(i), &senders[i], upTo(1, first+5))
				}
				reader := r.last().Readers["r"]
				if reader.Corrupted != damaged || reader.Gaps.Count != damaged {
					t.Errorf("%d unreadable entries and %d gaps were counted, want %d", reader.Corrupted, reader.Gaps.Count, damaged)
				}
				for name, s := range reader.Senders {
					if s.Gaps.Count != damaged && name != "late" {
						t.Errorf("sender %s was told of %d gaps, want %d", name, s.Gaps.Count, damaged)
					}
				}
			})
		})
	}
}

func TestTheObserverReadsByItselfWhenAllLanesLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100_000)
		hole := testSender{block: make(chan struct{})}
		r.add("hole", &hole, nil)
		stop := r.start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := r.pump.Snapshot(t.Context()).Readers["r"].Lines; n != 100_000 {
			t.Errorf("the observer saw %d lines", n)
		}
		stop()
	})
}

func TestAReaderWithoutSendersObserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if snap := r.last().Readers["r"]; snap.Lines != 1000 || snap.Position != at(1000) {
			t.Errorf("saw %d lines, is at %v", snap.Lines, snap.Position)
		}
	})
}
