package journald

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
