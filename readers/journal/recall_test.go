package journal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
	"journalpump/test/sample"
)

var recallEntries = flag.Int("recall-entries", 200_000, "how many entries the journal of BenchmarkRecall has")

// BenchmarkRecall looks back at the last 1,024 entries of a unit: at the end of a journal, with its files as they are on disk.
func BenchmarkRecall(b *testing.B) {
	dir := b.TempDir()
	files := max(5, *recallEntries/200_000)
	if err := sample.BuildFiles(dir, sample.Options{Entries: *recallEntries, Seed: 1}, files); err != nil {
		b.Fatal(err)
	}
	l := openLog(b, Options{Selection: journaldir.Selection{Path: dir}})
	tail, err := l.Seek(b.Context(), pump.Start{Kind: pump.StartTail})
	if err != nil {
		b.Fatal(err)
	}
	for _, unit := range []string{"nginx.service", "tail-007.service"} {
		b.Run(fmt.Sprintf("%s of %d in %d files", unit, *recallEntries, files), func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				c, err := l.Recall(b.Context(), pump.Recall{
					Before: tail, Limit: 1024,
					Any: [][]pump.Field{
						{{Name: "_SYSTEMD_UNIT", Value: []byte(unit)}},
						{{Name: "UNIT", Value: []byte(unit)}, {Name: "_PID", Value: []byte("1")}},
						{{Name: "OBJECT_SYSTEMD_UNIT", Value: []byte(unit)}, {Name: "_UID", Value: []byte("0")}},
					},
				})
				if err != nil {
					b.Fatal(err)
				}
				found = len(c.Entries)
			}
			b.ReportMetric(float64(found), "entries")
		})
	}
}

// Looking back goes through all files, and heeds the log's own units.
func TestRecallAcrossFiles(t *testing.T) {
	dir := t.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: 3000, Seed: 1}, 7); err != nil {
		t.Fatal(err)
	}
	selection := journaldir.Selection{Path: dir}
	const unit = "nginx.service"
	var want []pump.Cursor
	all := openLog(t, Options{Selection: selection})
	it, err := all.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := it.Next(t.Context())
		if err != nil {
			break
		}
		for i := range c.Entries {
			if v, _ := c.Lookup(i, "SYSTEMD_UNIT"); string(v) == unit {
				want = append(want, c.Entries[i].Position)
			}
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	tail, err := all.Seek(t.Context(), pump.Start{Kind: pump.StartTail})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(l *Log, limit int) (got []pump.Cursor) {
		t.Helper()
		c, err := l.Recall(t.Context(), pump.Recall{Before: tail, Limit: limit, Any: [][]pump.Field{{{Name: "_SYSTEMD_UNIT", Value: []byte(unit)}}}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Entries {
			got = append(got, c.Entries[i].Position)
		}
		return got
	}
	if len(want) > 0 && want[len(want)-1] == tail.Cursor {
		want = want[:len(want)-1] // the place itself
	}
	if got := ask(all, 3000); len(want) < 100 || !slices.Equal(got, want) {
		t.Errorf("%d entries of %s, want %d", len(got), unit, len(want))
	}
	if got := ask(all, 100); !slices.Equal(got, want[len(want)-100:]) {
		t.Error("the last 100 are others")
	}
	if got := ask(openLog(t, Options{Selection: selection, Units: []string{"other.service"}}), 100); len(got) > 0 {
		t.Errorf("%d entries that the reader does not want", len(got))
	}
	if got := ask(openLog(t, Options{Selection: selection, Units: []string{"nginx*"}}), 100); !slices.Equal(got, want[len(want)-100:]) {
		t.Error("the last 100 that the reader wants are others")
	}
}

// TestRecallMoved renames a file after it was listed: who looks back is told to list again, and then finds the same.
func TestRecallMoved(t *testing.T) {
	t.Parallel()
	g := newGoods(t, journalwriter.Options{})
	if err := os.WriteFile(g.victim, g.b, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openDir(t, g.dir)
	before, err := l.available()
	if err != nil {
		t.Fatal(err)
	}
	tail, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartTail})
	if err != nil {
		t.Fatal(err)
	}
	what := pump.Recall{Before: tail, Limit: 10 * each, Any: [][]pump.Field{{{Name: "_HOSTNAME", Value: []byte("host")}}}}
	all, moved, err := l.recall(t.Context(), &what, before.files)
	if err != nil || moved {
		t.Fatalf("moved %v, error %v", moved, err)
	}
	rename(t, g.victim, filepath.Join(g.dir, "system@4.journal"))
	some, moved, err := l.recall(t.Context(), &what, before.files)
	if err != nil || !moved || len(some.Entries) != len(all.Entries)-each {
		t.Fatalf("%d entries, moved %v, error %v", len(some.Entries), moved, err)
	}
	again, err := l.Recall(t.Context(), what)
	if err != nil {
		t.Fatal(err)
	}
	sameRecords(t, recordsOf(again), recordsOf(all))
}
