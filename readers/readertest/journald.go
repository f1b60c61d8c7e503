package readertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const journald = "/lib/systemd/systemd-journald"

// Journald is a systemd-journald of the test's own: one of a journal namespace.
type Journald struct {
	Namespace string
	Dir       string // where it writes
	socket    int
	cmd       *exec.Cmd
}

// StartJournald starts a journald and stops it when the test ends. It skips the test where that is not possible.
func StartJournald(t *testing.T, settings ...string) *Journald {
	t.Helper()
	machine, err := os.ReadFile("/etc/machine-id")
	if _, serr := os.Stat(journald); err != nil || serr != nil || os.Geteuid() != 0 {
		t.Skip("no systemd-journald can be started here: that needs root and systemd")
	}
	own := filepath.Base(filepath.Dir(t.TempDir())) + filepath.Base(t.TempDir()) // no other test has it
	own = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, own)
	j := &Journald{Namespace: fmt.Sprintf("readertest-%d-%s", os.Getpid(), own)}
	j.Dir = filepath.Join("/var/log/journal", strings.TrimSpace(string(machine))+"."+j.Namespace)
	run := "/run/systemd/journal." + j.Namespace
	conf := "/run/systemd/journald@" + j.Namespace + ".conf.d"
	t.Cleanup(func() {
		for _, dir := range []string{j.Dir, run, conf} {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}
	})
	must(t, os.MkdirAll(conf, 0o755))
	text := strings.Join(append([]string{"[Journal]", "Storage=persistent", "RateLimitBurst=0", "SyncIntervalSec=1h", "SystemMaxUse=200M"}, settings...), "\n")
	must(t, os.WriteFile(filepath.Join(conf, "test.conf"), []byte(text+"\n"), 0o644))
	must(t, os.MkdirAll(run, 0o755))

	j.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), journald, j.Namespace)
	must(t, j.cmd.Start())
	t.Cleanup(func() {
		_ = j.cmd.Process.Signal(syscall.SIGTERM)
		_ = j.cmd.Wait() // it says how it was ended
	})
	j.connect(t, filepath.Join(run, "socket"))
	return j
}

func (j *Journald) connect(t *testing.T, socket string) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	j.socket = fd
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
		if err == nil {
			return
		}
		select {
		case <-poll.C:
		case <-late.C:
			t.Fatalf("journald does not come up: %v", err)
		}
	}
}

// Send logs an entry over journald's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL) as the user uid.
func (j *Journald) Send(uid int, fields ...string) error {
	var b []byte
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		b = append(append(b, name...), '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
		b = append(append(b, value...), '\n')
	}
	cred := unix.Ucred{Pid: int32(os.Getpid()), Uid: uint32(uid), Gid: uint32(uid)} //nolint:gosec // IDs fit
	return unix.Sendmsg(j.socket, b, unix.UnixCredentials(&cred), nil, 0)
}

// Sync waits until everything sent is in the journal.
func (j *Journald) Sync(t *testing.T) { t.Helper(); j.journalctl(t, "--sync") }

// Rotate makes journald begin new files.
func (j *Journald) Rotate(t *testing.T) { t.Helper(); j.journalctl(t, "--rotate") }

// Vacuum deletes all archived files.
func (j *Journald) Vacuum(t *testing.T) { t.Helper(); j.journalctl(t, "--vacuum-files=1") }

func (j *Journald) journalctl(t *testing.T, arg string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "journalctl", "--namespace="+j.Namespace, arg).CombinedOutput()
	if err != nil {
		t.Fatalf("journalctl %s: %v\n%s", arg, err, out)
	}
}

// Kill ends journald without giving it time to close its files.
func (j *Journald) Kill(t *testing.T) {
	t.Helper()
	if err := j.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}
