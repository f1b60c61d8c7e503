package oracle

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"journalpump/pump"
	"journalpump/test/corpus"
)

// When more than readWhole entries are left after a place only the first afterResume are compared.
const (
	readWhole   = 20_000
	afterResume = 2_000
)

// compareResumes takes up reading at the sampled places and checks that exactly the rest comes, and that a cursor of
// journalctl's, which has less to tell, gives the same where no clock was set back.
func compareResumes(t *testing.T, s *corpus.Set, l pump.Log, all []pump.Cursor, places map[int]pump.Position) {
	t.Helper()
	for at, place := range places {
		rest := all[at+1:]
		readOn(t, s, l, place, rest)
		if s.Sane {
			readOn(t, s, l, pump.Position{Cursor: all[at]}, rest)
		}
	}
}

// readOn reads after a place and compares with what is left.
func readOn(t *testing.T, s *corpus.Set, l pump.Log, place pump.Position, rest []pump.Cursor) {
	t.Helper()
	n := len(rest) + 1
	if n > readWhole {
		n, rest = afterResume, rest[:afterResume]
	}
	stream := open(t, l, place)
	got := stream.take(n)
	if len(stream.gaps) > 0 {
		t.Fatalf("after %v: gaps %+v", place, stream.gaps)
	}
	if !s.Sane {
		sameEntries(t, got, rest, place)
	} else if diff := diffCursors(got, rest, s.Twice); diff != "" {
		t.Fatalf("after %v: %s", place, diff)
	}
}

// sameEntries fails unless these are the same entries, in whatever order.
func sameEntries(t *testing.T, got, want []pump.Cursor, after pump.Position) {
	t.Helper()
	missing := map[identity]pump.Cursor{}
	for _, p := range want {
		missing[identityOf(&p)] = p
	}
	for _, p := range got {
		if _, ok := missing[identityOf(&p)]; !ok {
			t.Fatalf("after %v: %v comes again, or twice", after, p)
		}
		delete(missing, identityOf(&p))
	}
	for _, p := range missing {
		t.Fatalf("after %v: %d entries are missing, such as %v", after, len(missing), p)
	}
}

// TestGrowing breaks off reading, lets the machines go on, and reads on: whatever the clocks did meanwhile, all that was not
// read before is there, and nothing else.
func TestGrowing(t *testing.T) {
	t.Parallel()
	all := sets(t)
	rounds := setting(t, "ORACLE_ROUNDS", 2)
	for i := range all {
		s := &all[i]
		if !s.Growing || s.Entries > 2000 {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(s.Seed, 3))
			for range rounds {
				growing(t, s, 1+rnd.IntN(s.Entries-1), rnd)
			}
		})
	}
}

func growing(t *testing.T, s *corpus.Set, first int, rnd *rand.Rand) {
	t.Helper()
	before, after := t.TempDir(), t.TempDir()
	if err := s.Build(t.Context(), before, first); err != nil {
		t.Fatal(err)
	}
	if err := s.Build(t.Context(), after, 0); err != nil {
		t.Fatal(err)
	}
	// What was read up to some entry, often the last one.
	early := open(t, native(t, inDir(before)), pump.Position{})
	var read []string
	var places []pump.Position
	for early.next() {
		read = append(read, early.number())
		places = append(places, early.place())
	}
	if len(places) == 0 {
		return
	}
	at := len(places) - 1
	if rnd.IntN(2) == 0 {
		at = rnd.IntN(len(places))
	}
	known := map[string]bool{}
	for _, n := range read[:at+1] {
		known[n] = true
	}
	l := native(t, inDir(after))
	missing := map[string]bool{}
	for whole := open(t, l, pump.Position{}); whole.next(); {
		if n := whole.number(); !known[n] {
			missing[n] = true
		}
	}
	again := 0
	for rest := open(t, l, places[at]); rest.next(); {
		n := rest.number()
		if !missing[n] {
			again++
		}
		delete(missing, n)
	}
	for n := range missing {
		t.Fatalf("read up to entry %d of %d, %v; then the machines went on from %d to %d: %d entries are missing, such as %s; %d come again",
			at, len(places), places[at], first, s.Entries, len(missing), n, again)
	}
	if again > 0 {
		t.Fatalf("read up to entry %d of %d, %v; then the machines went on from %d to %d: %d come again",
			at, len(places), places[at], first, s.Entries, again)
	}
}

func diffCursors(got, want []pump.Cursor, twice bool) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] && !(twice && identityOf(&got[i]) == identityOf(&want[i])) {
			return fmt.Sprintf("then %d is %v, want %v", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d entries, want %d", len(got), len(want))
	}
	return ""
}
