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
	return repeat(func() bool {
		if signal(syscall.SIGSTOP) != nil {
			return false
		}
		nap(between(rnd, 100*time.Microsecond, 20*time.Millisecond))
		if signal(syscall.SIGCONT) != nil {
			return false
		}
		nap(between(rnd, 20*time.Microsecond, 400*time.Microsecond))
		return true
	})
}

// TakeTurns lets two processes run in turns, for 20 microseconds to 5 milliseconds at a time, so that each sees the other stand still at
// many places. The rest is as with Stutter.
func TakeTurns(rnd *rand.Rand, one, other func(os.Signal) error) (end func()) {
	rest := repeat(func() bool {
		if other(syscall.SIGSTOP) != nil || one(syscall.SIGCONT) != nil {
			return false
		}
		nap(between(rnd, 20*time.Microsecond, 5*time.Millisecond))
		if one(syscall.SIGSTOP) != nil || other(syscall.SIGCONT) != nil {
			return false
		}
		nap(between(rnd, 20*time.Microsecond, 5*time.Millisecond))
		return true
	})
	return sync.OnceFunc(func() {
		rest()
		_, _ = one(syscall.SIGCONT), other(syscall.SIGCONT) // one of them may have ended
	})
}

// repeat does something until that returns false or end is called, which waits for it.
func repeat(do func() bool) (end func()) {
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
			if !do() {
				return
			}
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

// SendSignal sends a signal, or returns an error if the process has ended.
func (p *Process) SendSignal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stutter has the process stutter until it has ended or end is called.
func (p *Process) Stutter(t *testing.T, rnd *rand.Rand) (end func()) {
	t.Helper()
	end = Stutter(rnd, p.cmd.Process.Signal)
	t.Cleanup(end)
	return end
}
