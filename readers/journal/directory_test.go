package journal

import (
	"context"
	"errors"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journald"
	"journalpump/test/program"
)

// TestMovedToVar follows a journald that goes on in /var, from the first entry and from one that was read before: what it
// moves there comes once. Lines that are equal in everything but their number are no copies of each other.
func TestMovedToVar(t *testing.T) {
	t.Parallel()
	j := journald.StartSystem(t)
	native, lines := j.Native(t), j.Stream(t, "lines")
	say := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		j.Sync(t)
	}
	say(native.Message("first"))
	l := openLog(t, Options{Selection: journaldir.Selection{Path: j.Root, Flags: journaldir.OSRoot}})
	all, before := followed(t, l)
	rest, err := l.Open(t.Context(), before.last)
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()

	say(lines.Messages("same", "same", "same"))
	say(native.Message("before"))
	got := []map[string]int{countUntil(t, all, "before"), countUntil(t, rest, "before")}
	j.Flush(t)
	say(lines.Messages("same", "same", "same"))
	say(native.Message("after"))
	for i, it := range []pump.Iterator{all, rest} {
		for m, n := range countUntil(t, it, "after") {
			got[i][m] += n
		}
		for m, want := range map[string]int{"first": 0, "same": 6, "before": 1, "after": 1} {
			if got[i][m] != want {
				t.Errorf("iterator %d: %q came %d times, want %d", i, m, got[i][m], want)
			}
		}
	}
}

// countUntil follows until a message comes, and returns how often each one came.
func countUntil(t *testing.T, it pump.Iterator, last string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	count := map[string]int{}
	for count[last] == 0 {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			err = it.Wait(ctx)
			c = &pump.Chunk{}
		}
		if err != nil {
			t.Fatalf("waiting for %q: %v", last, err)
		}
		for i := range c.Entries {
			m, _ := c.Lookup(i, "MESSAGE")
			count[string(m)]++
		}
	}
	return count
}
