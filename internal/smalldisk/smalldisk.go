// Package smalldisk gives tests a disk that is soon full.
package smalldisk

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// New returns an empty directory on a file system of so many KiB, which is gone when the test ends. Where there can't
// be one the test is skipped.
func New(tb testing.TB, kib int) (dir string) {
	tb.Helper()
	if os.Getuid() != 0 {
		tb.Skip("no small file system here: only root may mount one")
	}
	dir = tb.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(kib)+"k"); err != nil {
		tb.Skipf("no small file system here: %v", err)
	}
	tb.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			tb.Error(err)
		}
	})
	return dir
}
