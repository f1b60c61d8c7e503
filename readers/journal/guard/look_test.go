package guard

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"journalpump/readers/journal/journaldir"
	"journalpump/test/sample"
)

// While no file comes or goes only the one that is being written is looked at, for a minute.
func TestCalmLook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: 30}, 3); err != nil {
		t.Fatal(err)
	}
	archived, err := filepath.Glob(filepath.Join(dir, "*@*.journal"))
	if err != nil || len(archived) != 2 {
		t.Fatalf("%q, %v", archived, err)
	}
	changes := uint64(1)
	w := newWatch(journaldir.Selection{Path: dir}, slog.New(slog.DiscardHandler))
	w.changes = func() (uint64, bool) { return changes, true }
	active := filepath.Join(dir, "system.journal")
	now := time.Now()
	look := func(after time.Duration) (archives int, entries uint64) {
		t.Helper()
		now = now.Add(after)
		if err := w.look(now); err != nil {
			t.Fatal(err)
		}
		for path, f := range w.known {
			if path == active {
				entries = f.entries
			} else {
				archives++
			}
		}
		return archives, entries
	}
	for _, tc := range []struct {
		what     string
		do       func() error
		after    time.Duration
		archives int
		entries  uint64
	}{
		{"the first time", nil, 0, 2, 10},
		{"one is gone, of which nobody knows", func() error { return os.Remove(archived[0]) }, lookCalm, 2, 10},
		{"after a minute", nil, relookTime, 1, 10},
		{"another is gone", func() error { changes++; return os.Remove(archived[1]) }, lookCalm, 0, 10},
		{"the one that is written changes", func() error { return os.Truncate(active, 0) }, lookCalm, 0, 0},
	} {
		if tc.do != nil {
			if err := tc.do(); err != nil {
				t.Fatal(err)
			}
		}
		if archives, entries := look(tc.after); archives != tc.archives || entries != tc.entries {
			t.Errorf("%s: %d archived files and %d entries, want %d and %d", tc.what, archives, entries, tc.archives, tc.entries)
		}
	}
}
