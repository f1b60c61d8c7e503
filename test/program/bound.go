package program

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Bound is a command that the kernel kills when this process dies, however it dies.
type Bound struct {
	cmd   *exec.Cmd
	ended chan error
}

// StartBound starts the command. The parent that PR_SET_PDEATHSIG(2) means is the thread that has forked: it is kept for as long as the
// child runs.
func StartBound(cmd *exec.Cmd) (*Bound, error) {
	b := &Bound{cmd: cmd, ended: make(chan error, 1)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			b.ended <- cmd.Wait()
		}
	}()
	return b, <-started
}

// Process returns its process.
func (b *Bound) Process() *os.Process { return b.cmd.Process }

// End sends the signal, and returns how the process ended. It is called once.
func (b *Bound) End(signal syscall.Signal) error {
	if err := b.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return <-b.ended
}
