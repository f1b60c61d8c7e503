//go:build packages

package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// machine is a Debian in a container that its own systemd has booted. It has no network.
type machine struct {
	root   string
	leader string // the process ID of its systemd
}

// boot starts one. It is stopped when the test ends.
func boot(t *testing.T) *machine {
	t.Helper()
	m := &machine{root: filepath.Join(t.TempDir(), "root")}
	command(t, "", "cp", "-a", "--reflink=auto", debian(t), m.root)
	name := fmt.Sprintf("jptest-%d-%d", os.Getpid(), len(t.Name()))
	console, err := os.Create(filepath.Join(filepath.Dir(m.root), "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close() // it has its own

	cmd := exec.Command("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", //nolint:noctx // its end is the cleanup below, after the test's context has ended
		"--machine="+name, "--directory="+m.root, "--boot")
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("booting a machine: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(console.Name()) // only to explain
			t.Logf("the machine said:\n%s", said)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // it powers the machine off
			t.Errorf("stopping the machine: %v", err)
		}
		_ = cmd.Wait() // its exit status is the machine's
	})
	program.Until(t, "the machine has booted", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		if err != nil || len(strings.Fields(string(children))) == 0 {
			return false
		}
		m.leader = strings.Fields(string(children))[0]
		state, _ := m.try(t, "systemctl is-system-running") // it fails until it runs
		return state == "running" || state == "degraded"    // what Debian itself can't do in a container is not our matter
	})
	return m
}

// try runs a shell script in the machine and returns what it printed on both outputs.
func (m *machine) try(t *testing.T, script string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "nsenter", "--target", m.leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", script).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run is try for what must succeed.
func (m *machine) run(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(t, script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// says fails the test unless the script prints that, whatever its exit status is.
func (m *machine) says(t *testing.T, script, want string) {
	t.Helper()
	if got, err := m.try(t, script); got != want {
		t.Errorf("%s printed %q, %v, want %q", script, got, err, want)
	}
}

// path returns where the machine's file is on this one.
func (m *machine) path(file string) string { return filepath.Join(m.root, file) }

// copy copies a package into the machine and returns its path there.
func (m *machine) copy(t *testing.T, file string) string {
	t.Helper()
	there := "/root/" + filepath.Base(file)
	command(t, "", "cp", file, m.path(there))
	return there
}

// pid returns the process ID of the running service.
func (m *machine) pid(t *testing.T) int {
	t.Helper()
	m.says(t, "systemctl is-active journalpump", "active")
	pid, err := strconv.Atoi(m.run(t, "systemctl show --value --property MainPID journalpump"))
	if err != nil || pid == 0 {
		t.Fatalf("the service has no process: %d, %v\n%s", pid, err, m.log(t))
	}
	return pid
}

// log returns what the service has logged, all that it has said by now.
func (m *machine) log(t *testing.T) string {
	t.Helper()
	return m.run(t, "journalctl --sync && journalctl --no-pager --output=cat --unit=journalpump")
}

// numbers logs messages with the numbers from first to last.
func (m *machine) numbers(t *testing.T, first, last int) {
	t.Helper()
	m.run(t, fmt.Sprintf("seq --format='number %%g.' %d %d | systemd-cat --identifier=numbers", first, last))
}

// arrived waits until the file has the last number, and fails the test unless it has all from first to last, each once.
func (m *machine) arrived(t *testing.T, file string, first, last int) {
	t.Helper()
	var lines string
	read := func() bool {
		text, err := m.try(t, `grep -ho '"MESSAGE": *"number [0-9]*\."' `+file+` | grep -o '[0-9]*'`)
		lines = text
		return err == nil && strings.HasSuffix("\n"+text, "\n"+strconv.Itoa(last))
	}
	program.Until(t, fmt.Sprintf("number %d is in %s", last, file), read)
	if want := m.run(t, fmt.Sprintf("seq %d %d", first, last)); lines != want {
		t.Errorf("%s has the numbers %q, want %d to %d", file, strings.Fields(lines), first, last)
	}
}
