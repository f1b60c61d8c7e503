package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// pendingTest is an iterator that has read some of the first of several archived files. Of the journal in goods nothing else
// makes it look at the directory until all that was listed is read.
type pendingTest struct {
	*goods
	it   pump.Iterator
	all  []record
	got  []record
	gaps []pump.Gap
}

func newPendingTest(t *testing.T) *pendingTest {
	t.Helper()
	p := &pendingTest{goods: newGoods(t, journalwriter.Options{})}
	// The journal is in a directory that can be moved.
	inner := filepath.Join(p.dir, "journal")
	if err := os.WriteFile(p.victim, p.b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(p.dir, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		rename(t, file, filepath.Join(inner, filepath.Base(file)))
	}
	p.dir, p.victim = inner, filepath.Join(inner, victimName)
	p.all = readAll(t, openDir(t, p.dir), pump.Position{}).records
	l := openLog(t, Options{Selection: journaldir.Selection{Path: p.dir}, MaxChunkEntries: 10})
	if p.it, err = l.Open(t.Context(), pump.Position{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.it.Close(); err != nil {
			t.Error(err)
		}
	})
	for len(p.got) < each/2 {
		p.next(t)
	}
	return p
}

// next takes another chunk; false if there is none now.
func (p *pendingTest) next(t *testing.T) bool {
	t.Helper()
	c, err := p.it.Next(t.Context())
	if errors.Is(err, pump.ErrNoMore) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	p.got, p.gaps = append(p.got, recordsOf(c)...), append(p.gaps, c.Gaps...)
	return true
}

func (p *pendingTest) drain(t *testing.T) {
	t.Helper()
	for p.next(t) {
	}
}

// whole checks that all entries came, in order, and that none is said to be missing.
func (p *pendingTest) whole(t *testing.T) {
	t.Helper()
	sameRecords(t, p.got, p.all)
	if len(p.gaps) > 0 {
		t.Errorf("gaps %+v, though all of it is there", p.gaps)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestPendingRewritten replaces an archived file by a copy under its name before its turn comes, as journald does on btrfs.
func TestPendingRewritten(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	next := filepath.Join(p.dir, ".#rewritten")
	copyFile(t, p.victim, next)
	rename(t, next, p.victim)
	p.drain(t)
	p.whole(t)
}

func TestPendingRenamed(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	rename(t, p.victim, filepath.Join(p.dir, "system@4.journal"))
	p.drain(t)
	p.whole(t)
}

// TestPendingUnlinked removes the name under which a file was listed; it has another one.
func TestPendingUnlinked(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	if err := errors.Join(os.Link(p.victim, filepath.Join(p.dir, "system@4.journal")), os.Remove(p.victim)); err != nil {
		t.Fatal(err)
	}
	p.drain(t)
	p.whole(t)
}

// TestPendingDeleted deletes an archived file before its turn comes: what it had is a gap, all else comes at once.
func TestPendingDeleted(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	if err := os.Remove(p.victim); err != nil {
		t.Fatal(err)
	}
	p.drain(t)
	p.lacksVictim(t)
}

// without returns all entries but the victim's.
func (p *pendingTest) without() (rest []record) {
	for _, r := range p.all {
		if !strings.HasPrefix(messageOf(r), "victim ") {
			rest = append(rest, r)
		}
	}
	return rest
}

// lacksVictim checks that all entries but the victim's came, in order, and that these are said to be missing.
func (p *pendingTest) lacksVictim(t *testing.T) {
	t.Helper()
	sameRecords(t, p.got, p.without())
	if len(p.gaps) != 1 || p.gaps[0].First != each+1 || p.gaps[0].Last != 2*each || p.gaps[0].Count != each {
		t.Errorf("gaps %+v, want one from %d to %d", p.gaps, each+1, 2*each)
	}
}

// TestPendingMovedAway moves the directory away and back while archived files wait for their turn. Files that are open have
// entries that come later: they wait as well.
func TestPendingMovedAway(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	away := p.dir + ".away"
	rename(t, p.dir, away)
	p.drain(t)
	if before := 2 * each; len(p.got) != before {
		t.Errorf("%d entries came while the directory was away, want the %d before the file that is missing", len(p.got), before)
	}
	rename(t, away, p.dir)
	p.drain(t)
	p.whole(t)
}

// TestPendingStaysAway moves the directory away for good: what is in files that are open comes after a while, the rest is a gap.
func TestPendingStaysAway(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	rename(t, p.dir, p.dir+".away")
	want := p.without()
	for len(p.got) < len(want) {
		if !p.next(t) {
			if err := p.it.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.lacksVictim(t)
}

// TestPendingNeverHad has an archived file be another one by the time its turn comes, though the file system says that nothing was
// changed: it is listed as it was time and again. That ends, with a gap.
func TestPendingNeverHad(t *testing.T) {
	t.Parallel()
	p := newPendingTest(t)
	st, err := os.Stat(p.victim)
	if err != nil {
		t.Fatal(err)
	}
	b := slices.Clone(p.b)
	b[atFileID]++
	overwrite(t, p.victim, b)
	if err := os.Chtimes(p.victim, time.Time{}, st.ModTime()); err != nil {
		t.Fatal(err)
	}
	p.drain(t)
	p.lacksVictim(t)
}

// TestPendingMovedMeanwhile renames an archived file before its turn comes, so that it is looked for. What was written meanwhile to a
// file that is open, and archived since, is older than what others have that were archived since: it comes before that.
func TestPendingMovedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{false, true} {
		t.Run(fmt.Sprintf("deleted=%v", deleted), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			writeNumbers(t, path("system@1.journal"), journalwriter.Archived, 2, 3)
			writeNumbers(t, path("system@2.journal"), journalwriter.Archived, 4, 5)
			writeNumbers(t, path("user-1000.journal"), journalwriter.Online, 1)
			l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, MaxChunkEntries: 1})
			it, err := l.Open(t.Context(), pump.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := it.Close(); err != nil {
					t.Error(err)
				}
			}()
			p := pendingTest{it: it}
			for range 2 {
				p.next(t)
			}
			writeNumbers(t, path("user-1000.journal"), journalwriter.Online, 1, 6)
			writeNumbers(t, path("system.journal"), journalwriter.Online, 7)
			rename(t, path("system@2.journal"), path("system@3.journal"))
			if deleted {
				if err := os.Remove(path("user-1000.journal")); err != nil {
					t.Fatal(err)
				}
			} else {
				writeNumbers(t, path("user-1000.journal"), journalwriter.Archived, 1, 6)
				rename(t, path("user-1000.journal"), path("user-1000@1.journal"))
			}
			writeNumbers(t, path("system.journal"), journalwriter.Archived, 7)
			rename(t, path("system.journal"), path("system@4.journal"))
			p.drain(t)
			var got []string
			for _, r := range p.got {
				got = append(got, messageOf(r))
			}
			if want := []string{"1", "2", "3", "4", "5", "6", "7"}; !slices.Equal(got, want) || len(p.gaps) > 0 {
				t.Errorf("%v, gaps %+v, want %v", got, p.gaps, want)
			}
		})
	}
}

// writeNumbers writes a file of one sequence with entries of these numbers, which are their times and MESSAGEs, too. A file with the same
// first number is the same one, with other contents.
func writeNumbers(tb testing.TB, path string, state journalwriter.State, seqnums ...uint64) {
	tb.Helper()
	entries := make([]numbered, len(seqnums))
	for i, n := range seqnums {
		entries[i] = numbered{n, n}
	}
	writeNumbered(tb, path, 1, state, entries...)
}

// numbered is an entry's number in its sequence, and its time, which is its MESSAGE.
type numbered struct{ seqnum, at uint64 }

// writeNumbered writes a file of a sequence. One with the same first entry is the same one, with other contents.
func writeNumbered(tb testing.TB, path string, sequence byte, state journalwriter.State, entries ...numbered) {
	tb.Helper()
	w, err := journalwriter.New(journalwriter.Options{
		FileID: journalwriter.ID{sequence, byte(entries[0].seqnum), byte(entries[0].at)}, MachineID: journalwriter.ID{1}, SeqnumID: journalwriter.ID{sequence}, State: state,
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range entries {
		e := journalwriter.Entry{Seqnum: n.seqnum, Realtime: day + n.at, Monotonic: 1000 + n.at, Boot: journalwriter.ID{15: goodBoot}}
		e.Fields = [][]byte{fmt.Appendf(nil, "MESSAGE=%d", n.at)}
		if err := w.Append(e); err != nil {
			tb.Fatal(err)
		}
	}
	written := filepath.Join(tb.TempDir(), "written")
	if err := w.WriteFile(written); err != nil {
		tb.Fatal(err)
	}
	b, err := os.ReadFile(written)
	if err != nil {
		tb.Fatal(err)
	}
	overwrite(tb, path, b)
}
