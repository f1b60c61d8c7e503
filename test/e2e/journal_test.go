package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"journalpump/test/sample"
)

// numberedJournal makes a journal of n numbered messages ("file" is their way) and returns its directory.
func numberedJournal(t *testing.T, n int) string {
	t.Helper()
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf("MESSAGE=%v\nPRIORITY=%d\n_SYSTEMD_UNIT=numbers.service\n", number{"file", i + 1}, (i+1)%8)
	}
	return journalOf(t, entries...)
}

// journalOf makes a journal of entries, each lines of FIELD=value, a millisecond apart, and returns its directory.
func journalOf(t *testing.T, entries ...string) string {
	t.Helper()
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	err := sample.BuildJournal(t.Context(), dir, func(w io.Writer) error {
		for i, entry := range entries {
			ms := 1000 * (i + 1)
			_, err := fmt.Fprintf(w, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\n%s\n", 1_760_000_000_000_000+int64(ms), ms, 1, entry)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// cursors returns systemd's cursors of a journal's entries.
func cursors(t *testing.T, dir string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "journalctl", "--directory="+dir, "--output=json", "--output-fields=MESSAGE", "--quiet", "--no-pager").Output()
	if err != nil {
		t.Fatalf("journalctl: %v", err)
	}
	var cursors []string
	for line := range bytes.Lines(out) {
		var entry struct {
			Cursor string `json:"__CURSOR"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		cursors = append(cursors, entry.Cursor)
	}
	return cursors
}
