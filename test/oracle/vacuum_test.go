package oracle

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/test/corpus"
)

// vacuumMax is in how large a set files are deleted: to know which entries are left, each file is read by itself.
const vacuumMax = 20_000

// compareVacuumed deletes some archived files and reads on from positions in them, and from others.
func compareVacuumed(t *testing.T, s *corpus.Set, dir string, all []pump.Cursor, places map[int]pump.Position, rnd *rand.Rand) {
	t.Helper()
	if len(all) > vacuumMax {
		return
	}
	gone := vacuum(t, dir, rnd)
	if len(gone) == 0 {
		return
	}
	left := map[identity]bool{}
	last := map[pump.ID128]uint64{}
	for _, file := range filePositions(t, dir) {
		for i := range file {
			left[identityOf(&file[i])] = true
			last[file[i].SeqnumID] = max(last[file[i].SeqnumID], file[i].Seqnum)
		}
	}
	l := native(t, inDir(dir))
	for at, place := range places {
		want := slices.DeleteFunc(slices.Clone(all[at+1:]), func(c pump.Cursor) bool { return !left[identityOf(&c)] })
		rest := open(t, l, place)
		sameEntries(t, rest.cursors(), want, place)
		if n := last[place.SeqnumID]; n == 0 || n > place.Seqnum { // else nobody can know that there was more
			sameGap(t, rest, &place, gone)
		}
	}
	if s.Sane {
		compareVacuumedSeeks(t, s, l, dir, gone, rnd)
	}
}

// vacuum deletes up to three archived files, never the last one of all, and returns the positions of what was in them.
func vacuum(t *testing.T, dir string, rnd *rand.Rand) (gone []pump.Cursor) {
	t.Helper()
	paths, err := inDir(dir).Selection.List()
	if err != nil {
		t.Fatal(err)
	}
	archived := slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !strings.Contains(filepath.Base(path), "@") })
	for range min(3, len(archived), len(paths)-1) {
		i := rnd.IntN(len(archived))
		gone = append(gone, cursorsIn(t, archived[i])...)
		if err := os.Remove(archived[i]); err != nil {
			t.Fatal(err)
		}
		archived = slices.Delete(archived, i, i+1)
	}
	return gone
}

// sameGap checks that a gap is reported if the entries after the position in its own sequence are gone, and else none.
func sameGap(t *testing.T, rest *stream, place *pump.Position, gone []pump.Cursor) {
	t.Helper()
	if !slices.Contains(gone, place.Cursor) {
		return
	}
	next := slices.ContainsFunc(gone, func(c pump.Cursor) bool {
		return c.SeqnumID == place.SeqnumID && c.Seqnum == place.Seqnum+1
	})
	if !next {
		return // it may have been the last, or have a copy
	}
	for _, g := range rest.gaps {
		if g.SeqnumID == place.SeqnumID && g.First == place.Seqnum+1 {
			return
		}
	}
	if len(rest.all) > 0 && slices.ContainsFunc(rest.all, func(c pump.Cursor) bool {
		return c.SeqnumID == place.SeqnumID && c.Seqnum == place.Seqnum+1
	}) {
		return // there was a copy of it
	}
	t.Fatalf("after %v, whose file is gone: gaps %+v", place, rest.gaps)
}
