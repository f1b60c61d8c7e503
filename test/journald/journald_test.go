package journald_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// The helper itself: what goes into each socket is in the journal, through rotation and restart.
func TestEverySocketReachesTheJournal(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	var want []string
	log := func(round int) {
		native, stream, syslog := j.Native(t), j.Stream(t, "helper"), j.Syslog(t)
		for name, message := range map[string]func(string) error{
			"native": native.Message, "stream": stream.Message, "syslog": syslog.Message,
		} {
			text := fmt.Sprintf("from %s, round %d", name, round)
			if err := message(text); err != nil {
				t.Fatal(err)
			}
			want = append(want, text)
		}
		program.Until(t, "the journal has the messages", func() bool {
			got := read(t, j)
			return !slices.ContainsFunc(want, func(text string) bool { return !slices.Contains(got, text) })
		})
	}
	log(1)
	j.Rotate(t)
	log(2)
	j.Stop(t)
	j.Restart(t)
	log(3)
	j.Kill(t)
	j.Restart(t)
	log(4)
	j.Rotate(t)
	j.Vacuum(t, 1)
	if slices.Contains(read(t, j), want[0]) {
		t.Error("vacuuming has left the first file")
	}
}

func read(t *testing.T, j *journald.Instance) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "journalctl", "--directory="+j.Dir, "--output=cat", "--quiet", "--no-pager").Output()
	if err != nil {
		t.Fatalf("journalctl: %v", err)
	}
	return strings.Split(string(out), "\n")
}
