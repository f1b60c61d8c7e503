package readertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"journalpump/pump"
)

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
