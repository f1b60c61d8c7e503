package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"journalpump/test/program"
)

// A destination that refuses: --once gives it up after a while, says so and what is left, moves nothing, and delivers all when it works
// again. The others aren't held up, nor cut short.
func TestOnceWithDestinationThatRefuses(t *testing.T) {
	t.Parallel()
	const entries = 300
	dir := numberedJournal(t, entries)
	s := newSetup(t)
	blocked := filepath.Join(s.dir, "blocked")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refusing := s.sender("refusing")
	refusing["file_output"] = filepath.Join(blocked, "out.ndjson") // its directory is a file
	var pump atomic.Pointer[program.Process]
	slow := crawler{hurry: func() bool { p := pump.Load(); return p != nil && strings.Contains(p.Output(), "given up") }}
	server := httptest.NewServer(&slow)
	defer server.Close()
	s.write(t, object{"journal_path": dir, "msg_buffer_max_length": 1, "senders": object{
		"refusing": refusing, "out": s.sender("out"),
		"slow": object{"output_type": "logplex", "logplex_log_input_url": server.URL, "logplex_token": "t.1"},
	}})

	pump.Store(program.Start(t, nil, "--once", "--timeout", "5s", s.config()))
	r := pump.Load().Wait(t)
	if r.Code != 1 {
		t.Errorf("exit status %d, want 1", r.Code)
	}
	if !strings.Contains(r.Output, "not everything was delivered: r/refusing (about 300 entries), given up: refused for 5s: ") {
		t.Errorf("it doesn't say that 300 entries are left for the sender refusing, and only for that:\n%s", r.Output)
	}
	newOutput(s.file("out")).read(t).exactly(t, map[string]int{"file": entries})
	if n, hurried := slow.counts(); n != entries || hurried == 0 {
		t.Errorf("the slow destination has %d entries, %d of them after the other was given up", n, hurried)
	}

	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := program.Run(t, "--once", "--timeout", "30s", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	newOutput(filepath.Join(blocked, "out.ndjson")).read(t).exactly(t, map[string]int{"file": entries})
	newOutput(s.file("out")).read(t).exactly(t, map[string]int{"file": entries})
	if n, _ := slow.counts(); n != entries {
		t.Errorf("the slow destination has %d entries in the end", n)
	}
}

// crawler is a destination that takes its time for each request until it is to hurry.
type crawler struct {
	hurry func() bool

	mu             sync.Mutex
	taken, hurried int // requests
}

func (c *crawler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	limit := time.NewTimer(250 * time.Millisecond)
	defer limit.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	soon := false
	for due := false; !due && !soon; soon = c.hurry() {
		select {
		case <-poll.C:
		case <-limit.C:
			due = true
		case <-r.Context().Done():
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken++
	if soon {
		c.hurried++
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *crawler) counts() (taken, hurried int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken, c.hurried
}

// A journal that may not be read is an error, with what to do about it; one that is not there is none. It makes no difference
// whether the sender has a position.
func TestOnceWithAJournalThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{"native", "libsystemd"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			program.Unprivileged(t)
			dir := numberedJournal(t, 3)
			s := newSetup(t)
			s.write(t, object{"journal_path": dir, "journal_backend": backend, "initial_position": "head"})
			deny := func(place string, mode os.FileMode, hint string) {
				t.Helper()
				if err := os.Chmod(place, 0); err != nil {
					t.Fatal(err)
				}
				r := program.Run(t, "--once", s.config())
				if strings.Contains(r.Output, "without cgo") {
					t.Skip("this build has no libsystemd")
				}
				if r.Code != 1 || !strings.Contains(r.Output, place+": permission denied") || !strings.Contains(r.Output, hint) {
					t.Errorf("%s may not be read: exit status %d, output\n%s", place, r.Code, r.Output)
				}
				if err := os.Chmod(place, mode); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(dir, "system.journal")
			for range 2 { // without a position and with one
				deny(file, 0o640, "systemd-journal")
				deny(dir, 0o755, "systemd-journal")
				if r := program.Run(t, "--once", s.config()); r.Code != 0 {
					t.Fatalf("exit status %d: %s", r.Code, r.Output)
				}
			}
			newOutput(s.file("out")).read(t).exactly(t, map[string]int{"file": 3})
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if r := program.Run(t, "--once", s.config()); r.Code != 0 || !strings.Contains(r.Output, "there is no log") {
				t.Errorf("without a journal: exit status %d, output\n%s", r.Code, r.Output)
			}
		})
	}
}

func TestOnceWithoutConfiguration(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.json")
	if r := program.Run(t, "--once", missing); r.Code == 0 || !strings.Contains(r.Output, missing) {
		t.Errorf("exit status %d, output %q", r.Code, r.Output)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if r := program.Run(t, "version"); r.Code != 0 || !strings.Contains(r.Output, "journalpump") {
		t.Errorf("exit status %d, output %q", r.Code, r.Output)
	}
}
