package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/test/journald"
	"journalpump/test/program"
)

// TestCalm has a journald log to an iterator that has been idle for so long that only what journald announces wakes it.
func TestCalm(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	native := j.Native(t)
	if err := native.Message("first"); err != nil {
		t.Fatal(err)
	}
	j.Sync(t)
	l := openLog(t, namespace(j))
	opened, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	it := opened.(*iterator)
	it.unwoken = time.Hour
	next := func(ctx context.Context) (messages []string) {
		for {
			c, err := it.Next(ctx)
			if errors.Is(err, pump.ErrNoMore) {
				return messages
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.Entries {
				text, _ := c.Lookup(i, "MESSAGE")
				messages = append(messages, string(text))
			}
		}
	}
	next(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	var took []time.Duration
	for i := range 10 {
		want := fmt.Sprint("message ", i)
		sent := make(chan error, 1)
		began := time.Now()
		go func() { sent <- native.Message(want) }()
		for !slices.Contains(next(ctx), want) {
			if !it.waiting {
				it.calm = time.Time{}
			}
			if err := it.Wait(ctx); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		took = append(took, time.Since(began))
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(took)
	t.Logf("median %v, at most %v", took[len(took)/2], took[len(took)-1])
}
