package file

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestRenamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	s := openPath(t, path)
	send(t, s, batch(0, 2))
	commit(t, s)
	rename(t, path, path+".1")
	send(t, s, batch(2, 2))
	commit(t, s)
	check(t, path+".1", linesOf(0, 2))
	check(t, path, linesOf(2, 2))
}

func TestRenamedBeforeCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	s := openPath(t, path)
	send(t, s, batch(0, 2))
	rename(t, path, path+".1")
	write(t, path, "") // as logrotate's "create" does
	send(t, s, batch(2, 2))
	commit(t, s)
	check(t, path+".1", linesOf(0, 2))
	check(t, path, linesOf(2, 2))
	if len(s.retired) != 0 || len(s.outputs) != 1 {
		t.Errorf("%d retired, %d open", len(s.retired), len(s.outputs))
	}
}

// When something fails, what was not committed is taken back from the renamed file too.
func TestRenamedBeforeUndo(t *testing.T) {
	d := newDisk(t, None)
	p, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, path := p.(*sender), d.config.FileOutput
	send(t, s, batch(0, 1))
	commit(t, s)
	send(t, s, batch(1, 1))
	rename(t, path, path+".1")
	send(t, s, batch(2, 1))
	d.Script("commit fails")
	if err := s.Commit(t.Context()); err == nil {
		t.Fatal("Commit returned nil")
	}
	check(t, path+".1", linesOf(0, 1))
	check(t, path, "")
	send(t, s, batch(1, 2))
	commit(t, s)
	check(t, path, linesOf(1, 2))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestRemovedOrCut(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 0) }, // logrotate's copytruncate
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.json")
			s := openPath(t, path)
			send(t, s, batch(0, 2))
			commit(t, s)
			if err := lose(path); err != nil {
				t.Fatal(err)
			}
			send(t, s, batch(2, 2))
			commit(t, s)
			check(t, path, linesOf(2, 2))
		})
	}
}

// What was not committed when the file was cut may be lost: it is sent again.
func TestCopyTruncateBeforeCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	s := openPath(t, path)
	truncate := func() {
		t.Helper()
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	send(t, s, batch(0, 2))
	truncate()
	if err := s.Commit(t.Context()); !errors.Is(err, errShrunk) {
		t.Errorf("Commit: %v", err)
	}
	send(t, s, batch(0, 2))
	truncate()
	if err := s.Send(t.Context(), batch(2, 2)); !errors.Is(err, errShrunk) {
		t.Errorf("Send: %v", err)
	}
	send(t, s, batch(0, 4))
	commit(t, s)
	check(t, path, linesOf(0, 4))
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	s := openPath(t, path)
	send(t, s, batch(0, 2))
	rename(t, path, path+".1")
	if err := s.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(t, path, "") // there at once, as those who rotate expect
	send(t, s, batch(2, 2))
	commit(t, s)
	check(t, path+".1", linesOf(0, 2))
	check(t, path, linesOf(2, 2))
}
