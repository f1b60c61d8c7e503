package sample_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"

	"journalpump/test/sample"
)

func TestSameOptionsSameBytes(t *testing.T) {
	t.Parallel()
	var a, b, c bytes.Buffer
	for _, run := range []struct {
		w    io.Writer
		seed uint64
	}{{&a, 1}, {&b, 1}, {&c, 2}} {
		if err := sample.Write(run.w, sample.Options{Entries: 500, Seed: run.seed}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same options gave different entries")
	}
	if bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("another seed gave the same entries")
	}
}

// What journalctl reads back is what was written: the format is right, binary values included.
func TestJournalctlReadsItBack(t *testing.T) {
	t.Parallel()
	const entries = 2000
	dir := t.TempDir()
	end := time.Now()
	err := sample.BuildJournal(t.Context(), dir, func(w io.Writer) error {
		return sample.Write(w, sample.Options{Entries: entries, Seed: 3}.EndingAt(end))
	})
	if errors.Is(err, sample.ErrNoRemote) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := journalctl(t.Context(), t, dir)
	if len(lines) != entries {
		t.Fatalf("journalctl reads %d entries, want %d", len(lines), entries)
	}
	for i, line := range lines {
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		if len(entry) < 22 || entry["MESSAGE"] == nil || entry["_SYSTEMD_UNIT"] == nil {
			t.Fatalf("entry %d lacks fields: %s", i, line)
		}
	}
}

func journalctl(ctx context.Context, t *testing.T, dir string) [][]byte {
	t.Helper()
	out, err := exec.CommandContext(ctx, "journalctl", "--directory="+dir, "--output=json", "--no-pager", "--quiet").Output()
	if err != nil {
		t.Fatalf("journalctl: %v", err)
	}
	return bytes.Split(bytes.TrimSpace(out), []byte("\n"))
}
