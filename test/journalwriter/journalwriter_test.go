package journalwriter_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/journalwriter"
)

// TestVerified has journalctl verify and read files of every layout.
func TestVerified(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("journalctl"); err != nil {
		t.Skip("there is no journalctl to verify files with")
	}
	for _, compact := range []bool{false, true} {
		for _, keyed := range []bool{false, true} {
			for _, method := range []journalwriter.Compression{journalwriter.None, journalwriter.XZ, journalwriter.LZ4, journalwriter.ZSTD} {
				for _, sealed := range []bool{false, true} {
					o := journalwriter.Options{Compact: compact, Keyed: keyed, Compress: method, Sealed: sealed, Threshold: 64, DataBuckets: 50, HeaderSize: 264}
					t.Run(fmt.Sprintf("%v %v %v %v", compact, keyed, method, sealed), func(t *testing.T) {
						t.Parallel()
						verify(t, o)
					})
				}
			}
		}
	}
	for size := 208; size <= 272; size += 8 {
		t.Run(fmt.Sprintf("a header of %d bytes", size), func(t *testing.T) {
			t.Parallel()
			verify(t, journalwriter.Options{HeaderSize: size})
		})
	}
}

const entries = 500

func verify(t *testing.T, o journalwriter.Options) {
	t.Helper()
	o.FileID, o.SeqnumID, o.MachineID = journalwriter.ID{1}, journalwriter.ID{2}, journalwriter.ID{3}
	w, err := journalwriter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(entries) {
		e := journalwriter.Entry{Seqnum: 10 + i, Realtime: 1_700_000_000_000_000 + i, Monotonic: 1000 + i, Boot: journalwriter.ID{7}}
		for _, f := range []string{"MESSAGE=number ", "SHARED=x", "SHARED=y", "LONG=" + strings.Repeat("words and more words, ", int(i%40)), "BINARY=\x00\xff"} {
			if strings.HasPrefix(f, "MESSAGE") {
				f += fmt.Sprint(i)
			}
			e.Fields = append(e.Fields, []byte(f))
		}
		if err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.journal")
	if err := w.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if !o.Sealed && o.HeaderSize <= 264 { // seals are not valid, and newer headers are refused by 252
		if out, err := exec.CommandContext(t.Context(), "journalctl", "--verify", "--file="+path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("FAIL")) {
			t.Errorf("journalctl --verify: %v\n%s", err, out)
		}
	}
	out, err := exec.CommandContext(t.Context(), "journalctl", "--file="+path, "-o", "cat", "MESSAGE=number 77", "MESSAGE=number 499").Output()
	if err != nil || string(out) != "number 77\nnumber 499\n" {
		t.Errorf("journalctl finds %q, %v", out, err)
	}
	out, err = exec.CommandContext(t.Context(), "journalctl", "--file="+path, "-o", "cat").Output()
	if n := bytes.Count(out, []byte("\n")); err != nil || n != entries {
		t.Errorf("journalctl reads %d entries, want %d: %v", n, entries, err)
	}
}
