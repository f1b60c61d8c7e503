package lossyfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// fsync syncs what the path names.
func fsync(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	must(t, f.Sync(), f.Close())
}

// write makes a file, without fsync.
func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func add(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString(text)
	must(t, err, f.Close())
}

// What is not synced is gone: contents without the file's fsync, names without the directory's.
func TestNothingIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := Mount(t, dir)
	path := func(name string) string { return filepath.Join(dir, name) }

	write(t, path("lost"), "x")
	write(t, path("nameless"), "x")
	fsync(t, path("nameless"))
	d.Cut(t, newRand(1), Nothing)
	write(t, path("empty"), "x") // the name is kept, what is in it is not
	write(t, path("file"), "one\n")
	fsync(t, path("file"))
	write(t, path("old"), "old")
	fsync(t, path("old"))
	must(t, os.Mkdir(path("sub"), 0o700))
	fsync(t, dir)

	add(t, path("file"), "two\n")
	fsync(t, path("file"))
	add(t, path("file"), "three\n")
	write(t, path("sub/lost"), "x")
	write(t, path("new"), "new")
	fsync(t, path("new"))
	must(t, os.Rename(path("new"), path("old")))
	must(t, os.Truncate(path("file"), 2))
	must(t, os.Link(path("file"), path("link")))
	must(t, os.Remove(path("file")))
	if b, err := os.ReadFile(path("link")); string(b) != "on" {
		t.Errorf("before the power fails the file has %q, %v", b, err)
	}
	if b, err := os.ReadFile(path("old")); string(b) != "new" {
		t.Errorf("before the power fails what was renamed has %q, %v", b, err)
	}
	lost := d.Cut(t, newRand(1), Nothing)
	if lost != (Lost{Writes: 3, Names: 5}) { // what is in a file without a name does not count
		t.Errorf("lost %+v", lost)
	}
	for name, want := range map[string]string{"empty": "", "file": "one\ntwo\n", "old": "old"} {
		if b, err := os.ReadFile(path(name)); string(b) != want || err != nil {
			t.Errorf("%s has %q, %v; want %q", name, b, err, want)
		}
	}
	for _, name := range []string{"lost", "nameless", "new", "link", "sub/lost"} {
		if _, err := os.Stat(path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What chance keeps is what was written, up to somewhere; or of each page some version.
func TestSomeIsKept(t *testing.T) {
	t.Parallel()
	const writes = 40
	part := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 1000+n) }
	var whole []byte
	for n := range writes {
		whole = append(whole, part(n)...)
	}
	holes, torn := 0, 0
	for seed := range uint64(40) {
		dir := t.TempDir()
		d := Mount(t, dir)
		path := filepath.Join(dir, "file")
		write(t, path, "")
		fsync(t, dir)
		for n := range writes {
			add(t, path, string(part(n)))
		}
		keep := Some
		if seed%2 == 0 {
			keep = Beginning
		}
		d.Cut(t, newRand(seed), keep)
		got, err := os.ReadFile(path)
		must(t, err)
		if len(got) > len(whole) {
			t.Fatalf("%d bytes of %d", len(got), len(whole))
		}
		for i := range got {
			if got[i] == 0 && keep == Some {
				holes++
			} else if got[i] != whole[i] {
				t.Fatalf("keeping %v: byte %d is %q, want %q", keep, i, got[i], whole[i])
			}
		}
		if len(got) > 0 && len(got) < len(whole) {
			torn++
		}
	}
	if holes == 0 || torn == 0 {
		t.Errorf("%d zeros, %d files were cut: chance keeps too much, or too little", holes, torn)
	}
}
