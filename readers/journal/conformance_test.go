package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/readertest"
	"journalpump/test/journald"
	"journalpump/test/program"
)

// TestRemote runs the suite on files that systemd-journal-remote writes. It never continues a sequence in a new file, so
// after a rotation time decides.
func TestRemote(t *testing.T) {
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "not", "there", "yet")
		active := filepath.Join(dir, "a.journal")
		rotations := 0
		return readertest.Harness{
			Missing: true,
			Open:    opener(Options{Selection: journaldir.Selection{Path: dir}}),
			Append: func(t *testing.T, first, n int) {
				t.Helper()
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				for i := first; i < first+n; i++ {
					fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=%s\nA=b\n\n",
						day+uint64(i)*100, 1000+uint64(i)*100, 7, readertest.Message(i))
				}
				writeJournal(t, active, []byte(b.String()))
			},
			Rotate: func(t *testing.T) {
				t.Helper()
				rotations++
				if err := os.Rename(active, filepath.Join(dir, fmt.Sprintf("a@%d.journal", rotations))); err != nil {
					t.Fatal(err)
				}
			},
			Vacuum: func(t *testing.T) {
				t.Helper()
				old, err := filepath.Glob(filepath.Join(dir, "a@*.journal"))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range old {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}

func opener(opts Options) func(t *testing.T) pump.Log {
	return func(t *testing.T) pump.Log {
		t.Helper()
		l, err := Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

// TestJournald runs the suite on a journald at work.
func TestJournald(t *testing.T) {
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		t.Helper()
		j := journald.Start(t)
		native := j.Native(t)
		return readertest.Harness{
			ThisBoot: true,
			Open:     opener(namespace(j)),
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

func namespace(j *journald.Instance) Options {
	return Options{Selection: journaldir.Selection{Namespaces: []string{j.Namespace}, Flags: journaldir.LocalOnly}}
}

// TestUsers has two users log in turn: their entries go to two files, and must come out in turn.
func TestUsers(t *testing.T) {
	j := journald.Start(t)
	native := j.Native(t)
	send := func(first, n int) {
		for i := first; i < first+n; i++ {
			if err := native.Send(i%2*4242, "MESSAGE="+readertest.Message(i)); err != nil {
				t.Error(err)
			}
		}
	}
	send(0, 10)
	j.Sync(t)
	if files, err := filepath.Glob(filepath.Join(j.Dir, "user-4242.journal")); err != nil || len(files) == 0 {
		t.Fatal("journald does not split by user")
	}
	const n = 6000
	log := openLog(t, namespace(j))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := 10; i < n; i += 10 {
			send(i, 10)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	next := 0
	var last pump.Position
	for stop := 1000; stop <= n; stop += 1000 { // each time a new iterator goes on in place of the last, as after a restart
		next, last = followTurn(ctx, t, log, last, next, stop)
		j.Rotate(t)
	}
	<-sent
	j.Sync(t)
	sameRecords(t, readAll(t, log, pump.Position{}).records, journalctl(t, "--namespace="+j.Namespace))
}

// followTurn reads on until the test's entries up to stop, at least, were read one after the other.
func followTurn(ctx context.Context, t *testing.T, log *Log, after pump.Position, next, stop int) (int, pump.Position) {
	t.Helper()
	it, err := log.Open(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for next < stop {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			err = it.Wait(ctx)
			c = &pump.Chunk{To: after}
		}
		if err != nil {
			t.Fatalf("after %d entries: %v", next, err)
		}
		for i := range c.Entries {
			if got, ok := readertest.Number(c, i); ok {
				if got != next {
					t.Fatalf("entry %d, want %d", got, next)
				}
				next++
			}
		}
		after = c.To
	}
	return next, after
}

// TestUnseen has files come and go while nobody asks the iterator: what it cannot have any more is in a gap, exactly.
func TestUnseen(t *testing.T) {
	t.Parallel()
	j := journald.Start(t, "SplitMode=none")
	native := j.Native(t)
	send := func(rotations int) {
		for range rotations {
			for i := range 10 {
				if err := native.Message(readertest.Message(i)); err != nil {
					t.Fatal(err)
				}
			}
			j.Sync(t)
			j.Rotate(t)
		}
	}
	send(1)
	it, err := openLog(t, namespace(j)).Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	got := drain(t, it, pump.Position{})
	for range 3 {
		send(4)
		j.Vacuum(t, 2)
		send(1)
		next := drain(t, it, got.last)
		got.records, got.gaps, got.last = append(got.records, next.records...), append(got.gaps, next.gaps...), next.last
	}
	// journald numbers all entries of this journal one after the other.
	have := map[uint64]int{}
	var last uint64
	for _, r := range got.records {
		p, err := pump.ParsePosition(r.cursor)
		if err != nil {
			t.Fatal(err)
		}
		have[p.Seqnum]++
		last = max(last, p.Seqnum)
	}
	lost := 0
	for _, g := range got.gaps {
		if g.Count != g.Last-g.First+1 {
			t.Errorf("the gap from %d to %d counts %d entries", g.First, g.Last, g.Count)
		}
		for n := g.First; n <= g.Last; n++ {
			have[n]++
			lost++
		}
	}
	for n := uint64(1); n <= last; n++ {
		if have[n] != 1 {
			t.Errorf("entry %d was delivered or is in a gap %d times", n, have[n])
		}
	}
	if lost == 0 {
		t.Error("nothing was lost, so nothing was tried")
	}
}
