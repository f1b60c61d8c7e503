package journald_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

// An instance that takes itself for the machine's own moves what it has from /run to /var.
func TestFlush(t *testing.T) {
	t.Parallel()
	j := journald.StartSystem(t)
	if err := j.Native(t).Message("before"); err != nil {
		t.Fatal(err)
	}
	j.Sync(t)
	if !slices.Contains(read(t, j), "before") {
		t.Errorf("nothing is in %s", j.Dir)
	}
	j.Flush(t)
	if err := j.Native(t).Send(4242, "MESSAGE=after"); err != nil {
		t.Fatal(err)
	}
	j.Sync(t)
	if got := read(t, j); !slices.Contains(got, "before") || !slices.Contains(got, "after") {
		t.Errorf("%s has %q", j.Dir, got)
	}
	if files, err := filepath.Glob(filepath.Join(j.Dir, "user-4242.journal")); err != nil || len(files) != 1 {
		t.Errorf("the user's files are %v, %v", files, err)
	}
}

const crashing = "JOURNALD_TEST_CRASH"

// A test that dies leaves no instance behind, and the next one removes its files.
func TestDiesWithItsTest(t *testing.T) {
	t.Parallel()
	if os.Getenv(crashing) != "" {
		j := journald.Start(t)
		fmt.Printf("%d %s\n", j.PID(), j.Dir) //nolint:forbidigo // what the parent waits for
		os.Exit(7)                            //nolint:revive // so that no cleanup runs
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiesWithItsTest$")
	cmd.Env = append(os.Environ(), crashing+"=1")
	out, err := cmd.Output()
	if err == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("%v: %s", err, out)
	}
	var pid int
	var dir string
	if _, err := fmt.Sscanf(string(out), "%d %s", &pid, &dir); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	program.Until(t, "systemd-journald has gone", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	journald.Sweep(t)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
