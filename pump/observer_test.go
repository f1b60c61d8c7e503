package pump

import (
	"log/slog"
	"testing"
)

// What is missing counts once, though a lane has moved the observer on since.
func TestTheObserverCountsWhatIsMissingWhereverItIs(t *testing.T) {
	o := newObserver(ReaderSpec{}, ReaderSnapshot{Position: at(9)}, &Options{Metrics: noMetrics{}, Logger: slog.New(slog.DiscardHandler)})
	told := Chunk{From: at(3), To: at(3), Corrupted: 2, Gaps: []Gap{{Count: 2}}, notice: 1}
	o.look(&told)
	told.again = true
	o.look(&told)
	if s := o.snapshot(); s.Corrupted != 2 || s.Gaps.Count != 1 || s.Position != at(9) {
		t.Errorf("%d corrupted, %d gaps, at %v", s.Corrupted, s.Gaps.Count, s.Position)
	}
}
