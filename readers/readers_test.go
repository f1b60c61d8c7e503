package readers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/libsystemd"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == libsystemd.ChildCommand { // libsystemd runs in a child of the same program
		os.Exit(libsystemd.ChildMain(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

const remote = "/lib/systemd/systemd-journal-remote"

// writeJournal writes a journal file with n entries.
func writeJournal(t *testing.T, path string, n int) {
	t.Helper()
	if _, err := os.Stat(remote); err != nil {
		t.Skip("systemd-journal-remote is not installed")
	}
	var export bytes.Buffer
	for i := range n {
		fmt.Fprintf(&export, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=%d\n\n", 1_700_000_000_000_000+int64(i), 1000+i, 7, i)
	}
	cmd := exec.CommandContext(t.Context(), remote, "--output="+path, "--split-mode=none", "-")
	cmd.Stdin = &export
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// fromTheFuture sets a bit of the header's incompatible_flags that nobody knows yet.
func fromTheFuture(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const incompatibleFlags = 12
	binary.LittleEndian.PutUint32(data[incompatibleFlags:], binary.LittleEndian.Uint32(data[incompatibleFlags:])|1<<30)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hasLibsystemd reports whether this build can read a journal by libsystemd.
func hasLibsystemd(t *testing.T, dir string) bool {
	t.Helper()
	log, err := OpenJournal(t.Context(), &journal.Config{Path: dir, Backend: journal.Libsystemd}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		if !strings.Contains(err.Error(), "without cgo") {
			t.Fatal(err)
		}
		return false
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	return true
}

func TestBackends(t *testing.T) {
	good, newer := t.TempDir(), t.TempDir()
	writeJournal(t, filepath.Join(good, "system.journal"), 3)
	writeJournal(t, filepath.Join(newer, "system.journal"), 3)
	writeJournal(t, filepath.Join(newer, "other.journal"), 3)
	fromTheFuture(t, filepath.Join(newer, "other.journal"))
	built := hasLibsystemd(t, good)
	for _, c := range []struct {
		dir     string
		backend journal.Backend
		native  bool
		says    string
	}{
		{good, "", true, ""},
		{good, journal.Auto, true, ""},
		{good, journal.Native, true, ""},
		{good, journal.Libsystemd, false, ""},
		{newer, journal.Auto, !built, "other.journal"},
		{newer, journal.Native, true, ""},
		{filepath.Join(good, "missing"), journal.Auto, true, ""},
	} {
		t.Run(fmt.Sprintf("%s_%s", filepath.Base(c.dir), c.backend), func(t *testing.T) {
			if c.backend == journal.Libsystemd && !built {
				t.Skip("this build has no libsystemd")
			}
			var said strings.Builder
			log, err := OpenJournal(t.Context(), &journal.Config{Path: c.dir, Backend: c.backend}, nil, slog.New(slog.NewTextHandler(&said, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := log.Close(); err != nil {
					t.Error(err)
				}
			}()
			if _, native := log.(*journal.Log); native != c.native {
				t.Errorf("opened a %T", log)
			}
			if (c.says == "") != (said.Len() == 0) || !strings.Contains(said.String(), c.says) {
				t.Errorf("said %q, want something about %q", said.String(), c.says)
			}
		})
	}
}

// A file that cannot be read is logged when that is noticed, and once.
func TestUnreadableFilesAreLogged(t *testing.T) {
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "system.journal"), 3)
	var said strings.Builder
	log, err := OpenJournal(t.Context(), &journal.Config{Path: dir}, nil, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}()
	broken := filepath.Join(dir, "broken@1.journal")
	look := func(times int) {
		t.Helper()
		for range 3 {
			if _, err := log.Seek(t.Context(), pump.Start{Kind: pump.StartTail}); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(said.String(), "file="+broken); n != times {
			t.Errorf("said %d times, want %d: %s", n, times, said.String())
		}
	}
	look(0)
	if err := os.WriteFile(broken, []byte("no journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	look(1)
	writeJournal(t, filepath.Join(dir, "newer@1.journal"), 3)
	fromTheFuture(t, filepath.Join(dir, "newer@1.journal"))
	look(1)
	if !strings.Contains(said.String(), "newer@1.journal") {
		t.Errorf("nothing about the newer file: %s", said.String())
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	look(1)
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	look(2)
}

func TestSettingsThatExcludeEachOther(t *testing.T) {
	_, err := OpenJournal(t.Context(), &journal.Config{Path: "/a", Files: []string{"/b"}}, nil, slog.New(slog.DiscardHandler))
	if !pump.IsPermanent(err) || errors.Is(err, pump.ErrNotYet) {
		t.Errorf("got error %v", err)
	}
}
