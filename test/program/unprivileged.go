package program

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Unprivileged has what the test starts from then on obey the modes of files, also when root runs it. It is called by the
// test's own goroutine.
func Unprivileged(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the test, and what it gives up here is its own
	for _, c := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EPERM) { // EPERM: it has none to give up
			t.Fatalf("giving up a capability: %v", err)
		}
	}
}
