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

// countingMeter counts how often it is asked.
type countingMeter struct {
	*memLog
	asked atomic.Int64
}

func (l *countingMeter) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	l.asked.Add(1)
	return l.memLog.Lag(ctx, pos)
}

// A lane that has everything is seldom asked about, but what it then reads shows at once.
func TestIdleLanesAreSeldomMetered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		log := &countingMeter{memLog: r.log}
		r.spec.Open = func(context.Context) (pump.Log, error) { return log, nil }
		var s testSender
		r.add("s", &s, nil)
		stop := r.start()
		time.Sleep(10 * time.Second)
		before := log.asked.Load()
		time.Sleep(time.Minute)
		if n := log.asked.Load() - before; n < 6 || n > 30 {
			t.Errorf("asked %d times in a minute", n)
		}
		log.append(5)
		time.Sleep(2 * time.Second)
		if got := r.last().Readers["r"].Senders["s"]; got.Position != at(15) || got.Lag.Tail != at(15) || got.Lag.Entries != 0 {
			t.Errorf("after more was written: %v, lag %+v", got.Position, got.Lag)
		}
		stop()
	})
}

// After a stop the state says how much is left, as nobody can be asked any more.
func TestTheStateSavedLastTellsTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 30)
		refusing := testSender{script: func(*testSender, pump.Batch) error { return errors.New("connection refused") }}
		var taking testSender
		r.add("refusing", &refusing, nil)
		r.add("taking", &taking, nil)
		stop := r.start()
		time.Sleep(10 * time.Second)
		stop()
		senders := r.last().Readers["r"].Senders
		if refusing, taking := senders["refusing"].Lag.Entries, senders["taking"].Lag.Entries; refusing != 30 || taking != 0 {
			t.Errorf("left are %d of 30 entries and %d of none", refusing, taking)
		}
	})
}

// What is accepted after the log was last asked is no longer left.
func TestTheStateSavedLastKnowsWhatTheStopDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 30)
		s := testSender{block: make(chan struct{})}
		r.add("s", &s, nil).Limits.Records = 10
		stop := r.start()
		time.Sleep(10*time.Second + 100*time.Millisecond)
		time.AfterFunc(500*time.Millisecond, func() { close(s.block) })
		stop()
		last := r.last().Readers["r"].Senders["s"]
		delivered := last.Position.Seqnum
		if delivered == 0 || delivered == 30 {
			t.Fatalf("%d of 30 entries are delivered, the test wants some and not all", delivered)
		}
		if left := last.Lag.Entries; left != int64(30-delivered) {
			t.Errorf("%d of 30 entries are delivered, %d are said to be left", delivered, left)
		}
	})
}
