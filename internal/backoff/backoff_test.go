package backoff

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestNextDoublesUpToTheMaximum(t *testing.T) {
	b := Backoff{Base: 100 * time.Millisecond, Max: time.Second}
	for i, ms := range []int{100, 200, 400, 800, 1000, 1000, 1000} {
		limit := time.Duration(ms) * time.Millisecond
		if d := b.Next(); d < limit/2 || d > limit {
			t.Errorf("wait %d is %v, want between %v and %v", i, d, limit/2, limit)
		}
	}
	b.Reset()
	if d := b.Next(); d > 100*time.Millisecond {
		t.Errorf("the wait after a reset is %v, want at most 100ms", d)
	}
}

func TestZeroValueIsBounded(t *testing.T) {
	var b Backoff
	for range 1000 {
		if d := b.Next(); d < 125*time.Millisecond || d > time.Minute {
			t.Fatalf("wait of %v", d)
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Backoff{Base: time.Hour, Max: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := b.Wait(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v, want 1s", waited)
		}
	})
}

func TestWaitHonoursWhatTheDestinationAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Backoff
		start := time.Now()
		if err := b.Wait(t.Context(), 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 5*time.Minute {
			t.Errorf("waited %v, want 5m", waited)
		}
	})
}
