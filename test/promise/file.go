package promise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// diskBytes is the size of a file system that can be filled.
const diskBytes = 16 << 20

// disk is a small file system of its own, where the test may mount one.
type disk struct {
	dir   string
	small bool
}

// newDisk makes dir one. It does not skip the test where that is not allowed: all else can be tested there, too.
func newDisk(t *testing.T, dir string) disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskBytes)); err != nil {
		return disk{dir: dir}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return disk{dir: dir, small: true}
}

// fill leaves no byte free.
func (d disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for size := len(block); size > 0; {
		if _, err := f.Write(block[:size]); errors.Is(err, unix.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Error(err)
			return
		}
	}
}

// free takes that back.
func (d disk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func (d disk) filler() string { return filepath.Join(d.dir, "filler") }

// file is the destination of a file sender.
type file struct {
	disk
	failures int     // how often the disk was full
	fsync    float64 // seconds
}

func newFile(t *testing.T, dir string) *file {
	t.Helper()
	return &file{disk: newDisk(t, dir), fsync: 0.05}
}

func (f *file) path() string { return filepath.Join(f.dir, "file.ndjson") }

func (f *file) settings(string) map[string]any {
	return map[string]any{"output_type": "file", "file_output": f.path(), "fsync": f.fsync}
}

func (f *file) set(t *testing.T, fault Fault) {
	t.Helper()
	if fault == DiskFull && f.small {
		f.failures++
		f.fill(t)
		return
	}
	f.free(t)
}

func (f *file) incidents() int { return f.failures }

func (f *file) accepted(t *testing.T) []int {
	t.Helper()
	text, err := os.ReadFile(f.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	return appendNumbers(nil, text)
}

func (f *file) highest(t *testing.T) int {
	t.Helper()
	return slices.Max(append(f.accepted(t), 0))
}
