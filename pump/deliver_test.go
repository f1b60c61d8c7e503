package pump_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

func TestTransientErrorsAreRetriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 500)
		calls := 0
		s := testSender{script: func(*testSender, pump.Batch) error {
			if calls++; calls%3 != 0 {
				return errors.New("connection refused")
			}
			return nil
		}}
		r.add("s", &s, nil).Limits.Records = 20
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 500))
		if s.opens != 1 {
			t.Errorf("opened %d times", s.opens)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.opts.Timeout = time.Hour
		var calls []time.Time
		s := testSender{script: func(*testSender, pump.Batch) error {
			if calls = append(calls, time.Now()); len(calls) == 1 {
				return pump.RetryAfter(errors.New("429"), 10*time.Minute)
			}
			return nil
		}}
		r.add("s", &s, nil)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if d := calls[1].Sub(calls[0]); d != 10*time.Minute {
			t.Errorf("waited %v", d)
		}
	})
}

// dead refuses every multiple of 10 for good.
func dead(_ *testSender, b pump.Batch) error {
	for i := range b.Records {
		if b.Records[i].Position().Seqnum%10 == 0 {
			return pump.Permanent(errors.New("mapper_parsing_exception"))
		}
	}
	return nil
}

func TestPoisonIsFoundByHalving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		s := testSender{script: dead}
		r.add("s", &s, nil).Limits.Records = 33
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		var want []uint64
		for n := uint64(1); n <= 100; n++ {
			if n%10 != 0 {
				want = append(want, n)
			}
		}
		wantReceived(t, "s", &s, want)
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 100, Accepted: 90, DeadLettered: 10}) {
			t.Errorf("ledger %+v", l)
		}
		if n := r.metrics.count("journal.dead_letters"); n != 10 {
			t.Errorf("%d dead letters were counted", n)
		}
	})
}

func TestTooLargeIsHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		s := testSender{script: func(_ *testSender, b pump.Batch) error {
			size := 0
			for i := range b.Records {
				size += len(b.Records[i].Body)
			}
			if size != b.Bytes {
				return fmt.Errorf("batch of %d bytes says %d", size, b.Bytes)
			}
			if size > 30 {
				return pump.ErrTooLarge
			}
			return nil
		}}
		r.add("s", &s, nil).Limits.Records = 100
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 1000))
	})
}

func TestPartialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		tried := map[uint64]int{}
		var accepted []uint64
		s := testSender{script: func(_ *testSender, b pump.Batch) error {
			errs := map[int]error{}
			for i := range b.Records {
				n := b.Records[i].Position().Seqnum
				tried[n]++
				switch {
				case n%10 == 0:
					errs[i] = pump.Permanent(errors.New("400"))
				case n%7 == 0 && tried[n] < 3:
					errs[i] = pump.RetryAfter(errors.New("429"), time.Second)
				default:
					accepted = append(accepted, n)
				}
			}
			if len(errs) == 0 {
				return nil
			}
			return &pump.PartialError{Errs: errs}
		}}
		r.add("s", &s, nil).Limits.Records = 50
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(accepted)
		if len(accepted) != 90 || len(slices.Compact(accepted)) != 90 {
			t.Errorf("%d entries were accepted, want 90 different ones", len(accepted))
		}
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 100, Accepted: 90, DeadLettered: 10}) {
			t.Errorf("ledger %+v", l)
		}
	})
}

func TestADeadDestinationHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		hole := testSender{block: make(chan struct{})}
		var good testSender
		r.add("hole", &hole, nil)
		r.add("good", &good, nil)
		stop := r.start()
		for range 100 {
			r.log.append(10)
			time.Sleep(time.Second)
		}
		wantReceived(t, "good", &good, upTo(1, 1000))
		wantReceived(t, "hole", &hole, nil)
		snap := r.pump.Snapshot(t.Context()).Readers["r"]
		if lag := snap.Senders["hole"].Lag; lag.Entries != 1000 {
			t.Errorf("the lag is %+v", lag)
		}
		if snap.Lines != 1000 {
			t.Errorf("the observer saw %d lines", snap.Lines)
		}
		close(hole.block)
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		wantReceived(t, "hole", &hole, upTo(1, 1000))
	})
}

func TestASenderThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var good, late testSender
		r.add("good", &good, nil)
		r.spec.Senders = append(r.spec.Senders,
			pump.SenderSpec{Name: "never", Fingerprint: "n", View: &testView{}, Open: func(context.Context) (pump.Sender, error) {
				return nil, pump.Permanent(errors.New("no such certificate"))
			}},
			pump.SenderSpec{Name: "late", Fingerprint: "l", View: &testView{}, Open: func(ctx context.Context) (pump.Sender, error) {
				if late.opens++; late.opens < 4 {
					return nil, errors.New("no such host")
				}
				return late.openFunc()(ctx)
			}})
		stop := r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantReceived(t, "good", &good, upTo(1, 10))
		wantReceived(t, "late", &late, upTo(1, 10))
		snap := r.pump.Snapshot(t.Context()).Readers["r"]
		if s := snap.Senders["never"]; s.Health != pump.Disconnected || s.LastError != "no such certificate" {
			t.Errorf("never: %+v", s)
		}
		if n := r.metrics.gauges["sender.failed_to_start,"]; n != 1 {
			t.Errorf("sender.failed_to_start is %v", n)
		}
		stop()
	})
}
