package program

import (
	"math/rand/v2"
	"os"
	"os/exec"
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
