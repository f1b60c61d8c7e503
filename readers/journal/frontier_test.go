package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/test/journalwriter"
)

// TestGoneAndBack reads while the files of a sequence are away, starts anew, and has them back: they were read.
func TestGoneAndBack(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 50, day, 1000, 10), "a"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(2, 50, day+5, 1000, 10), "b"))
	at := readAll(t, openDir(t, dir), pump.Position{}).last
	if err := os.Rename(filepath.Join(dir, "b.journal"), filepath.Join(elsewhere, "b.journal")); err != nil {
		t.Fatal(err)
	}
	writeJournal(t, filepath.Join(dir, "c.journal"), export(steps(1, 5, day+9000, 10_000, 10), "c"))
	got := readAll(t, openDir(t, dir), at)
	if len(got.records) != 5 {
		t.Fatalf("%d new entries, want 5", len(got.records))
	}
	if err := os.Rename(filepath.Join(elsewhere, "b.journal"), filepath.Join(dir, "b.journal")); err != nil {
		t.Fatal(err)
	}
	if again := readAll(t, openDir(t, dir), got.last); len(again.records) > 0 {
		t.Errorf("%d entries again, such as %s", len(again.records), again.records[0].cursor)
	}
}

// TestManyGoneAndBack moves the directory of many sequences away and back: what was read does not come again.
func TestManyGoneAndBack(t *testing.T) {
	t.Parallel()
	const sequences = 3 * keptChains
	dir := filepath.Join(t.TempDir(), "journal")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g := &goods{dir: dir, want: map[string]bool{}}
	for i := range sequences {
		g.write(t, fmt.Sprintf("user-%d@1.journal", i), byte(i), 1, i, 1, journalwriter.Options{State: journalwriter.Archived})
	}
	it, res := followed(t, openDir(t, dir))
	if len(res.records) != sequences {
		t.Fatalf("%d entries, want %d", len(res.records), sequences)
	}
	rename(t, dir, dir+".away")
	if rest := drain(t, it, res.last); len(rest.records) > 0 {
		t.Errorf("%d entries of a directory that is away", len(rest.records))
	}
	rename(t, dir+".away", dir)
	if again := drain(t, it, res.last); len(again.records) > 0 {
		t.Errorf("%d entries came again", len(again.records))
	}
	// Those of which there is nothing any more are forgotten in the end.
	iterator := it.(*iterator)
	rename(t, dir, dir+".away")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	drain(t, it, res.last)
	for _, ch := range iterator.chains {
		ch.gone = ch.gone.Add(-2 * keptTime)
	}
	iterator.forgetChains()
	if n := len(iterator.chains); n > 0 {
		t.Errorf("%d sequences are remembered", n)
	}
}

// TestLateCopies copies in a file that has entries that were read, and others between them that were not.
func TestLateCopies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stamps := steps(1, 100, day, 1000, 10)
	var known []stamp
	for i, s := range stamps {
		if i%3 != 0 {
			known = append(known, s)
		}
	}
	// The label is part of each entry's contents, and so is its number: these have neither.
	bare := func(stamps []stamp) (text []byte) {
		for _, s := range stamps {
			text = append(text, exportBare(s)...)
		}
		return text
	}
	writeJournal(t, filepath.Join(dir, "a.journal"), bare(known))
	l := openDir(t, dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	first := drain(t, it, pump.Position{})
	writeJournal(t, filepath.Join(dir, "b.journal"), bare(stamps))
	late := drain(t, it, first.last)
	if len(first.records) != len(known) || len(late.records) != len(stamps)-len(known) {
		t.Errorf("%d entries, then %d; want %d, then the %d that are new", len(first.records), len(late.records), len(known), len(stamps)-len(known))
	}
	if after := readAll(t, l, late.last); len(after.records) > 0 {
		t.Errorf("who starts there reads %d", len(after.records))
	}
}

// TestLateBeforeStart starts at a time. Files that come to light later have nothing from before it.
func TestLateBeforeStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 100, day, 1000, 10), "a"))
	it, err := openDir(t, dir).Open(t.Context(), before(int64(day+500)))
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	first := drain(t, it, before(int64(day+500)))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(2, 100, day+5, 1000, 10), "b"))
	late := drain(t, it, first.last)
	if len(first.records) != 50 || len(late.records) != 50 {
		t.Errorf("%d entries, then %d, want 50 each", len(first.records), len(late.records))
	}
}

// TestPlainCursor reads on after what journalctl calls a cursor: of other sequences it says a time only.
func TestPlainCursor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 100, day, 1000, 10), "a"))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(2, 100, day+5, 1000, 10), "b"))
	l := openDir(t, dir)
	all := readAll(t, l, pump.Position{})
	for _, at := range []int{0, 77, 198, 199} {
		p, err := pump.ParsePosition(all.records[at].cursor)
		if err != nil {
			t.Fatal(err)
		}
		rest := readAll(t, l, p)
		sameRecords(t, rest.records, all.records[at+1:])
		if at < 199 && rest.last != all.last {
			t.Errorf("after entry %d it ends at %+v, from the beginning at %+v", at, rest.last, all.last)
		}
	}
	if tail, err := l.Seek(t.Context(), pump.Start{Kind: pump.StartTail}); err != nil || tail != all.last {
		t.Errorf("the tail is %+v, %v; reading ends at %+v", tail, err, all.last)
	}
}

// TestVacuumedElsewhere deletes what comes next in a sequence that is not the position's.
func TestVacuumedElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, from := range []uint64{1, 101, 201} { // three files of one sequence
		writeFile(t, filepath.Join(dir, fmt.Sprintf("system@%d.journal", i)), 7, from, steps(1, 100, day+from*1000, 1000*from, 1000))
	}
	writeFile(t, filepath.Join(dir, "other.journal"), 8, 1, steps(2, 1, day+50_500, 1000, 1))
	l := openDir(t, dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	var at pump.Position
	for _, c := range drain(t, it, pump.Position{}).chunks {
		for i := range c.Entries {
			if c.Entries[i].Position.SeqnumID == (pump.ID128{8}) {
				at = c.PositionAfter(i)
			}
		}
	}
	if n, ok := at.ReachedIn(pump.ID128{7}); !ok || n < 40 || n > 60 {
		t.Fatalf("after the other sequence's entry the first one is at %d, %v", n, ok)
	}
	for _, name := range []string{"system@0.journal", "system@1.journal"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	got := readAll(t, openDir(t, dir), at)
	n, _ := at.ReachedIn(pump.ID128{7})
	if len(got.records) != 100 || len(got.gaps) != 1 || got.gaps[0].First != n+1 || got.gaps[0].Last != 200 {
		t.Errorf("%d entries, gaps %+v; want 100, and one from %d to 200", len(got.records), got.gaps, n+1)
	}
}

// writeFile writes a file with entries of a sequence that are numbered from from on.
func writeFile(t *testing.T, path string, sequence byte, from uint64, stamps []stamp) {
	t.Helper()
	w, err := journalwriter.New(journalwriter.Options{
		FileID: journalwriter.ID{sequence, byte(from)}, MachineID: journalwriter.ID{1}, SeqnumID: journalwriter.ID{sequence}, State: journalwriter.Archived,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range stamps {
		err := w.Append(journalwriter.Entry{
			Seqnum: from + uint64(i), Realtime: s.realtime, Monotonic: s.mono, Boot: journalwriter.ID{s.boot},
			Fields: [][]byte{fmt.Appendf(nil, "MESSAGE=%d", i)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteFile(path); err != nil {
		t.Fatal(err)
	}
}

// TestFileBeingCreated reads while there is a file that has its sequence already, and no machine ID.
func TestFileBeingCreated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "system@1.journal"), 7, 1, steps(1, 50, day, 1000, 10))
	w, err := journalwriter.New(journalwriter.Options{
		FileID: journalwriter.ID{9}, SeqnumID: journalwriter.ID{7}, State: journalwriter.Online,
	})
	if err != nil {
		t.Fatal(err)
	}
	created := filepath.Join(dir, "system.journal")
	if err := w.WriteFile(created); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, openDir(t, dir), pump.Position{})
	if err := os.Remove(created); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "other.journal"), 8, 1, steps(2, 5, day+9000, 1000, 1))
	next := readAll(t, openDir(t, dir), got.last)
	again := readAll(t, openDir(t, dir), next.last)
	if len(got.records) != 50 || len(next.records) != 5 || len(again.records) != 0 {
		t.Errorf("%d, then %d, then %d entries; want 50, 5 and 0", len(got.records), len(next.records), len(again.records))
	}
}
