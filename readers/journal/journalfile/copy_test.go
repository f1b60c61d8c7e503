package journalfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A file that fits into the memory it is given is read into it, and what has been read stays, whatever becomes of the file meanwhile;
// a larger one is mapped.
func TestOpenInto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, l := range layouts() {
		for _, n := range []int{0, 1, 500} {
			path := filepath.Join(dir, "x.journal")
			content := sample(l, n).b
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			memory := usedMemory(len(content))
			mapped, err := OpenInto(path, memory[:len(content)-1])
			if err != nil {
				t.Fatal(err)
			}
			if mapped.m.copied {
				t.Errorf("%s, %d entries: read into too little memory", name, n)
			}
			want := everything(t, mapped)
			copied, err := OpenInto(path, memory)
			if err != nil {
				t.Fatal(err)
			}
			if !copied.m.copied {
				t.Errorf("%s, %d entries: mapped", name, n)
			}
			if diff := cmp.Diff(want, everything(t, copied)); len(want) != n || diff != "" {
				t.Errorf("%s, %d entries: %s", name, n, diff)
			}
			copied.Release()
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, everything(t, copied)); diff != "" {
				t.Errorf("%s, %d entries, read again: %s", name, n, diff)
			}
			if err := errors.Join(mapped.Close(), copied.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// Reading entries, only the header and what lies behind the hash tables is copied; the tables when they are used.
func TestCopyWithoutTables(t *testing.T) {
	t.Parallel()
	path, tables := withLargeTables(t)
	f := openCopy(t, path)
	if got := everything(t, f); len(got) != 20 {
		t.Fatalf("%d of 20 entries", len(got))
	}
	for b := uint64(1); b < tables>>copyShift; b++ {
		if f.m.hasTouched(b) {
			t.Errorf("block %d of the tables, which end in %d, was read", b, tables>>copyShift)
		}
	}
	if _, ok, err := f.FindData([]byte("PRIORITY=3")); !ok || err != nil {
		t.Errorf("looked up: %v, %v", ok, err)
	}
}

// What of a copied file is gone before it was read is truncated, and no more than that.
func TestCopyTruncated(t *testing.T) {
	t.Parallel()
	path, tables := withLargeTables(t)
	f := openCopy(t, path)
	if err := os.Truncate(path, int64(tables)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Entries().Next(); !errors.Is(err, ErrTruncated) {
		t.Errorf("reading what is gone: %v", err)
	}
	if n, err := f.NEntries(); n != 20 || err != nil {
		t.Errorf("the header is still there: %d entries, %v", n, err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.FindData([]byte("PRIORITY=3")); !errors.Is(err, ErrTruncated) {
		t.Errorf("a lookup in a file that is empty: %v", err)
	}
	if _, err := f.NEntries(); !errors.Is(err, ErrTruncated) {
		t.Errorf("the header of a file that is empty: %v", err)
	}
}

// withLargeTables writes a file of 20 entries and hash tables of some pages, and returns where they end.
func withLargeTables(t *testing.T) (path string, end uint64) {
	t.Helper()
	l := layout{compact: true, keyed: true, buckets: 2047}
	end = uint64(len(newWriter(l).b))
	return sample(l, 20).write(t), end
}

func openCopy(t *testing.T, path string) *File {
	t.Helper()
	return openCopyInto(t, path, usedMemory(1<<20))
}

func openCopyInto(t *testing.T, path string, memory []byte) *File {
	t.Helper()
	f, err := OpenInto(path, memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// Of a file that is larger than what is read at a time no more is copied than is looked at. What goes meanwhile is missed, and what was
// read before stays, unless the file was wiped: then that is told at the next look at what was not read yet.
func TestCopyInPieces(t *testing.T) {
	t.Parallel()
	const n = 3000
	content := sample(layout{compact: true, keyed: true}, n).b
	if len(content) < 3*readAhead<<copyShift {
		t.Fatalf("%d bytes are not enough", len(content))
	}
	for name, tc := range map[string]struct {
		damage func(path string) error
		wiped  bool
	}{
		"emptied": {func(path string) error { return os.Truncate(path, 0) }, true},
		"wiped":   {func(path string) error { return punch(path, 0, int64(len(content))) }, true},
		"cut off": {func(path string) error { return os.Truncate(path, int64(len(content)/2)) }, false},
		"deleted": {os.Remove, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "x.journal")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			f := openCopyInto(t, path, usedMemory(len(content)))
			list := f.Entries()
			var e Entry
			readable := func() (entries int, err error) {
				for {
					off, ok, err := list.Next()
					if err != nil || !ok {
						return entries, err
					}
					if err := f.ReadEntry(off, &e); err != nil {
						return entries, err
					}
					entries++
				}
			}
			if off, ok, err := list.Next(); err != nil || !ok || f.ReadEntry(off, &e) != nil {
				t.Fatal(off, ok, err)
			}
			if last := uint64(len(content)-1) >> copyShift; f.m.hasTouched(last) {
				t.Error("the whole file was read for one entry")
			}
			if err := tc.damage(path); err != nil {
				t.Fatal(err)
			}
			more, err := readable()
			switch counted, countErr := f.NEntries(); {
			case name == "deleted":
				if more != n-1 || err != nil {
					t.Errorf("%d of %d entries, %v", more, n-1, err)
				}
			case more == 0 || more >= n-1 || !errors.Is(err, ErrTruncated):
				t.Errorf("%d entries, %v", more, err)
			case tc.wiped && !errors.Is(countErr, ErrTruncated), !tc.wiped && (counted != n || countErr != nil):
				t.Errorf("%d entries are counted, %v", counted, countErr)
			}
		})
	}
}

// punch makes a hole in a file, as journald does to one that it deletes.
func punch(path string, off, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, size), f.Close())
}
