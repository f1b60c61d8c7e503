package journal

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// offsets returns where the entries of a file are.
func offsets(t *testing.T, path string) []uint64 {
	t.Helper()
	f, err := journalfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var offs []uint64
	entries := f.Entries()
	for {
		off, ok, err := entries.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return offs
		}
		offs = append(offs, off)
	}
}

func patch(t *testing.T, path string, at uint64, b ...byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, int64(at)); err != nil {
		t.Fatal(err)
	}
}

func TestCorruptedEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.journal")
	writeJournal(t, path, export(steps(1, 100, day, 1000, 10), "x"))
	want := journalctl(t, "-D", dir)
	offs := offsets(t, path)
	for i := 40; i < 45; i++ {
		patch(t, path, offs[i], 0) // no type any more
	}
	l := openDir(t, dir)
	got := readAll(t, l, pump.Position{})
	sameRecords(t, got.records, append(want[:40:40], want[45:]...))
	if got.corrupted != 5 || len(got.gaps) != 1 {
		t.Fatalf("%d corrupted, gaps %v; want 5 and one gap", got.corrupted, got.gaps)
	}
	p, err := pump.ParsePosition(want[0].cursor)
	if err != nil {
		t.Fatal(err)
	}
	gap := got.gaps[0]
	if gap.SeqnumID != p.SeqnumID || gap.First != p.Seqnum+40 || gap.Last != p.Seqnum+44 || gap.Count != 5 || gap.Reason != "corrupted" {
		t.Errorf("the gap is %+v, want 40 to 44 after %d", gap, p.Seqnum)
	}

	// After a position whose entry cannot be read any more it goes on with the next that can.
	p, err = pump.ParsePosition(want[42].cursor)
	if err != nil {
		t.Fatal(err)
	}
	after := readAll(t, l, p)
	sameRecords(t, after.records, want[45:])
	if len(after.gaps) == 0 || after.gaps[0].First != p.Seqnum+1 || after.gaps[0].Count != 2 {
		t.Errorf("gaps %+v, want 2 entries after %d", after.gaps, p.Seqnum)
	}
}

// TestTruncated cuts off a file at every 4 KiB, as vacuuming does to a file that somebody has open.
func TestTruncated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a@1.journal")
	writeJournal(t, path, export(steps(1, 2000, day, 1000, 10), "x"))
	want := journalctl(t, "-D", dir)
	l := openDir(t, dir)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := info.Size() - 4096; size > 0; size -= 128 << 10 {
		it, err := l.Open(t.Context(), pump.Position{})
		if err != nil {
			if !errors.Is(err, pump.ErrNotYet) {
				t.Fatal(err)
			}
			break // nothing left of it
		}
		first, err := it.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		rest := drain(t, it, first.To)
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		all := append(recordsOf(first), rest.records...)
		if first.Corrupted == 0 && len(first.Gaps) == 0 {
			known := map[string]bool{}
			for _, r := range want {
				known[r.cursor] = true
			}
			for _, r := range all {
				if !known[r.cursor] {
					t.Fatalf("cut to %d bytes it has an entry that it did not have: %s", size, r.cursor)
				}
			}
			if len(all) < len(want) && rest.corrupted == 0 && len(rest.gaps) == 0 {
				t.Fatalf("cut to %d bytes: %d of %d entries, and nothing is said of the rest", size, len(all), len(want))
			}
		}
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 10, day, 1000, 10), "a"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(1, 10, day+1, 1001, 10), "b"))
	patch(t, filepath.Join(dir, "b.journal"), 12, binary.LittleEndian.AppendUint32(nil, 1<<20|1<<2)...)
	const archived = "c@00112233445566778899aabbccddeeff-0000000000000019-0005d4206c285fc5.journal"
	if err := os.WriteFile(filepath.Join(dir, archived), make([]byte, 8192), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openDir(t, dir)
	got := readAll(t, l, pump.Position{})
	if len(got.records) != 10 || got.corrupted != 2 {
		t.Errorf("%d entries, %d corrupted; want 10 and 2", len(got.records), got.corrupted)
	}
	if len(got.gaps) != 1 || got.gaps[0].First != 0x19 || got.gaps[0].From != 0x5d4206c285fc5 {
		t.Errorf("gaps %+v, want what the name of the archived file says", got.gaps)
	}
	problems := l.Problems()
	if len(problems) != 2 {
		t.Fatalf("problems %v, want two", problems)
	}
	var unsupported *journalfile.UnsupportedError
	if !errors.As(problems[0].Err, &unsupported) || unsupported.Flags != 1<<20 {
		t.Errorf("the problem with b.journal is %v", problems[0])
	}
	if !errors.Is(problems[1].Err, journalfile.ErrNotJournal) {
		t.Errorf("the problem with c@1.journal is %v", problems[1])
	}
}
