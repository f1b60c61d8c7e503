// Package journald starts real systemd-journald instances for tests.
//
// Each is a journal namespace of its own (systemd-journald.service(8), "Journal namespaces"), so it neither disturbs the
// machine's journal nor another test's, and tests can run beside each other. StartSystem starts one that believes it is
// the machine's own. Whatever happens to the test, the kernel kills its instances with it; files that a test could not
// clean up any more are removed by the next one.
package journald

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/test/program"
)

// An Instance is a systemd-journald, running or stopped.
type Instance struct {
	Namespace string // "": it is a machine's own
	Dir       string // where its journal files are
	Root      string // the directory that it takes for "/", as far as run and var/log/journal are concerned

	sockets string // the directory
	command []string
	process *program.Bound    // nil: stopped
	started func(*os.Process) // nil: nobody wants to know
}

var instances atomic.Int32 // gives each instance of the process a name of its own

// defaults come before a test's own settings, which win.
const defaults = `[Journal]
Storage=persistent
RateLimitIntervalSec=0
RateLimitBurst=0
SyncIntervalSec=1h
SystemMaxUse=2G
SystemKeepFree=1M
SystemMaxFileSize=8M
RuntimeMaxUse=2G
RuntimeKeepFree=1M
RuntimeMaxFileSize=8M
# Without this an instance of a namespace ends when nothing was logged for half a minute.
MaxRetentionSec=1month
ForwardToSyslog=no
ForwardToWall=no
ReadKMsg=no
Audit=no
`

// Start starts an instance that ends with the test, files included. Settings are lines of journald.conf(5): by default it
// writes to /var/log/journal and divides by user; with "Storage=volatile" it writes to /run/log/journal and doesn't. The
// test is skipped where an instance cannot be started.
func Start(t *testing.T, settings ...string) *Instance {
	t.Helper()
	binary, machine := needs(t)
	sweep(t)
	name := fmt.Sprintf("%s%d-%d", namePrefix, os.Getpid(), instances.Add(1))
	i := &Instance{
		Namespace: name,
		Root:      "/",
		Dir:       filepath.Join(storage(settings), machine+"."+name),
		sockets:   "/run/systemd/journal." + name,
		command:   []string{binary, name},
	}
	conf := "/run/systemd/journald@" + name + ".conf.d"
	t.Cleanup(func() {
		i.Kill(t)
		remove(t, i.Dir, i.sockets, conf)
	})
	configure(t, conf, settings)
	i.Restart(t)
	return i
}

// StartSystem starts an instance that is no namespace: it starts in /run, and goes on in /var when it is told to Flush. It
// has a /run and a /var/log/journal of its own, which only it sees under these names; they lie below Root.
func StartSystem(t *testing.T, settings ...string) *Instance {
	t.Helper()
	binary, machine := needs(t)
	sweep(t)
	if err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("no small file system here to give a systemd-journald a /run of its own: unshare --mount: %v", err)
	}
	root, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", namePrefix, os.Getpid())) //nolint:usetesting // t.TempDir is too long for the paths of sockets
	if err != nil {
		t.Fatal(err)
	}
	run, logs := filepath.Join(root, "run"), filepath.Join(root, "var/log/journal")
	i := &Instance{
		Root:    root,
		Dir:     filepath.Join(run, "log/journal", machine),
		sockets: filepath.Join(run, "systemd/journal"),
		command: []string{
			"unshare", "--mount", "--propagation=private", "sh", "-ec",
			`mkdir -p /var/log/journal; mount --bind "$0" /var/log/journal; mount --bind "$1" /run; exec "$2"`, logs, run, binary,
		},
	}
	t.Cleanup(func() {
		i.Kill(t)
		remove(t, root)
	})
	if err := os.MkdirAll(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	Tmpfs(t, run, 64<<20) // it flushes nothing that is on a disk already
	if err := os.MkdirAll(i.sockets, 0o755); err != nil {
		t.Fatal(err)
	}
	configure(t, filepath.Join(run, "systemd/journald.conf.d"), settings)
	i.Restart(t)
	return i
}

// Tmpfs makes dir a file system of its own, of so many bytes, until the test ends. The test is skipped where it may not.
func Tmpfs(t *testing.T, dir string, bytes int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("no small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
}

// needs returns the program and the machine's ID, and skips the test where an instance cannot be started.
func needs(t *testing.T) (binary, machine string) {
	t.Helper()
	for _, path := range []string{"/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"} {
		if _, err := os.Stat(path); err == nil {
			binary = path
			break
		}
	}
	if binary == "" {
		t.Skip("systemd-journald is not installed")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can start a systemd-journald")
	}
	id, err := os.ReadFile("/etc/machine-id")
	machine = strings.TrimSpace(string(id))
	if err != nil || len(machine) != 32 {
		t.Skip("the machine has no ID (/etc/machine-id), which systemd-journald needs")
	}
	return binary, machine
}

func storage(settings []string) string {
	if slices.Contains(settings, "Storage=volatile") {
		return "/run/log/journal"
	}
	return "/var/log/journal"
}

func configure(t *testing.T, dir string, settings []string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("systemd-journald cannot be configured here: %v", err)
	}
	text := defaults + strings.Join(append(settings, ""), "\n")
	if err := os.WriteFile(filepath.Join(dir, "test.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}

// Restart starts the instance again after Stop or Kill.
func (i *Instance) Restart(t *testing.T) {
	t.Helper()
	p, err := program.StartBound(exec.Command(i.command[0], i.command[1:]...)) //nolint:noctx // ends in a cleanup, after the test's context
	if err != nil {
		t.Fatalf("starting systemd-journald: %v", err)
	}
	i.process = p
	if i.started != nil {
		i.started(p.Process())
	}
	program.Until(t, "systemd-journald has its sockets and a journal", func() bool {
		sockets, _ := filepath.Glob(filepath.Join(i.sockets, "*"))
		files, _ := filepath.Glob(filepath.Join(i.Dir, "*.journal"))
		return len(sockets) >= 4 && len(files) > 0 && i.Ask(t.Context(), "Synchronize") == nil
	})
}

// Stop ends the instance cleanly: its files are closed.
func (i *Instance) Stop(t *testing.T) { t.Helper(); i.end(t, syscall.SIGTERM) }

// Kill ends the instance as a crash would: its files stay as they are.
func (i *Instance) Kill(t *testing.T) { t.Helper(); i.end(t, syscall.SIGKILL) }

func (i *Instance) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if i.process == nil {
		return
	}
	var exit *exec.ExitError
	if err := i.process.End(signal); err != nil && !errors.As(err, &exit) {
		t.Errorf("ending systemd-journald: %v", err)
	}
	i.process = nil
	// The sockets outlive it, and who connects to them meanwhile would write into nothing.
	remove(t, i.sockets)
	if i.Namespace == "" {
		if err := os.MkdirAll(i.sockets, 0o755); err != nil {
			t.Error(err)
		}
	}
}

// Each calls fn with the process that runs, and with each that is started later.
func (i *Instance) Each(fn func(*os.Process)) {
	i.started = fn
	if i.process != nil {
		fn(i.process.Process())
	}
}

// PID returns the instance's process.
func (i *Instance) PID() int { return i.process.Process().Pid }
