package readertest

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"journalpump/pump"
)

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
