package journald

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// process is a command that the kernel kills when this process dies, however it dies.
type process struct {
	cmd   *exec.Cmd
	ended chan error
}

// startProcess starts the command. The parent that PR_SET_PDEATHSIG(2) means is the thread that has forked: it is kept
// for as long as the child runs.
func startProcess(command []string) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), ended: make(chan error, 1)} //nolint:noctx // ends in a cleanup, after the test's context
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.ended <- p.cmd.Wait()
		}
	}()
	return p, <-started
}

// end sends the signal and returns how the process ended.
func (p *process) end(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return <-p.ended
}

// namePrefix begins the name of every namespace; the process that made it follows.
const namePrefix = "jptest-"

var swept sync.Once

// sweep removes what tests left behind that could not clean up: those whose process is gone.
func sweep(t *testing.T) { t.Helper(); swept.Do(func() { sweepNow(t) }) }

func sweepNow(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{
		"/run/systemd/journal." + namePrefix + "*", "/run/systemd/journald@" + namePrefix + "*",
		"/run/log/journal/*." + namePrefix + "*", "/var/log/journal/*." + namePrefix + "*",
		filepath.Join(os.TempDir(), namePrefix+"*"), //nolint:usetesting // what an earlier process left there
	} {
		left, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range left {
			if ownerIsGone(dir) {
				for _, mount := range []string{dir, filepath.Join(dir, "run")} { // most are none
					_ = unix.Unmount(mount, unix.MNT_DETACH)
				}
				remove(t, dir)
			}
		}
	}
}

func ownerIsGone(dir string) bool {
	_, rest, _ := strings.Cut(filepath.Base(dir), namePrefix)
	pid, _, _ := strings.Cut(rest, "-")
	n, err := strconv.Atoi(pid)
	return err == nil && n > 0 && errors.Is(syscall.Kill(n, 0), syscall.ESRCH)
}
