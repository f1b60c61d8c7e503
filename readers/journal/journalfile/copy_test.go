package journalfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file that fits into the memory it is given is read into it and says what it says when it is mapped, whatever becomes of it
// meanwhile; a larger one is mapped.
func TestOpenInto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	memory := make([]byte, 1<<20)
	for name, l := range layouts() {
		for _, n := range []int{0, 1, 500} {
			path := filepath.Join(dir, "x.journal")
			content := sample(l, n).b
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
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
			copied.Release()
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, everything(t, copied)); len(want) != n || diff != "" {
				t.Errorf("%s, %d entries: %s", name, n, diff)
			}
			if err := errors.Join(mapped.Close(), copied.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// A file that has become shorter than it was is left to be mapped.
func TestCopyOfLess(t *testing.T) {
	t.Parallel()
	f := openFile(t, sample(layout{}, 10).write(t))
	m := mapping{fd: f.m.fd, memory: make([]byte, 1<<20)}
	if data := m.copy(int(f.m.length())); len(data) == 0 {
		t.Fatal("the file cannot be copied")
	}
	if data := m.copy(int(f.m.length()) + 1); data != nil {
		t.Errorf("%d bytes were copied of a file that has one less", len(data))
	}
}
