package readertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
)

// testRecall looks back from several entries, and compares with what reading shows.
func testRecall(t *testing.T, h Harness) {
	t.Helper()
	const numbered = 120
	h.fill(t, numbered)
	l := open(t, h)
	r, ok := l.(pump.Recaller)
	if !ok {
		t.Skip("this log cannot look back")
	}
	all := follow(t, l, pump.Position{}).drain(t)
	must(t, all.consecutive(0, numbered))
	entries := all.entries()
	n := len(entries)
	if _, err := r.Recall(t.Context(), recallOf(entries, n-1, 0)); errors.Is(err, pump.ErrNoRecall) {
		t.Skip("this log cannot look back")
	}
	for _, from := range []int{0, 1, n / 2, n/2 + 1, n - 1} {
		for field := range entries[from].Chunk.Fields(entries[from].Index) {
			what := recallOf(entries, from, field)
			for _, what.Limit = range []int{1, 7, n} {
				compareRecall(t, r, entries[:from], what)
			}
			what.Since = timeOf(entries[from/2])
			compareRecall(t, r, entries[:from], what)
		}
	}
	last := recallOf(entries, n-1, 0)
	last.Any = append(last.Any, []pump.Field{message(numbered - 2)}, []pump.Field{message(3)}, []pump.Field{message(4), message(5)},
		[]pump.Field{message(3)})
	compareRecall(t, r, entries[:n-1], last)
}

func message(number int) pump.Field {
	return pump.Field{Name: "MESSAGE", Value: []byte(Message(number))}
}

// entries returns all that was read, the test's or not.
func (f *follower) entries() (all []pump.EntryRef) {
	for _, c := range f.chunks {
		for i := range c.Entries {
			all = append(all, pump.EntryRef{Chunk: c, Index: i})
		}
	}
	return all
}

func timeOf(e pump.EntryRef) time.Time {
	return time.UnixMicro(int64(e.Chunk.Entries[e.Index].Position.Realtime)) //nolint:gosec // a time of our own
}

// recallOf asks for all that is before an entry and shares one of its fields.
func recallOf(entries []pump.EntryRef, i, field int) pump.Recall {
	e := entries[i]
	shared := *e.Chunk.Field(e.Chunk.Fields(e.Index)[field])
	return pump.Recall{Before: e.Chunk.PositionAfter(e.Index), Any: [][]pump.Field{{shared}}, Limit: len(entries)}
}

// compareRecall compares with a search through all entries before.
func compareRecall(t *testing.T, r pump.Recaller, before []pump.EntryRef, what pump.Recall) {
	t.Helper()
	c, err := r.Recall(t.Context(), what)
	must(t, err)
	var want []string
	for _, e := range slices.Backward(before) {
		if len(want) < what.Limit && !timeOf(e).Before(what.Since) && hasAny(e, what.Any) {
			want = append(want, describe(e.Chunk, e.Index))
		}
	}
	slices.Reverse(want)
	got := make([]string, 0, len(c.Entries))
	for i := range c.Entries {
		got = append(got, describe(c, i))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d entries before %v with %q since %v, want %d:\n%q\n%q", len(got), what.Before, what.Any, what.Since, len(want), got, want)
	}
}

func hasAny(e pump.EntryRef, alternatives [][]pump.Field) bool {
	return slices.ContainsFunc(alternatives, func(all []pump.Field) bool {
		return !slices.ContainsFunc(all, func(want pump.Field) bool {
			return !slices.ContainsFunc(e.Chunk.Fields(e.Index), func(r pump.Ref) bool {
				f := e.Chunk.Field(r)
				return f.Name == want.Name && bytes.Equal(f.Value, want.Value)
			})
		})
	})
}

// describe returns all that an entry says.
func describe(c *pump.Chunk, i int) string {
	var b strings.Builder
	fmt.Fprint(&b, c.Entries[i].Position)
	for _, r := range c.Fields(i) {
		f := c.Field(r)
		fmt.Fprintf(&b, " %s=%q", f.Name, f.Value)
	}
	return b.String()
}
