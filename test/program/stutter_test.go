package program

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
)

// Whoever stutters gets on, and is left running.
func TestStutter(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "read go; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo done")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var stops, continues int
	begun := make(chan struct{})
	end := Stutter(rand.New(rand.NewPCG(1, 1)), func(s os.Signal) error {
		if s == syscall.SIGSTOP {
			if stops++; stops == 1 {
				close(begun)
			}
		} else {
			continues++
		}
		return cmd.Process.Signal(s)
	})
	<-begun
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Error(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Error(err)
	}
	end()
	if stops != continues {
		t.Errorf("stopped %d times, continued %d times", stops, continues)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// Somebody who has ended does not stutter.
func TestStutterOfTheDead(t *testing.T) {
	t.Parallel()
	asked := 0
	end := Stutter(rand.New(rand.NewPCG(1, 1)), func(os.Signal) error { asked++; return os.ErrProcessDone })
	defer end()
	end()
	if asked > 1 {
		t.Errorf("%d signals to a process that had ended", asked)
	}
}

// Of two that take turns one stands still while the other runs, and in the end both run.
func TestTakeTurns(t *testing.T) {
	t.Parallel()
	var one, other bool // runs
	var ending atomic.Bool
	turns := make(chan struct{})
	signal := func(runs *bool) func(os.Signal) error {
		return func(s os.Signal) error {
			*runs = s == syscall.SIGCONT
			if ending.Load() {
				return nil
			}
			if one && other {
				t.Error("both run")
			}
			turns <- struct{}{}
			return nil
		}
	}
	end := TakeTurns(rand.New(rand.NewPCG(1, 1)), signal(&one), signal(&other))
	for range 50 {
		<-turns
	}
	ending.Store(true)
	go func() {
		for range turns { // what was under way
		}
	}()
	end()
	close(turns)
	if !one || !other {
		t.Errorf("in the end one runs: %t, the other: %t", one, other)
	}
}
