package guard_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/guard"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/readertest"
	"journalpump/test/journald"
)

// A guarded journal passes what every log has to pass.
func TestJournald(t *testing.T) {
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		t.Helper()
		j := journald.Start(t)
		native := j.Native(t)
		selection := journaldir.Selection{Namespaces: []string{j.Namespace}}
		return readertest.Harness{
			ThisBoot: true,
			Open: func(t *testing.T) pump.Log {
				t.Helper()
				inner, err := journal.Open(t.Context(), journal.Options{Selection: selection})
				if err != nil {
					t.Fatal(err)
				}
				return guard.Open(t.Context(), inner, guard.Options{
					Config: guard.Config{Mode: guard.Spool, Directory: filepath.Join(t.TempDir(), "spool")}, Selection: selection, Reader: "r",
					Logger: slog.New(slog.DiscardHandler),
				})
			},
			Append: func(t *testing.T, first, n int) {
				t.Helper()
				for i := first; i < first+n; i++ {
					if err := native.Message(readertest.Message(i)); err != nil {
						t.Fatal(err)
					}
				}
				j.Sync(t)
			},
			Rotate: j.Rotate,
			Vacuum: func(t *testing.T) { t.Helper(); j.Vacuum(t, 1) },
		}
	})
}

// In a directory that is not journald's nobody knows when files will be deleted, so the oldest ones are kept for a sender that
// is late. Guard is what the pump calls; once all is delivered nothing is kept.
func TestUnknownLimits(t *testing.T) {
	j := journald.Start(t)
	native := j.Native(t)
	add := func(from, to int) {
		for i := from; i < to; i++ {
			if err := native.Message(readertest.Message(i)); err != nil {
				t.Fatal(err)
			}
		}
		j.Sync(t)
	}
	dir := filepath.Join(t.TempDir(), "elsewhere")
	add(0, 100)
	j.Rotate(t)
	add(100, 200)
	copyFiles(t, j.Dir, dir)

	selection := journaldir.Selection{Path: dir}
	inner, err := journal.Open(t.Context(), journal.Options{Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	options := guard.Options{
		Config: guard.Config{Mode: guard.Spool}, StateFile: filepath.Join(t.TempDir(), "state.json"), Selection: selection, Reader: "../r",
		Logger: slog.New(slog.DiscardHandler),
	}
	log := guard.Open(t.Context(), inner, options)
	guarded, ok := log.(pump.Guarded)
	if !ok {
		t.Fatal("it is not guarded")
	}
	tell := func(p pump.Position, entries int64) pump.Vacuum {
		return guarded.Guard([]pump.LanePlace{{Sender: "s", Position: p, Lag: pump.Lag{Entries: entries}}})
	}
	until(t, "all is kept", func() bool { return tell(pump.Position{}, 200).Spooled.Entries >= 200 })
	removeFiles(t, dir)

	it, err := log.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var at pump.Position
	for next := 0; next < 200; {
		c, err := it.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Entries {
			if n, ok := readertest.Number(c, i); ok {
				if n != next {
					t.Fatalf("entry %d where %d comes next", n, next)
				}
				next++
			}
		}
		at = c.To
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	until(t, "nothing is kept", func() bool { return tell(at, 0).Spooled.Entries == 0 })
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(options.StateFile + ".spool/*"); len(left) != 1 {
		t.Errorf("the spool is %q", left)
	}
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !condition() {
		select {
		case <-poll.C:
		case <-limit.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(from, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func removeFiles(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
