package e2e

import (
	"strings"
	"testing"

	"journalpump/test/program"
)

// A second agent with the same state file does not start, and says what to do. After the first was killed it does.
func TestStateFileOfAnotherAgent(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.write(t, object{"journal_path": numberedJournal(t, 10)})
	first := program.Start(t, nil, s.config())
	out := newOutput(s.file("out"))
	program.Until(t, "the first agent has delivered all", func() bool { return out.read(t).hasAll(map[string]int{"file": 10}) })
	for _, args := range [][]string{{s.config()}, {"--once", s.config()}} {
		r := program.Run(t, args...)
		if r.Code != 1 || !strings.Contains(r.Output, "is in use by another journalpump (process ") || !strings.Contains(r.Output, "hint") {
			t.Errorf("%q: exit status %d:\n%s", args, r.Code, r.Output)
		}
	}
	for _, command := range []string{"explain", "audit", "status"} { // they only look
		if r := program.Run(t, command, s.config()); strings.Contains(r.Output, "in use") {
			t.Errorf("%s: %s", command, r.Output)
		}
	}
	first.Kill(t)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
	if missing := out.read(t).missing(map[string]int{"file": 10}); missing != "" {
		t.Error(missing)
	}
}
