package readertest

import (
	"testing"

	"journalpump/pump"
)

func testVacuum(t *testing.T, h Harness) {
	t.Helper()
	if h.Vacuum == nil || h.Rotate == nil {
		t.Skip("this log does not vacuum")
	}
	h.Append(t, 0, 50)
	l := open(t, h)
	before := follow(t, l, pump.Position{}).drain(t)
	lagging := follow(t, l, before.seen[9].position)
	h.Rotate(t)
	h.Append(t, 50, 50)
	h.Vacuum(t)

	// Opened before the vacuum, it delivers what it can, in order, and says what it cannot.
	must(t, lagging.untilNumber(t.Context(), 99))
	for i := 1; i < len(lagging.seen); i++ {
		if lagging.seen[i].number <= lagging.seen[i-1].number {
			t.Errorf("entry %d comes after entry %d", lagging.seen[i].number, lagging.seen[i-1].number)
		}
	}
	if len(lagging.seen) < 90 && len(lagging.gaps) == 0 {
		t.Errorf("%d entries of 90, and no gap", len(lagging.seen))
	}
	// Opened after it, it starts with what survived and says so.
	late := follow(t, l, before.seen[9].position)
	must(t, late.untilNumber(t.Context(), 99))
	must(t, late.consecutive(50, 50))
	if len(late.gaps) == 0 {
		t.Error("no gap though entries 10 to 49 are gone")
	}
}
