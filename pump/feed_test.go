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

func TestAChunkThatDoesNotMoveOnIsSeenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		r.log.damaged = 5
		var a, b testSender
		r.add("a", &a, nil)
		r.add("b", &b, nil)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "a", &a, upTo(1, 100))
		wantReceived(t, "b", &b, upTo(1, 100))
		if n := r.last().Readers["r"].Corrupted; n != 5 {
			t.Errorf("%d unreadable entries were counted, want 5", n)
		}
	})
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
