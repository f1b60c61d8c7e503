// Package readertest is what every kind of log has to pass: Run checks the contracts of pump.Log and pump.Iterator.
package readertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"journalpump/pump"
)

// Harness is a log under test, empty or not there yet. Entries are numbered from 0 and have Message(number) as MESSAGE;
// entries with other messages may come in between and are not looked at.
type Harness struct {
	// Open opens the log. It is called several times, also before there is anything to open.
	Open func(t *testing.T) pump.Log
	// Append adds the entries with the numbers from first to first+n-1. When it returns they are there.
	Append func(t *testing.T, first, n int)
	// Rotate makes the log go on in a new file. nil: it cannot.
	Rotate func(t *testing.T)
	// Vacuum deletes everything up to the last rotation. nil: it cannot.
	Vacuum func(t *testing.T)
	// Missing says that nothing is there before the first Append: Seek and Open then say ErrNotYet.
	Missing bool
	// ThisBoot says that the entries are of the current boot, so that StartBoot finds them.
	ThisBoot bool
}

// Message returns the MESSAGE of an entry.
func Message(number int) string { return fmt.Sprintf("readertest entry %08d", number) }

// Number returns the number of entry i of a chunk; ok is false for entries that are not the test's.
func Number(c *pump.Chunk, i int) (n int, ok bool) {
	text, _ := c.Lookup(i, "MESSAGE")
	digits, ok := strings.CutPrefix(string(text), "readertest entry ")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// Run runs the suite. newHarness is called once for each test and cleans up with t.Cleanup.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Order", testOrder},
		{"Resume", testResume},
		{"Follow", testFollow},
		{"Several", testSeveral},
		{"Seek", testSeek},
		{"Cancel", testCancel},
		{"NotYet", testNotYet},
		{"Vacuum", testVacuum},
		{"Lag", testLag},
		{"Recall", testRecall},
		{"Leaks", testLeaks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newHarness(t)) })
	}
}

// patience is how long something may take that happens at once on an idle machine.
const patience = 30 * time.Second

// seen is one of the test's entries as it was read.
type seen struct {
	number   int
	position pump.Position
}

// follower reads along a log and checks what must always hold.
type follower struct {
	it       pump.Iterator
	at       pump.Position
	seen     []seen
	gaps     []pump.Gap
	chunks   []*pump.Chunk
	pictures []string // what each chunk was when it came
}

func open(t *testing.T, h Harness) pump.Log {
	t.Helper()
	l := h.Open(t)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing the log: %v", err)
		}
	})
	return l
}

func follow(t *testing.T, l pump.Log, after pump.Position) *follower {
	t.Helper()
	it, err := l.Open(t.Context(), after)
	if err != nil {
		t.Fatalf("opening after %v: %v", after, err)
	}
	t.Cleanup(func() {
		if err := it.Close(); err != nil {
			t.Errorf("closing an iterator: %v", err)
		}
	})
	return &follower{it: it, at: after}
}

// next reads one chunk; false at the end.
func (f *follower) next(ctx context.Context) (bool, error) {
	c, err := f.it.Next(ctx)
	if errors.Is(err, pump.ErrNoMore) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.From != f.at {
		return false, fmt.Errorf("a chunk from %v follows one to %v", c.From, f.at)
	}
	f.at = c.To
	f.gaps = append(f.gaps, c.Gaps...)
	for i := range c.Entries {
		if n, ok := Number(c, i); ok {
			f.seen = append(f.seen, seen{n, pump.Position{Cursor: c.Entries[i].Position}})
		}
	}
	f.chunks = append(f.chunks, c)
	f.pictures = append(f.pictures, picture(c))
	return true, nil
}

// drain reads to the end.
func (f *follower) drain(t *testing.T) *follower {
	t.Helper()
	for {
		more, err := f.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return f
		}
	}
}

// until reads, and waits for more, until n of the test's entries were read.
func (f *follower) until(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%d entries after %v, want %d", len(f.seen), patience, n))
	defer cancel()
	for len(f.seen) < n {
		more, err := f.next(ctx)
		if err == nil && !more {
			err = f.it.Wait(ctx)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// consecutive fails unless the entries first to first+n-1 were read, each once, in order.
func (f *follower) consecutive(first, n int) error {
	for i, s := range f.seen {
		if s.number != first+i {
			return fmt.Errorf("entry %d came as the %dth, want entry %d", s.number, i, first+i)
		}
	}
	if len(f.seen) != n {
		return fmt.Errorf("%d entries, want %d", len(f.seen), n)
	}
	return nil
}

// picture returns all that a chunk says.
func picture(c *pump.Chunk) string {
	var b strings.Builder
	fmt.Fprintln(&b, c.From, c.To, c.Gaps, c.Corrupted)
	for i := range c.Entries {
		fmt.Fprint(&b, c.Entries[i].Position)
		for _, r := range c.Fields(i) {
			f := c.Field(r)
			fmt.Fprintf(&b, " %s=%q", f.Name, f.Value)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// unchanged fails if a chunk is not what it was when it came.
func (f *follower) unchanged(t *testing.T) {
	t.Helper()
	for i, c := range f.chunks {
		if picture(c) != f.pictures[i] {
			t.Errorf("chunk %d has changed since it was returned", i)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill appends n entries, with a rotation in the middle.
func (h *Harness) fill(t *testing.T, n int) {
	t.Helper()
	h.Append(t, 0, n/2)
	if h.Rotate != nil {
		h.Rotate(t)
	}
	h.Append(t, n/2, n-n/2)
}

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

var errWaits = errors.New("there are new entries, and Wait does not return")

func testFollow(t *testing.T, h Harness) {
	t.Helper()
	h.Append(t, 0, 10)
	f := follow(t, open(t, h), pump.Position{})
	f.drain(t)
	total := 10
	for round := range 6 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errWaits)
		waited := make(chan error, 1)
		go func() { waited <- f.it.Wait(ctx) }()
		h.Append(t, total, 5)
		total += 5
		if err := <-waited; err != nil {
			t.Fatalf("round %d: %v, %v", round, err, context.Cause(ctx))
		}
		cancel()
		must(t, f.until(t.Context(), total))
		if h.Rotate != nil && round%2 == 1 {
			h.Rotate(t)
		}
	}
	must(t, f.consecutive(0, total))
	f.unchanged(t)
	if len(f.gaps) > 0 {
		t.Errorf("gaps where there are none: %v", f.gaps)
	}
}

func testSeveral(t *testing.T, h Harness) {
	t.Helper()
	const readers, rounds, each = 4, 8, 40
	h.Append(t, 0, each)
	l := open(t, h)
	ends := make(chan error, readers)
	for range readers {
		f := follow(t, l, pump.Position{})
		go func() {
			err := f.until(t.Context(), rounds*each)
			if err == nil {
				err = f.consecutive(0, rounds*each)
			}
			ends <- err
		}()
	}
	for round := 1; round < rounds; round++ {
		h.Append(t, round*each, each)
		if h.Rotate != nil {
			h.Rotate(t)
		}
	}
	for range readers {
		if err := <-ends; err != nil {
			t.Error(err)
		}
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

func testCancel(t *testing.T, h Harness) {
	t.Helper()
	h.Append(t, 0, 5)
	f := follow(t, open(t, h), pump.Position{})
	f.drain(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for { // Wait may be mistaken
			if err := f.it.Wait(ctx); err != nil {
				ended <- err
				return
			}
			if _, err := f.next(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	cancel()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled, it ends with %v", err)
		}
	case <-late.C:
		t.Error("cancelled, it goes on")
	}
}

func testNotYet(t *testing.T, h Harness) {
	t.Helper()
	if !h.Missing {
		t.Skip("this log is always there")
	}
	l := open(t, h)
	if _, err := l.Open(t.Context(), pump.Position{}); !errors.Is(err, pump.ErrNotYet) {
		t.Fatalf("opened before it is there: %v, want ErrNotYet", err)
	}
	if _, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartTail}); !errors.Is(err, pump.ErrNotYet) {
		t.Fatalf("sought before it is there: %v, want ErrNotYet", err)
	}
	h.Append(t, 0, 5)
	f := follow(t, l, pump.Position{})
	must(t, f.until(t.Context(), 5))
	must(t, f.consecutive(0, 5))
}

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

// untilNumber reads until the entry with the number was read.
func (f *follower) untilNumber(ctx context.Context, number int) error {
	for len(f.seen) == 0 || f.seen[len(f.seen)-1].number != number {
		if err := f.until(ctx, len(f.seen)+1); err != nil {
			return err
		}
	}
	return nil
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

func testLeaks(t *testing.T, h Harness) {
	t.Helper()
	h.Append(t, 0, 5)
	leaks := goleak.IgnoreCurrent()
	l := h.Open(t)
	it, err := l.Open(t.Context(), pump.Position{})
	must(t, err)
	_, err = it.Next(t.Context())
	must(t, err)
	must(t, it.Close())
	must(t, l.Close())
	goleak.VerifyNone(t, leaks)
}
