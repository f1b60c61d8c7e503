package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
)

// Names of readers and senders are completed from the configuration that is on the command line.
func TestCompletionOfNames(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.write(t, object{"senders": object{"kafka": s.sender("kafka"), "archive": s.sender("archive")}})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"explain", s.config(), "--sender", ""}, "r/archive r/kafka"},
		{[]string{"tail", s.config(), "--sender", "arch"}, "archive"},
		{[]string{"audit", s.config(), "--sender", "r/k"}, "r/kafka"},
		{[]string{"audit", s.config(), "--reader", ""}, "r"},
		{[]string{"replay", "dead.jsonl", s.config(), "--sender", "k"}, "kafka"},
		{[]string{"replay", "dead.jsonl", s.config(), "--from", "x"}, ""},
	} {
		r := program.Run(t, append([]string{"__complete"}, c.args...)...)
		var got []string
		for line := range strings.Lines(r.Output) {
			if !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "Completion ended") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
}

// What completion prints is a script that the shell takes.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := program.Run(t, "completion", shell)
		if r.Code != 0 || !strings.Contains(r.Output, "__complete") {
			t.Errorf("%s: exit status %d:\n%s", shell, r.Code, r.Output)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // the shell is not here
		}
		script := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(script, []byte(r.Output), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), path, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}
