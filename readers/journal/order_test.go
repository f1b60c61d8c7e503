package journal

import (
	"fmt"
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/test/journalwriter"
)

// written is what a test's file is made of.
type written struct {
	name     string
	sequence byte
	first    uint64 // sequence number
	stamps   []stamp
}

// writeFiles writes journal files whose entries have the MESSAGE "NAME NUMBER".
func writeFiles(tb testing.TB, dir string, files ...written) {
	tb.Helper()
	for i, f := range files {
		w, err := journalwriter.New(journalwriter.Options{
			FileID: journalwriter.ID{byte(i), f.sequence}, MachineID: journalwriter.ID{1}, SeqnumID: journalwriter.ID{f.sequence},
			State: journalwriter.Archived,
		})
		if err != nil {
			tb.Fatal(err)
		}
		for k, s := range f.stamps {
			e := journalwriter.Entry{Seqnum: f.first + uint64(k), Realtime: s.realtime, Monotonic: s.mono, Boot: journalwriter.ID{15: s.boot}}
			e.Fields = [][]byte{fmt.Appendf(nil, "MESSAGE=%s %d", f.name, k)}
			if err := w.Append(e); err != nil {
				tb.Fatal(err)
			}
		}
		if err := w.WriteFile(filepath.Join(dir, f.name)); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestSetBackBetweenFiles: the clock was set back, so journald rotated. Compared by time with a user's entries the second
// file comes before the rest of the first one; inside the sequence it must not overtake it.
func TestSetBackBetweenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir,
		written{"system@1.journal", 1, 1, steps(1, 50, day, 1000, 10)},
		written{"system@2.journal", 1, 51, steps(2, 50, day-100_000, 10, 10)},
		written{"user-1000@1.journal", 2, 1, steps(3, 20, day-50_000, 500, 10)})
	got := readAll(t, openDir(t, dir), pump.Position{})
	if len(got.records) != 120 || len(got.gaps) != 0 {
		t.Errorf("%d entries, want 120; gaps %v", len(got.records), got.gaps)
	}
}
