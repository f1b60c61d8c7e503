package program

import (
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Stutter lets a process run for 20 to 400 microseconds at a time and stand still for 0.1 to 20 milliseconds in between, so that states
// of it that are over at once otherwise last long enough to be seen by somebody else. signal sends it a signal, until the process has
// ended, and then returns an error; rnd is used until end has returned, after which the process runs on.
func Stutter(rnd *rand.Rand, signal func(os.Signal) error) (end func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and what is set here with it
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		for {
			select {
			case <-done:
				return
			default:
			}
			if signal(syscall.SIGSTOP) != nil {
				return
			}
			nap(between(rnd, 100*time.Microsecond, 20*time.Millisecond))
			if signal(syscall.SIGCONT) != nil {
				return
			}
			nap(between(rnd, 20*time.Microsecond, 400*time.Microsecond))
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// between draws a time between two, short ones as often as long ones.
func between(rnd *rand.Rand, least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Pow(float64(most)/float64(least), rnd.Float64()))
}

// nap sleeps as precisely as the kernel can, which the timers of Go's runtime do not.
func nap(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for unix.Nanosleep(&left, &left) == unix.EINTR {
	}
}

// Stutter has the process stutter until it has ended or end is called.
func (p *Process) Stutter(t *testing.T, rnd *rand.Rand) (end func()) {
	t.Helper()
	end = Stutter(rnd, p.cmd.Process.Signal)
	t.Cleanup(end)
	return end
}
