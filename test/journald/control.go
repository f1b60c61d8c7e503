package journald

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"journalpump/test/program"
)

// Rotate makes the instance archive its files and start new ones. It returns when that is done.
func (i *Instance) Rotate(t *testing.T) { t.Helper(); i.ask(t, "Rotate") }

// Sync waits until everything sent so far is in the journal.
func (i *Instance) Sync(t *testing.T) { t.Helper(); i.ask(t, "Synchronize") }

func (i *Instance) ask(t *testing.T, method string) {
	t.Helper()
	if err := i.Ask(t.Context(), method); err != nil {
		t.Fatal(err)
	}
}

// Ask calls a method of the instance's varlink interface io.systemd.Journal, as journalctl --rotate and the like do, and
// waits for the answer. For Rotate and Synchronize that is when it is done.
func (i *Instance) Ask(ctx context.Context, method string) error {
	ctx, cancel := context.WithTimeout(ctx, program.Patience)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(i.sockets, "io.systemd.journal"))
	if err != nil {
		return fmt.Errorf("asking journald to %s: %w", method, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	// https://varlink.org/Interface-Definition: a message is a JSON object and a zero byte.
	if _, err := fmt.Fprintf(conn, `{"method":"io.systemd.Journal.%s","parameters":{}}`+"\x00", method); err != nil {
		return fmt.Errorf("asking journald to %s: %w", method, err)
	}
	answer, err := bufio.NewReader(conn).ReadBytes(0)
	if err != nil {
		return fmt.Errorf("asking journald to %s: %w", method, err)
	}
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(bytes.TrimSuffix(answer, []byte{0}), &said); err != nil || said.Error != "" {
		return fmt.Errorf("asking journald to %s: %s, %w", method, answer, err)
	}
	return nil
}

// Vacuum deletes archived files until at most keep files are left, those in use included.
func (i *Instance) Vacuum(t *testing.T, keep int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "journalctl", "--directory="+i.Dir, fmt.Sprintf("--vacuum-files=%d", keep))
	cmd.WaitDelay = time.Second
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", cmd.Args, err, said)
	}
}

// Flush makes an instance that StartSystem has started go on in /var, and moves what it has written to /run there. Dir is
// then the new place. It returns when that is done.
func (i *Instance) Flush(t *testing.T) {
	t.Helper()
	old := i.Dir
	i.Dir = filepath.Join(i.Root, "var/log/journal", filepath.Base(i.Dir))
	if err := i.process.Process().Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	program.Until(t, "systemd-journald has moved its files to /var", func() bool {
		left, _ := filepath.Glob(filepath.Join(old, "*.journal"))
		there, _ := os.ReadDir(i.Dir)
		return len(left) == 0 && len(there) > 0
	})
}

// Stutter has the running instance stutter, see program.Stutter, until it has ended or end is called. Whatever is asked of it meanwhile
// takes a hundred times as long.
func (i *Instance) Stutter(t *testing.T, rnd *rand.Rand) (end func()) {
	t.Helper()
	end = program.Stutter(rnd, i.process.Process().Signal)
	t.Cleanup(end)
	return end
}

// TakeTurns has the running instance and a program run in turns, see program.TakeTurns, until end is called.
func (i *Instance) TakeTurns(t *testing.T, rnd *rand.Rand, with *program.Process) (end func()) {
	t.Helper()
	end = program.TakeTurns(rnd, i.process.Process().Signal, with.SendSignal)
	t.Cleanup(end)
	return end
}
