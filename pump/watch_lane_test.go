package pump

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

type noMetrics struct{}

func (noMetrics) Count(string, int64, map[string]string)   {}
func (noMetrics) Gauge(string, float64, map[string]string) {}

// What the watch makes of a lane that has entries and does nothing with them.
func TestALaneThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Logger: slog.New(slog.DiscardHandler), Metrics: noMetrics{}}
		l := newLane(SenderSpec{Name: "s", CommitEvery: time.Minute, Limits: BatchLimits{Age: time.Hour}}, nil, SenderSnapshot{}, &opts)
		// turn passes some time, looks, and reports whether the session was ended.
		turn := func(d time.Duration) (restarted bool) {
			t.Helper()
			_ = l.restartable(t.Context(), func(ctx context.Context) error {
				time.Sleep(d)
				l.watch(time.Now())
				restarted = errors.Is(context.Cause(ctx), errStalled)
				return nil
			})
			return restarted
		}
		patience := time.Hour + time.Minute + 2*callLimit
		if turn(2 * patience) {
			t.Error("a lane with nothing to do was restarted")
		}
		chunk := &Chunk{Entries: make([]Entry, 5)}
		l.state.read(chunk, &Rendered{}, nil)
		if turn(patience - time.Second) {
			t.Error("a lane whose batch fills was restarted")
		}
		for name, a := range map[string]*activity{"sends": &l.send, "renders": &l.work, "backs off": &l.pause} {
			a.begin()
			if turn(patience) {
				t.Errorf("a lane that %s was restarted", name)
			}
			a.end()
		}
		l.state.failed(errors.New("connection refused"))
		if turn(patience-time.Second) || l.state.snapshot().Stalls != 0 {
			t.Error("a lane with an error was restarted")
		}
		if !turn(2 * time.Second) {
			t.Error("a lane that stands still was not restarted")
		}
		if turn(time.Second) || l.stuck(time.Now()) {
			t.Error("a lane that was just restarted gets no time")
		}
		time.Sleep(callLimit)
		if !l.stuck(time.Now()) {
			t.Error("a lane whose session does not end is not stuck")
		}
		for range maxReopened {
			l.state.rewind()
			l.state.read(chunk, &Rendered{}, nil)
			if l.stuck(time.Now()) {
				t.Error("stuck too soon")
			}
			if !turn(patience + time.Second) {
				t.Error("it was not restarted again")
			}
		}
		l.state.rewind()
		if !l.stuck(time.Now()) || l.state.snapshot().Stalls != maxReopened+1 {
			t.Error("a lane that was restarted in vain is not stuck")
		}
		l.state.settle(&outcome{})
		if l.stuck(time.Now()) {
			t.Error("stuck although it moved")
		}
	})
}
