package pump_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// guardedLog knows when each sender's next entry will be gone.
type guardedLog struct {
	*memLog
	in time.Duration

	mu   sync.Mutex
	told []pump.LanePlace
}

func (l *guardedLog) Guard(lanes []pump.LanePlace) pump.Vacuum {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = lanes
	v := pump.Vacuum{Losses: map[string]time.Duration{}}
	for _, lane := range lanes {
		if lane.Lag.Entries > 0 {
			v.Losses[lane.Sender] = l.in
		}
	}
	return v
}

func (l *guardedLog) last() []pump.LanePlace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.told)
}

// The log is told of positions only once they are saved, and what it says of losses is shown.
func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 50)
		log := &guardedLog{memLog: r.log, in: time.Hour}
		r.spec.Open = func(context.Context) (pump.Log, error) { return log, nil }
		works := &testSender{}
		stuck := &testSender{block: make(chan struct{})}
		r.add("works", works, nil)
		r.add("stuck", stuck, nil)
		stop := r.start()
		time.Sleep(11 * time.Second) // past a report
		synctest.Wait()
		for _, lane := range log.last() {
			want := map[string]pump.Position{"works": at(50), "stuck": at(0)}[lane.Sender]
			if lane.Position != want {
				t.Errorf("%s is at %v, want %v", lane.Sender, lane.Position, want)
			}
		}
		if n := len(log.last()); n != 2 {
			t.Errorf("%d lanes", n)
		}
		senders := r.last().Readers["r"].Senders
		if senders["works"].Loss.Known || senders["stuck"].Loss != (pump.Loss{In: time.Hour, Known: true}) {
			t.Errorf("the losses to come are %+v and %+v", senders["works"].Loss, senders["stuck"].Loss)
		}
		r.metrics.mu.Lock()
		_, none := r.metrics.gauges["journal.vacuum_seconds,works"]
		gauge := r.metrics.gauges["journal.vacuum_seconds,stuck"]
		r.metrics.mu.Unlock()
		if none || gauge != 3600 {
			t.Errorf("the gauge of the sender that is stuck is %v; the other has one: %v", gauge, none)
		}

		r.mu.Lock()
		r.refuse = errors.New("no space left")
		r.mu.Unlock()
		close(stuck.block)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		for _, lane := range log.last() {
			if lane.Sender == "stuck" && lane.Position != at(0) {
				t.Errorf("the log was told of %v, which is not saved", lane.Position)
			}
		}
		r.mu.Lock()
		r.refuse = nil
		r.mu.Unlock()
		stop()
	})
}
