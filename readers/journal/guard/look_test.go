package guard

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/journalfile"
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

// What the log knows of archived files is what their headers say, as long as they are as the log has found them.
func TestExtentFromLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: 30}, 3); err != nil {
		t.Fatal(err)
	}
	selection := journaldir.Selection{Path: dir}
	l, err := journal.Open(t.Context(), journal.Options{Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Lag(t.Context(), pump.Position{}); err != nil { // looks at the files
		t.Fatal(err)
	}
	look := func() (known map[string]*file, asked, told int) {
		t.Helper()
		own, other := newWatch(selection, slog.New(slog.DiscardHandler)), newWatch(selection, slog.New(slog.DiscardHandler))
		other.extent = func(path string, st *unix.Stat_t) (journalfile.Extent, bool) {
			e, ok := l.Extent(path, st)
			if asked++; ok {
				told++
			}
			return e, ok
		}
		for _, w := range []*watch{own, other} {
			if err := w.look(time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(own.known, other.known) {
			t.Errorf("the log's files are not those of the headers: %v, %v", other.known, own.known)
		}
		return other.known, asked, told
	}
	known, asked, told := look()
	if len(known) != 3 || asked != 2 || told != 2 {
		t.Errorf("of %d files the log was asked about %d and knew %d, want 3, 2 and 2", len(known), asked, told)
	}
	for path, f := range known {
		if !f.active {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, asked, told = look(); asked != 2 || told != 0 {
		t.Errorf("asked about %d files that have changed the log knew %d, want 2 and 0", asked, told)
	}
}
