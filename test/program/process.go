package program

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Result is how a run ended.
type Result struct {
	Code   int // the exit status; -1 when a signal ended it
	Output string
}

// Run runs the program with the arguments to its end and returns what it said on both outputs.
func Run(t *testing.T, args ...string) Result {
	t.Helper()
	return Start(t, nil, args...).Wait(t)
}

// Process is a running journalpump. It is killed when its test ends.
type Process struct {
	cmd    *exec.Cmd
	output *buffer
	ended  chan struct{} // closed when it has ended
}

// Start starts the program; env is added to the test's environment.
func Start(t *testing.T, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{output: new(buffer), ended: make(chan struct{})}
	p.cmd = exec.Command(binary, args...) //nolint:noctx // its end is the cleanup below, after the test's context has ended
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout = p.output
	p.cmd.Stderr = p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting journalpump: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		waited <- p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Signal(t, syscall.SIGKILL)
		<-p.ended
		var exit *exec.ExitError
		if err := <-waited; err != nil && !errors.As(err, &exit) {
			t.Errorf("waiting for journalpump: %v", err)
		}
		if t.Failed() {
			t.Logf("journalpump %q said:\n%s", args, p.Output())
		}
	})
	return p
}

// Signal sends a signal. It is no error if the process has ended.
func (p *Process) Signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("sending %v to journalpump: %v", signal, err)
	}
}

// Wait waits for the process to end by itself.
func (p *Process) Wait(t *testing.T) Result {
	t.Helper()
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	select {
	case <-p.ended:
	case <-limit.C:
		p.Signal(t, syscall.SIGABRT) // Go prints what every goroutine does
		<-p.ended
		t.Fatalf("journalpump has not ended after %v; it said:\n%s", Patience, p.Output())
	}
	return Result{p.cmd.ProcessState.ExitCode(), p.Output()}
}

// Stop asks the process to stop and fails the test unless it does so cleanly.
func (p *Process) Stop(t *testing.T) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if r := p.Wait(t); r.Code != 0 {
		t.Fatalf("exit status %d after SIGTERM; it said:\n%s", r.Code, r.Output)
	}
}

// Kill kills the process and waits for its end.
func (p *Process) Kill(t *testing.T) {
	t.Helper()
	p.Signal(t, syscall.SIGKILL)
	<-p.ended
}

// PID returns the process's ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns what the process has said so far on both outputs.
func (p *Process) Output() string { return p.output.String() }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
