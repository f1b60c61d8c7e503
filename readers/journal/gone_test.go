package journal

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// wipe deletes a file as journald does: what it occupied is freed, also for those who have it open.
func wipe(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 1<<30); err != nil {
		t.Fatal(err)
	}
}

// writeEmpty writes a file that has no entries yet, and has the last number of the one before it.
func writeEmpty(t *testing.T, path string, last uint64) {
	t.Helper()
	w, err := journalwriter.New(journalwriter.Options{FileID: journalwriter.ID{0xee}, MachineID: journalwriter.ID{1}, SeqnumID: journalwriter.ID{1}, State: journalwriter.Online})
	if err != nil {
		t.Fatal(err)
	}
	put64(w.Bytes(), atTailSeqnum, last)
	if err := w.WriteFile(path); err != nil {
		t.Fatal(err)
	}
}

// goneTest is an iterator that has read entries 1 to 5 of a file that is being written.
type goneTest struct {
	pendingTest
	log  *Log
	dir  string
	path string
}

func newGoneTest(t *testing.T) *goneTest {
	t.Helper()
	g := &goneTest{dir: t.TempDir()}
	g.path = filepath.Join(g.dir, "system.journal")
	writeNumbers(t, g.path, journalwriter.Online, 1, 2, 3, 4, 5)
	g.log = openLog(t, Options{Selection: journaldir.Selection{Path: g.dir}})
	it, _ := followed(t, g.log)
	g.it = it
	return g
}

// lacks checks that nothing came but the entry, and that the ones before it are one gap.
func (g *goneTest) lacks(t *testing.T, first, last uint64, then string) {
	t.Helper()
	g.drain(t)
	if len(g.got) != 1 || messageOf(g.got[0]) != then {
		t.Errorf("%v came, want %s", g.got, then)
	}
	if len(g.gaps) != 1 || g.gaps[0].First != first || g.gaps[0].Last != last {
		t.Errorf("gaps %+v, want one from %d to %d", g.gaps, first, last)
	}
}

// TestGoneAfterListing has a file get entries, be listed with them, and be deleted before it is looked at.
func TestGoneAfterListing(t *testing.T) {
	t.Parallel()
	g := newGoneTest(t)
	writeNumbers(t, g.path, journalwriter.Online, 1, 2, 3, 4, 5, 6, 7, 8)
	rename(t, g.path, filepath.Join(g.dir, "system@1.journal"))
	writeNumbers(t, g.path, journalwriter.Online, 9)
	listed, err := g.log.list(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.it.(*iterator).sync(listed); err != nil {
		t.Fatal(err)
	}
	wipe(t, filepath.Join(g.dir, "system@1.journal"))
	g.lacks(t, 6, 8, "9")
}

// TestGoneAfterGrowing has a file that is gone from the listing, but had more entries than were looked at, lose them then.
func TestGoneAfterGrowing(t *testing.T) {
	t.Parallel()
	g := newGoneTest(t)
	writeNumbers(t, g.path, journalwriter.Archived, 1, 2, 3, 4, 5, 6, 7, 8)
	f, err := os.OpenFile(g.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(g.path); err != nil {
		t.Fatal(err)
	}
	writeNumbers(t, g.path, journalwriter.Online, 9)
	listed, err := g.log.list(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.it.(*iterator).sync(listed); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	g.lacks(t, 6, 8, "9")
}

// TestGoneBeforeEmpty has all be deleted but a file that has no entry yet: what was missed is told by the number that it begins with, to an
// iterator that goes on, and to one that is opened then.
func TestGoneBeforeEmpty(t *testing.T) {
	t.Parallel()
	for _, machine := range []bool{true, false} { // it knows its machine
		g := newGoneTest(t)
		at := g.it.(*iterator).pos
		wipe(t, g.path)
		writeEmpty(t, g.path, 8)
		if !machine {
			b, err := os.ReadFile(g.path)
			if err != nil {
				t.Fatal(err)
			}
			clear(b[atMachineID : atMachineID+16])
			overwrite(t, g.path, b)
		}
		opened, err := g.log.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range []pump.Iterator{g.it, opened} {
			p := &pendingTest{it: it}
			p.drain(t)
			if len(p.gaps) != 1 || p.gaps[0].First != 6 || p.gaps[0].Last != 8 || len(p.got) > 0 {
				t.Errorf("machine %v: gaps %+v, want one from 6 to 8; %d entries", machine, p.gaps, len(p.got))
			}
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestArchivedEmpty has a file be archived that never had an entry: it is not damaged, and nothing is missing.
func TestArchivedEmpty(t *testing.T) {
	t.Parallel()
	g := newGoneTest(t)
	rename(t, g.path, filepath.Join(g.dir, "system@1.journal"))
	writeEmpty(t, g.path, 5)
	g.drain(t)
	w := filepath.Join(g.dir, "system@2.journal")
	rename(t, g.path, w)
	b, err := os.ReadFile(w)
	if err != nil {
		t.Fatal(err)
	}
	b[atState] = byte(journalwriter.Archived)
	overwrite(t, w, b)
	writeNumbers(t, g.path, journalwriter.Online, 6)
	g.drain(t)
	late, _ := followed(t, g.log)
	if len(g.got) != 1 || len(g.gaps) > 0 || len(g.log.Problems()) > 0 {
		t.Errorf("%d entries, gaps %+v, problems %v", len(g.got), g.gaps, g.log.Problems())
	}
	if err := late.Close(); err != nil {
		t.Error(err)
	}
}
