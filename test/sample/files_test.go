package sample_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"journalpump/test/sample"
)

// TestFilesAreLikeSystemds has journalctl read, and verify, what our own writer makes.
func TestFilesAreLikeSystemds(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("journalctl"); err != nil {
		t.Skip("there is no journalctl to compare with")
	}
	const entries = 3000
	o := sample.Options{Entries: entries, Seed: 3}
	ours, remotes := t.TempDir(), t.TempDir()
	if err := sample.BuildFiles(ours, o, 7); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(ours, "*.journal"))
	if err != nil || len(files) != 7 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if out, err := exec.CommandContext(t.Context(), "journalctl", "--verify", "--file="+f).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", f, err, out)
		}
	}
	err = sample.BuildJournal(t.Context(), remotes, func(w io.Writer) error { return sample.Write(w, o) })
	if errors.Is(err, sample.ErrNoRemote) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, want := journalctl(t.Context(), t, ours), journalctl(t.Context(), t, remotes)
	if len(got) != entries || len(want) != entries {
		t.Fatalf("%d entries, and %d of systemd-journal-remote's, want %d", len(got), len(want), entries)
	}
	for i := range got {
		if g, w := withoutCursor(t, got[i]), withoutCursor(t, want[i]); g != w {
			t.Fatalf("entry %d is %s, want %s", i, g, w)
		}
	}
}

// withoutCursor returns an entry's fields in the order of their names, since every file has an order of its own.
func withoutCursor(t *testing.T, line []byte) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "__CURSOR")
	delete(fields, "__SEQNUM_ID")
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
