//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"journalpump/test/program"
	"journalpump/test/sample"
)

func TestMain(m *testing.M) { program.Main(m) }

// entries is how many entries each test sends.
const entries = 20000

// numberedJournal makes a journal of numbered messages, a millisecond apart and half of them before the last midnight, and
// returns its directory.
func numberedJournal(t *testing.T) string {
	t.Helper()
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	start := time.Now().UTC().Truncate(24 * time.Hour).Add(-entries / 2 * time.Millisecond).UnixMicro()
	err := sample.BuildJournal(t.Context(), dir, func(w io.Writer) error {
		for i := range entries {
			_, err := fmt.Fprintf(w, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=numbered %d\nPRIORITY=%d\n_SYSTEMD_UNIT=numbers.service\n\n",
				start+int64(1000*i), 1000*(i+1), 1, i, i%8)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// batch is how many entries a batch has, so few that a server that goes away finds some.
const batch = 100

// configure writes a configuration with one sender.
func configure(t *testing.T, journal string, sender map[string]any) string {
	t.Helper()
	return configureBatches(t, journal, batch, sender)
}

func configureBatches(t *testing.T, journal string, size int, sender map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	sender["max_send_interval"] = 0.1
	text, err := json.Marshal(map[string]any{
		"json_state_file_path": filepath.Join(dir, "state.json"),
		"readers": map[string]any{"numbers": map[string]any{
			"journal_path": journal, "msg_buffer_max_length": size, "senders": map[string]any{"out": sender},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "journalpump.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// allOnce fails the test unless every number is there, and none more than once but for at most so many. It returns how many
// were there again.
func allOnce(t *testing.T, numbers []int, maxAgain int) int {
	t.Helper()
	seen := make([]int, entries)
	for _, n := range numbers {
		seen[n]++
	}
	missing, again := 0, 0
	for _, times := range seen {
		if times == 0 {
			missing++
		}
		again += max(0, times-1)
	}
	t.Logf("%d entries: %d missing, %d there again", len(numbers), missing, again)
	if missing > 0 || again > maxAgain {
		t.Errorf("%d entries are missing, %d are there again, at most %d may be", missing, again, maxAgain)
	}
	return again
}

// onceBefore fails the test if of the first entries, which had been accepted before something was killed, more than so many
// are there again.
func onceBefore(t *testing.T, numbers []int, accepted, maxAgain int) {
	t.Helper()
	seen, again := map[int]bool{}, 0
	for _, n := range numbers {
		if n < accepted && seen[n] {
			again++
		}
		seen[n] = true
	}
	t.Logf("of the %d entries accepted before, %d are there again", accepted, again)
	if again > maxAgain {
		t.Errorf("of %d entries that had been accepted %d are there again, at most %d may be", accepted, again, maxAgain)
	}
}

// number returns the number in a message.
func number(t *testing.T, message string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(message, "numbered %d", &n); err != nil || n < 0 || n >= entries {
		t.Fatalf("message %q: %v", message, err)
	}
	return n
}

// patience is how long a server may take to start on a busy machine.
const patience = 5 * time.Minute

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	program.UntilWithin(t, patience, what, condition)
}

// await waits for an event.
func await(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-event:
	case <-limit.C:
		t.Fatalf("waited %v in vain: %s", patience, what)
	}
}

// sent returns how many entries were accepted, by the state file beside the configuration.
func sent(t *testing.T, config string) int {
	t.Helper()
	return program.Accepted(t, filepath.Join(filepath.Dir(config), "state.json"), "numbers", "out")
}

// freePort returns a port on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(program.FreePort(t))
}

// cacheDir returns a directory that stays, for what takes long to fetch.
func cacheDir(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no place to keep what is fetched: %v", err)
	}
	dir = filepath.Join(dir, "journalpump-integration", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// daemon is a server's process.
type daemon struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// start starts a server, which ends with the test at the latest.
func start(t *testing.T, name string, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(name, args...)} //nolint:noctx // its end is the cleanup below
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.end(t, syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%.20000s", filepath.Base(name), d.out.String())
		}
	})
	return d
}

// wait waits for a server that ends by itself.
func (d *daemon) wait(t *testing.T) {
	t.Helper()
	const none = syscall.Signal(0)
	d.end(t, none)
}

// end sends the signal and waits for the end.
func (d *daemon) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if d.cmd.ProcessState != nil {
		return
	}
	if err := d.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := d.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
}
