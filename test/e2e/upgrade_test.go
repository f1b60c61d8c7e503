package e2e

import (
	"encoding/json"
	"os"
	"testing"

	"journalpump/test/program"
)

// A state file that the original has written: each sender goes on after what it had sent, nothing lost, nothing twice.
func TestUpgradeInPlace(t *testing.T) {
	t.Parallel()
	const entries = 1000
	dir := numberedJournal(t, entries)
	at := cursors(t, dir)
	for _, backend := range []string{"native", "libsystemd"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			sent := map[string]int{"early": 300, "late": 700, "done": entries}
			senders, senderStates := object{}, object{}
			for name, n := range sent {
				senders[name] = s.sender(name)
				senderStates[name] = originalSender(at[n-1], n, at[entries-1], entries)
			}
			s.write(t, object{"journal_path": dir, "journal_backend": backend, "senders": senders})
			state, err := json.MarshalIndent(object{
				"readers": object{"r": object{
					"cursor":      at[699],
					"searches":    object{},
					"senders":     senderStates,
					"total_bytes": 123456,
					"total_lines": 700,
				}},
				"start_time": "2026-11-20T10:11:12.131415",
			}, "", "    ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.state(), state, 0o600); err != nil {
				t.Fatal(err)
			}

			if r := program.Run(t, "--once", s.config()); r.Code != 0 {
				t.Fatalf("exit status %d: %s", r.Code, r.Output)
			}
			for name, n := range sent {
				lines := newOutput(s.file(name)).read(t).lines
				if len(lines) != entries-n {
					t.Errorf("%s has %d lines, want %d", name, len(lines), entries-n)
					continue
				}
				for i, line := range lines {
					if line.n != n+1+i {
						t.Errorf("%s: line %d is message %d, want %d", name, i+1, line.n, n+1+i)
						break
					}
				}
			}
		})
	}
}

// originalSender is what the original keeps of a file sender.
func originalSender(sent string, count int, read string, queued int) object {
	return object{
		"type":   "FileSender",
		"buffer": object{"cursor": read, "total_size": 400_000, "entry_num": queued, "current_queue": queued - count},
		"sent":   object{"cursor": sent, "count": count, "bytes": 400 * count},
		"health": object{"status": "connected", "elapsed": 12.5, "errors": []string{}},
	}
}

// A second run goes on where the first has ended.
func TestOnceTwice(t *testing.T) {
	t.Parallel()
	dir := numberedJournal(t, 500)
	s := newSetup(t)
	s.write(t, object{"journal_path": dir})
	for range 2 {
		if r := program.Run(t, "--once", s.config()); r.Code != 0 {
			t.Fatalf("exit status %d: %s", r.Code, r.Output)
		}
	}
	newOutput(s.file("out")).read(t).exactly(t, map[string]int{"file": 500})
}
