package libsystemd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

// A child that ends in the middle costs nothing: the next one goes on.
func TestChildIsReplaced(t *testing.T) {
	for _, how := range []string{"crash", "kill", "stop"} {
		t.Run(how, func(t *testing.T) {
			o := inDir(journalOf(t, 1, 2500))
			o.Timeout = 2 * time.Second
			o.environment = []string{misbehave + "=" + how + ":1700", misbehaveOnce + "=" + filepath.Join(t.TempDir(), "once")}
			l := openLog(t, o)
			f := readAll(t, iterate(t, l, pump.Position{}), pump.Position{})
			wantNumbers(t, f, upTo(1, 2500))
			if len(f.gaps) > 0 {
				t.Errorf("gaps %v", f.gaps)
			}
		})
	}
}

func TestChildKilledFromOutside(t *testing.T) {
	l := openLog(t, inDir(journalOf(t, 1, 5000)))
	it := iterate(t, l, pump.Position{})
	var f found
	for i := 0; ; i++ {
		if p := it.session.process; p != nil && i%2 == 1 {
			if err := syscall.Kill(p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		c, err := it.Next(t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Entries {
			f.numbers = append(f.numbers, number(t, c, i))
		}
	}
	wantNumbers(t, f, upTo(1, 5000))
}

// What libsystemd never survives is passed over, and recorded.
func TestUnreadableEntriesArePassed(t *testing.T) {
	tests := []struct {
		name, what string
		want       []int
		gaps       [][2]uint64
	}{
		{"one", "crash:20", append(upTo(1, 19), upTo(21, 40)...), [][2]uint64{{20, 20}}},
		{"two", "crash:20,crash:21", append(upTo(1, 19), upTo(22, 40)...), [][2]uint64{{20, 21}}},
		{"the first", "crash:1", upTo(2, 40), [][2]uint64{{0, 0}}},
		{"the last", "crash:40", upTo(1, 39), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := inDir(journalOf(t, 1, 40))
			o.environment = []string{misbehave + "=" + tt.what}
			l := openLog(t, o)
			it := iterate(t, l, pump.Position{})
			f := readAll(t, it, pump.Position{})
			wantNumbers(t, f, tt.want)
			var gaps [][2]uint64
			for _, g := range f.gaps {
				if g.Reason != reasonUnreadable {
					t.Errorf("gap %+v", g)
				}
				gaps = append(gaps, [2]uint64{g.First, g.Last})
			}
			if diff := cmp.Diff(tt.gaps, gaps); diff != "" {
				t.Errorf("gaps: %s", diff)
			}
		})
	}
}

func TestBadFilesBesideGoodOnes(t *testing.T) {
	dir := journalOf(t, 1, 20)
	good, err := os.ReadFile(filepath.Join(dir, "system.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"rubbish.journal": []byte(strings.Repeat("rubbish", 1000)),
		"header.journal":  good[:200],
		"zeros.journal":   make([]byte, 1<<20),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // nobody is making it just now
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	l := openLog(t, inDir(dir))
	f := readAll(t, iterate(t, l, pump.Position{}), pump.Position{})
	wantNumbers(t, f, upTo(1, 20))
	if f.corrupted != 3 {
		t.Errorf("%d counted as unreadable, want the 3 files", f.corrupted)
	}
	only := Options{Selection: journaldir.Selection{Files: []string{filepath.Join(dir, "rubbish.journal")}}}
	if _, err := openLog(t, only).Open(t.Context(), pump.Position{}); err == nil || !strings.Contains(err.Error(), "rubbish.journal") {
		t.Errorf("only rubbish: %v", err)
	}
}

// Whatever libsystemd makes of the rest, even if that is a crash: it comes to an end, and nothing comes twice.
func TestFilesCutOffWhileRead(t *testing.T) {
	dir := journalOf(t, 1, 4000)
	l := openLog(t, inDir(dir))
	it := iterate(t, l, pump.Position{})
	last := 0
	for {
		c, err := it.Next(t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Entries {
			n := number(t, c, i)
			if n <= last {
				t.Fatalf("%d came after %d", n, last)
			}
			last = n
		}
		if err := os.Truncate(filepath.Join(dir, "system.journal"), 1<<16); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExecutableIsMissing(t *testing.T) {
	needTools(t)
	_, err := Open(t.Context(), Options{Executable: filepath.Join(t.TempDir(), "gone")})
	if err == nil {
		t.Fatal("no error")
	}
}
