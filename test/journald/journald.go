// Package journald starts real systemd-journald instances for tests. Each is a namespace of its own (see
// systemd-journald.service(8), "Journal namespaces"), so it neither disturbs the machine's journal nor another test's.
package journald

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"journalpump/test/program"
)

// An Instance is a running systemd-journald.
type Instance struct {
	Namespace string
	Dir       string // where its journal files are
	sockets   string // the directory
	binary    string
	cmd       *exec.Cmd
}

var instances atomic.Int32 // gives each instance of the process a name of its own

const config = `[Journal]
Storage=volatile
RateLimitIntervalSec=0
RuntimeMaxUse=2G
RuntimeMaxFileSize=8M
# Without this an instance of a namespace ends when nothing was logged for half a minute.
MaxRetentionSec=1month
ForwardToSyslog=no
ForwardToWall=no
`

// Start starts an instance that ends with the test, files included. It skips the test where that isn't possible.
func Start(t *testing.T) *Instance {
	t.Helper()
	binary := find()
	if binary == "" {
		t.Skip("systemd-journald is not installed")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can start a systemd-journald")
	}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil || len(strings.TrimSpace(string(machine))) != 32 {
		t.Skip("the machine has no ID (/etc/machine-id), which systemd-journald needs")
	}
	name := fmt.Sprintf("jptest-%d-%d", os.Getpid(), instances.Add(1))
	i := &Instance{
		Namespace: name,
		Dir:       filepath.Join("/run/log/journal", strings.TrimSpace(string(machine))+"."+name),
		sockets:   "/run/systemd/journal." + name,
		binary:    binary,
	}
	settings := "/run/systemd/journald@" + name + ".conf.d"
	t.Cleanup(func() {
		i.Kill(t)
		for _, dir := range []string{i.Dir, i.sockets, settings} {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
	})
	if err := os.MkdirAll(settings, 0o755); err != nil {
		t.Skipf("systemd-journald cannot be configured here: %v", err)
	}
	if err := os.WriteFile(filepath.Join(settings, "test.conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	i.Restart(t)
	return i
}

func find() string {
	for _, path := range []string{"/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// Restart starts the instance again after Stop or Kill.
func (i *Instance) Restart(t *testing.T) {
	t.Helper()
	i.cmd = exec.Command(i.binary, i.Namespace) //nolint:noctx // ends in a cleanup, after the test's context
	if err := i.cmd.Start(); err != nil {
		t.Fatalf("starting systemd-journald: %v", err)
	}
	program.Until(t, "systemd-journald has its sockets and a journal", func() bool {
		sockets, _ := filepath.Glob(filepath.Join(i.sockets, "*"))
		files, _ := filepath.Glob(filepath.Join(i.Dir, "*.journal"))
		return len(sockets) == 4 && len(files) > 0
	})
}

// Stop ends the instance cleanly: its files are closed.
func (i *Instance) Stop(t *testing.T) { t.Helper(); i.end(t, syscall.SIGTERM) }

// Kill ends the instance as a crash would: its files stay as they are.
func (i *Instance) Kill(t *testing.T) { t.Helper(); i.end(t, syscall.SIGKILL) }

func (i *Instance) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if i.cmd == nil {
		return
	}
	if err := i.cmd.Process.Signal(signal); err != nil {
		t.Errorf("ending systemd-journald: %v", err)
	}
	var exit *exec.ExitError
	if err := i.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Errorf("ending systemd-journald: %v", err)
	}
	i.cmd = nil
	// The sockets outlive it, and who connects to them meanwhile would write into nothing.
	if err := os.RemoveAll(i.sockets); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// Rotate makes the instance archive its files and start new ones. It returns when that is done.
func (i *Instance) Rotate(t *testing.T) {
	t.Helper()
	i.journalctl(t, "--namespace="+i.Namespace, "--rotate")
}

// Vacuum deletes archived files until at most keep are left.
func (i *Instance) Vacuum(t *testing.T, keep int) {
	t.Helper()
	i.journalctl(t, "--directory="+i.Dir, fmt.Sprintf("--vacuum-files=%d", keep))
}

func (i *Instance) journalctl(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "journalctl", args...)
	cmd.WaitDelay = time.Second
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("journalctl %q: %v: %s", args, err, said)
	}
}
