package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/readertest"
)

// TestRemote runs the suite on files that systemd-journal-remote writes. It never continues a sequence in a new file, so
// after a rotation time decides.
func TestRemote(t *testing.T) {
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		dir := filepath.Join(t.TempDir(), "not", "there", "yet")
		active := filepath.Join(dir, "a.journal")
		rotations := 0
		return readertest.Harness{
			Missing: true,
			Open:    func(t *testing.T) pump.Log { return mustOpen(t, Options{Selection: journaldir.Selection{Path: dir}}) },
			Append: func(t *testing.T, first, n int) {
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
				rotations++
				if err := os.Rename(active, filepath.Join(dir, fmt.Sprintf("a@%d.journal", rotations))); err != nil {
					t.Fatal(err)
				}
			},
			Vacuum: func(t *testing.T) {
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

func mustOpen(t *testing.T, opts Options) *Log {
	t.Helper()
	l, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestJournald runs the suite on a journald at work.
func TestJournald(t *testing.T) {
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		j := readertest.StartJournald(t)
		return readertest.Harness{
			ThisBoot: true,
			Open:     func(t *testing.T) pump.Log { return mustOpen(t, namespace(j)) },
			Append: func(t *testing.T, first, n int) {
				for i := first; i < first+n; i++ {
					if err := j.Send(0, "MESSAGE="+readertest.Message(i)); err != nil {
						t.Fatal(err)
					}
				}
				j.Sync(t)
			},
			Rotate: j.Rotate,
			Vacuum: j.Vacuum,
		}
	})
}

func namespace(j *readertest.Journald) Options {
	return Options{Selection: journaldir.Selection{Namespaces: []string{j.Namespace}, Flags: journaldir.LocalOnly}}
}

// TestUsers has two users log in turn: their entries go to two files, and must come out in turn.
func TestUsers(t *testing.T) {
	j := readertest.StartJournald(t)
	send := func(first, n int) {
		for i := first; i < first+n; i++ {
			if err := j.Send(i%2*4242, "MESSAGE="+readertest.Message(i)); err != nil {
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
	it, err := log.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := 10; i < n; i += 10 {
			send(i, 10)
		}
	}()
	next, late, rotate := 0, time.After(30*time.Second), 1000
	var last pump.Position
	for next < n {
		c, err := it.Next(t.Context())
		if err != nil {
			select {
			case <-late:
				t.Fatalf("%d entries of %d", next, n)
			default:
			}
			if err := it.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for i := range c.Entries {
			got, ok := readertest.Number(c, i)
			if !ok {
				continue
			}
			if got != next {
				t.Fatalf("entry %d, want %d", got, next)
			}
			next++
		}
		last = c.To
		// Now and then a new iterator goes on in its place, as after a restart.
		if next > rotate {
			rotate += 1000
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
			j.Rotate(t)
			if it, err = log.Open(t.Context(), last); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-sent
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	j.Sync(t)
	sameRecords(t, readAll(t, log, pump.Position{}).records, journalctl(t, "--namespace="+j.Namespace))
}
