package readertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
)

// patience is how long something may take that happens at once on an idle machine.
const patience = 2 * time.Minute

var errTooLate = fmt.Errorf("not there after %v", patience)

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
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errTooLate)
	defer cancel()
	for len(f.seen) < n {
		more, err := f.next(ctx)
		if err == nil && !more {
			err = f.it.Wait(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s, want %d", context.Cause(ctx), f.progress(), n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// progress says what was read, and where that is not one after the other.
func (f *follower) progress() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d entries", len(f.seen))
	for i := range f.seen {
		switch s := &f.seen[i]; {
		case i == 0:
			fmt.Fprintf(&b, ", from %d", s.number)
		case s.number != f.seen[i-1].number+1:
			fmt.Fprintf(&b, " to %d, from %d", f.seen[i-1].number, s.number)
		}
	}
	if n := len(f.seen); n > 0 {
		fmt.Fprintf(&b, " to %d", f.seen[n-1].number)
	}
	fmt.Fprintf(&b, ", gaps %v, at %v", f.gaps, f.at)
	return b.String()
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
