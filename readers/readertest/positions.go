package readertest

import (
	"testing"
	"time"

	"journalpump/pump"
)

func testOrder(t *testing.T, h Harness) {
	t.Helper()
	h.fill(t, 200)
	l := open(t, h)
	f := follow(t, l, pump.Position{}).drain(t)
	must(t, f.consecutive(0, 200))
	f.unchanged(t)
	again := follow(t, l, pump.Position{}).drain(t)
	must(t, again.consecutive(0, 200))
	for i := range f.seen {
		if f.seen[i] != again.seen[i] {
			t.Fatalf("entry %d was at %v, and at %v the second time", i, f.seen[i].position, again.seen[i].position)
		}
	}
	known := map[pump.Position]int{}
	for _, s := range f.seen {
		if other, ok := known[s.position]; ok {
			t.Fatalf("entries %d and %d share the position %v", other, s.number, s.position)
		}
		known[s.position] = s.number
		parsed, err := pump.ParsePosition(s.position.String())
		if err != nil || parsed != s.position {
			t.Fatalf("position %v comes back as %v, %v", s.position, parsed, err)
		}
	}
	if len(f.gaps) > 0 {
		t.Errorf("gaps where there are none: %v", f.gaps)
	}
}

func testResume(t *testing.T, h Harness) {
	t.Helper()
	const n = 60
	h.fill(t, n)
	l := open(t, h)
	all := follow(t, l, pump.Position{}).drain(t)
	must(t, all.consecutive(0, n))
	for i, s := range all.seen {
		rest := follow(t, l, s.position).drain(t)
		if err := rest.consecutive(i+1, n-i-1); err != nil {
			t.Fatalf("after entry %d: %v", i, err)
		}
		if len(rest.gaps) > 0 {
			t.Fatalf("after entry %d: gaps %v", i, rest.gaps)
		}
	}
	if end := follow(t, l, all.at).drain(t); len(end.seen) > 0 {
		t.Fatalf("entry %d comes after the end", end.seen[0].number)
	}
}

func testSeek(t *testing.T, h Harness) {
	t.Helper()
	h.fill(t, 40)
	l := open(t, h)
	all := follow(t, l, pump.Position{}).drain(t)
	must(t, all.consecutive(0, 40))
	seek := func(s pump.Start) pump.Position {
		t.Helper()
		p, err := l.Seek(t.Context(), s)
		must(t, err)
		return p
	}

	head := follow(t, l, seek(pump.Start{Kind: pump.StartHead})).drain(t)
	if err := head.consecutive(0, 40); err != nil {
		t.Errorf("from the head: %v", err)
	}
	middle := all.seen[20].position.Realtime
	since := follow(t, l, seek(pump.Start{Kind: pump.StartRealtime, Time: time.UnixMicro(int64(middle))})).drain(t) //nolint:gosec // a time of our own
	want := 0
	for want < 40 && all.seen[want].position.Realtime < middle {
		want++
	}
	if err := since.consecutive(want, 40-want); err != nil {
		t.Errorf("from the realtime of entry 20: %v", err)
	}
	if h.ThisBoot {
		boot := follow(t, l, seek(pump.Start{Kind: pump.StartBoot})).drain(t)
		if err := boot.consecutive(0, 40); err != nil {
			t.Errorf("from the beginning of the boot: %v", err)
		}
		offset := time.Duration(all.seen[30].position.Monotonic) * time.Microsecond //nolint:gosec // as above
		later := follow(t, l, seek(pump.Start{Kind: pump.StartBoot, Offset: offset})).drain(t)
		if len(later.seen) == 0 || later.seen[0].position.Monotonic != all.seen[30].position.Monotonic {
			t.Errorf("from entry 30 by its time since boot: %v", later.seen)
		}
	}
	tail := follow(t, l, seek(pump.Start{Kind: pump.StartTail}))
	tail.drain(t)
	h.Append(t, 40, 5)
	must(t, tail.until(t.Context(), 5))
	if err := tail.consecutive(40, 5); err != nil {
		t.Errorf("from the tail: %v", err)
	}
}

func testLag(t *testing.T, h Harness) {
	t.Helper()
	h.fill(t, 100)
	l := open(t, h)
	meter, ok := l.(pump.Meter)
	if !ok {
		t.Skip("this log does not tell how far behind a position is")
	}
	all := follow(t, l, pump.Position{}).drain(t)
	before := int64(1) << 62
	for _, i := range []int{0, 30, 70, 99} {
		lag, err := meter.Lag(t.Context(), all.seen[i].position)
		must(t, err)
		if lag.Entries > before || lag.Entries == 0 && i < 99 || lag.Age < 0 {
			t.Errorf("after entry %d of 100 the lag is %+v, after an earlier one it was %d", i, lag, before)
		}
		before = lag.Entries
	}
	lag, err := meter.Lag(t.Context(), all.at)
	must(t, err)
	if lag.Entries != 0 || lag.Age != 0 {
		t.Errorf("at the end the lag is %+v", lag)
	}
}
