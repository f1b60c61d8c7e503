//go:build cgo && linux

package oracle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/coreos/go-systemd/v22/sdjournal"

	"journalpump/pump"
	"journalpump/test/corpus"
)

// How many entries after a seek are compared, and how many cursors of a set are sought, unless ORACLE_SEEKS says otherwise.
const (
	afterSeek   = 40
	seekSamples = 4
)

// seekKinds are the ways to name a place: what a cursor may have, and what may be wrong with it.
var seekKinds = []struct {
	name  string
	parts pump.PositionParts
	alter func(p *pump.Cursor, rnd *rand.Rand)
}{
	{"whole", pump.HasAll, nil},
	{"without contents", pump.HasAll &^ pump.HasXorHash, nil},
	{"of another sequence", pump.HasAll, func(p *pump.Cursor, _ *rand.Rand) { p.SeqnumID[0]++ }},
	{"of another sequence and boot", pump.HasAll, func(p *pump.Cursor, _ *rand.Rand) { p.SeqnumID[0]++; p.BootID[0]++ }},
	{"sequence", pump.HasSeqnum, nil},
	{"sequence and realtime", pump.HasSeqnum | pump.HasRealtime, nil},
	{"boot and realtime", pump.HasMonotonic | pump.HasRealtime, nil},
	{"realtime", pump.HasRealtime, nil},
	{"realtime between entries", pump.HasRealtime, func(p *pump.Cursor, rnd *rand.Rand) { p.Realtime += rnd.Uint64N(2000) }},
	{"time between entries", pump.HasRealtime | pump.HasMonotonic, func(p *pump.Cursor, rnd *rand.Rand) {
		d := rnd.Uint64N(2000)
		p.Realtime += d
		p.Monotonic += d
	}},
}

// compareSeeks goes on after cursors of all kinds, and compares with libsystemd's sd_journal_seek_cursor.
func compareSeeks(t *testing.T, s *corpus.Set, l pump.Log, dir string, all []pump.Cursor, rnd *rand.Rand) {
	t.Helper()
	j := libsystemdDir(t, dir)
	for range setting(t, "ORACLE_SEEKS", seekSamples) {
		compareSeek(t, s, l, j, all[rnd.IntN(len(all))], rnd)
	}
}

// compareSeek goes on after a cursor that has all or some of its parts, or wrong ones.
func compareSeek(t *testing.T, s *corpus.Set, l pump.Log, j *sdjournal.Journal, at pump.Cursor, rnd *rand.Rand) {
	t.Helper()
	for _, kind := range seekKinds {
		p := at
		p.Parts = kind.parts
		if kind.alter != nil {
			kind.alter(&p, rnd)
		}
		got := firstAfter(t, l, p, afterSeek+10)
		want := soughtBySystemd(t, j, p, afterSeek)
		if p.Parts&pump.HasRealtime == 0 { // which of those of the same time are before it, it does not say
			want = slices.DeleteFunc(want, func(q pump.Cursor) bool {
				return q.SeqnumID != p.SeqnumID && q.Realtime == p.Realtime && !slices.Contains(got, q)
			})
			// Nor, by its number alone, which entry of another sequence is a copy of its own: one may come again.
			got = slices.DeleteFunc(got, func(q pump.Cursor) bool {
				return q.SeqnumID != at.SeqnumID && identityOf(&q) == identityOf(&at) && !slices.Contains(want, q)
			})
		}
		got = withoutAgain(got, want, &p)
		if diff := diffCursors(got, want, s.Twice); diff != "" {
			t.Fatalf("after %v, %s (%v): %s", at, kind.name, p, diff)
		}
	}
}

// libsystemdDir opens the journal in a directory with libsystemd.
func libsystemdDir(t *testing.T, dir string) *sdjournal.Journal {
	t.Helper()
	j, err := sdjournal.NewJournalFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// withoutAgain leaves out what comes though by its time it is not after the position. That may be when it was written at the very
// time of the position in another sequence, or in a later boot at a time that the position has only because the test made it
// up: such entries have an order of their own in their file.
func withoutAgain(got, want []pump.Cursor, p *pump.Cursor) []pump.Cursor {
	got = slices.DeleteFunc(got, func(q pump.Cursor) bool {
		if slices.Contains(want, q) || isAfter(&q, p) {
			return false
		}
		return q.SeqnumID != p.SeqnumID && q.Realtime == p.Realtime || p.Parts&pump.HasSeqnum == 0 && q.BootID != p.BootID
	})
	return got[:min(len(got), len(want))]
}

// firstAfter returns the first n entries after a position.
func firstAfter(t *testing.T, l pump.Log, p pump.Cursor, n int) []pump.Cursor {
	t.Helper()
	return open(t, l, pump.Position{Cursor: p}).take(n)
}

// soughtBySystemd returns the first n entries that come after the position, of those that libsystemd finds from there on.
func soughtBySystemd(t *testing.T, j *sdjournal.Journal, p pump.Cursor, n int) []pump.Cursor {
	t.Helper()
	if err := j.SeekCursor(p.String()); err != nil {
		t.Fatal(err)
	}
	var got []pump.Cursor
	for len(got) < n {
		more, err := j.Next()
		if err != nil {
			t.Fatal(err)
		}
		if more == 0 {
			break
		}
		text, err := j.GetCursor()
		if err != nil {
			t.Fatal(err)
		}
		q, err := pump.ParsePosition(text)
		if err != nil {
			t.Fatal(err)
		}
		if isAfter(&q.Cursor, &p) {
			got = append(got, q.Cursor)
		}
	}
	return got
}

// isAfter is our rule for what libsystemd leaves to its caller: what of the entries from the position on comes after it.
func isAfter(q, p *pump.Cursor) bool {
	if p.Parts&pump.HasSeqnum != 0 && q.SeqnumID == p.SeqnumID {
		return q.Seqnum > p.Seqnum
	}
	if p.Parts&pump.HasMonotonic != 0 && q.BootID == p.BootID && q.Monotonic != p.Monotonic {
		return q.Monotonic > p.Monotonic
	}
	if p.Parts&pump.HasRealtime != 0 && q.Realtime != p.Realtime {
		return q.Realtime > p.Realtime
	}
	if p.Parts&(pump.HasMonotonic|pump.HasRealtime) == 0 { // it says nothing of other sequences
		return true
	}
	return p.Parts&pump.HasXorHash != 0 && q.XorHash > p.XorHash
}

// compareVacuumedSeeks is compareSeeks for entries that are gone.
func compareVacuumedSeeks(t *testing.T, s *corpus.Set, l pump.Log, dir string, gone []pump.Cursor, rnd *rand.Rand) {
	t.Helper()
	j := libsystemdDir(t, dir)
	for range seekSamples {
		compareSeek(t, s, l, j, gone[rnd.IntN(len(gone))], rnd)
	}
}
