package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// tail shows what a sender gets, as it gets it, and touches nothing.
func TestTail(t *testing.T) {
	t.Parallel()
	s := onCall(t)
	r := program.Run(t, "tail", s.config(), "--sender", "quiet", "-n", "2", "--follow=false")
	lines := strings.Split(strings.TrimSuffix(r.Output, "\n"), "\n")
	if r.Code != 0 || len(lines) != 2 || !strings.Contains(lines[0], "password=[REDACTED]") || !strings.Contains(lines[1], "deadlock") {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	both := program.Run(t, "tail", s.config(), "--reader", "r", "--follow=false")
	if both.Code != 0 || strings.Count(both.Output, "r/quiet\t{") != 2 || strings.Count(both.Output, "r/errors\t{") != 1 {
		t.Errorf("exit status %d:\n%s", both.Code, both.Output)
	}
	if files, err := filepath.Glob(filepath.Join(s.dir, "*")); err != nil || len(files) != 1 {
		t.Errorf("there are files now: %v, %v", files, err)
	}
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	sent, err := os.ReadFile(s.file("quiet"))
	if err != nil || string(sent) != r.Output {
		t.Errorf("%v: the sender got\n%s\ntail said\n%s", err, sent, r.Output)
	}
	if r := program.Run(t, "tail", s.config(), "--sender", "quit"); r.Code != 1 || !strings.Contains(r.Output, "hint: did you mean quiet?") {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
}

// It follows a journal that is being written, also one that is not there yet.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := newSetup(t)
	s.write(t, object{"journal_path": j.Dir, "match_key": "MESSAGE", "match_value": "wanted"})
	tail := program.Start(t, nil, "tail", s.config())
	conn := j.Native(t)
	count := 0
	program.Until(t, "tail shows three more, each once", func() bool {
		if strings.Count(tail.Output(), `"wanted"`) != count {
			return false
		}
		if count == 3 {
			return true
		}
		count++
		for _, message := range []string{"unwanted", "wanted"} {
			if err := conn.Message(message); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	tail.Stop(t)
	if strings.Contains(tail.Output(), "unwanted") {
		t.Errorf("it shows what is filtered:\n%s", tail.Output())
	}
}
