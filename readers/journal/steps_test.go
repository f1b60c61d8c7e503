package journal

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
	"journalpump/test/torture"
)

// TestFollowSteps has readers look at a journal that is written one step at a time, between any two of their own steps that begin with
// opening a file or listing the directory: what was learned of a file by then may have been overtaken.
func TestFollowSteps(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	for _, kind := range []struct {
		name           string
		users          int
		shared, vacuum bool
	}{
		{"one user", 1, false, false},
		{"vacuumed", 1, false, true},
		{"two users", 2, false, false},
		{"two users of one sequence", 2, true, false},
		{"two users, vacuumed", 2, false, true},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for i := range uint64(rounds) {
				if !t.Run(fmt.Sprint(seed+i), func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(seed+i, 7))
					newSteps(t, newScribe(t, rnd, kind.users, kind.shared, kind.vacuum)).run(t)
				}) {
					return
				}
			}
		})
	}
}

// stepping is a scribe and its readers.
type stepping struct {
	log     *Log
	choose  *rand.Rand // whose turn it is
	readers []*stepReader
	steps   atomic.Bool // the scribe is at it: what opens a file is the scribe, or need not wait

	mu sync.Mutex // who watches the directory opens it, too
	*scribe
	failed error // why it cannot go on
}

// stepReader is an iterator and what it has returned.
type stepReader struct {
	it   pump.Iterator
	from int // the entry that it was opened after
	last int
	at   pump.Position
	got  map[int]bool
	gaps []pump.Gap
}

func newSteps(t *testing.T, s *scribe) *stepping {
	t.Helper()
	x := &stepping{scribe: s, choose: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), log: openLog(t, Options{Selection: journaldir.Selection{Path: s.dir}, Unreadable: func(p Problem) { t.Error(p) }, MaxChunkEntries: 1 + s.rnd.IntN(3)})}
	if !torture.HoldOpens(t, s.dir, func(int) {
		if !x.steps.Load() {
			x.write()
		}
	}) {
		t.Skip("opening files cannot be held up here")
	}
	return x
}

// write lets the scribe go on by a few steps, or by many, or not at all.
func (x *stepping) write() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.steps.Store(true)
	defer x.steps.Store(false)
	n := 0
	switch x.rnd.IntN(8) {
	case 0, 1, 2:
		n = 1
	case 3:
		n = 2 + x.rnd.IntN(4)
	case 4:
		n = 6 + x.rnd.IntN(30)
	}
	for range n {
		if err := x.step(); err != nil && x.failed == nil {
			x.failed = err
		}
	}
}

func (x *stepping) run(t *testing.T) {
	t.Helper()
	for !x.over() && !t.Failed() {
		x.write()
		switch {
		case len(x.readers) < 4 && x.choose.IntN(10) == 0:
			x.open(t)
		case len(x.readers) > 0:
			r := x.readers[x.choose.IntN(len(x.readers))]
			x.next(t, r)
		}
	}
	if err := x.end(); err != nil {
		t.Fatal(err)
	}
	for _, r := range x.readers {
		for misses := 0; misses < 4 && !t.Failed(); {
			if x.next(t, r) {
				misses = 0
			} else {
				misses++
			}
		}
	}
	for _, r := range x.readers {
		x.judge(t, r)
		if err := r.it.Close(); err != nil {
			t.Error(err)
		}
	}
}

// end lets the scribe finish.
func (x *stepping) end() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failed != nil {
		return x.failed
	}
	x.steps.Store(true)
	defer x.steps.Store(false)
	return x.finish()
}

func (x *stepping) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended() || x.failed != nil
}

// open opens an iterator from the beginning, or where another one is.
func (x *stepping) open(t *testing.T) {
	t.Helper()
	r := &stepReader{got: map[int]bool{}}
	if n := len(x.readers); n > 0 && x.choose.IntN(3) > 0 {
		other := x.readers[x.choose.IntN(n)]
		r.at, r.from, r.last, r.got = other.at, other.last, other.last, maps.Clone(other.got)
	}
	it, err := x.log.Open(t.Context(), r.at)
	if errors.Is(err, pump.ErrNotYet) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	r.it = it
	x.readers = append(x.readers, r)
}

// next takes a chunk; false if there is none.
func (x *stepping) next(t *testing.T, r *stepReader) bool {
	t.Helper()
	c, err := r.it.Next(t.Context())
	if errors.Is(err, pump.ErrNoMore) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	r.gaps = append(r.gaps, c.Gaps...)
	for i := range c.Entries {
		n, err := numberOf(c, i)
		if err != nil {
			t.Fatalf("an entry without a number: %v", err)
		}
		if at, is := c.Entries[i].Position, x.written[n-1]; at.SeqnumID != is.id || at.Seqnum != is.seqnum {
			t.Errorf("entry %d was said to be at %v %d, it is at %x %d", n, at.SeqnumID, at.Seqnum, is.id, is.seqnum)
		}
		if n <= r.last {
			t.Errorf("entry %d came after entry %d", n, r.last)
		}
		r.last, r.got[n] = n, true
	}
	r.at = c.To
	return true
}

// leastKnown returns the lowest number of each sequence that the reader can know of.
func (r *stepReader) leastKnown(lines []line) map[journalwriter.ID]uint64 {
	least := map[journalwriter.ID]uint64{}
	for n := len(lines); n > 0; n-- {
		e := lines[n-1]
		told := slices.ContainsFunc(r.gaps, func(g pump.Gap) bool { return g.SeqnumID == e.id && g.First <= e.seqnum })
		if r.got[n] || told || least[e.id] == 0 {
			least[e.id] = e.seqnum
		}
	}
	return least
}

// judge holds what was read, and what was said to be missing, against what was written.
func (x *stepping) judge(t *testing.T, r *stepReader) {
	t.Helper()
	missing := map[pump.Gap]uint64{}
	var lost, untold []int
	least := r.leastKnown(x.written)
	for n := 1; n <= len(x.written); n++ {
		e := x.written[n-1]
		if r.got[n] {
			continue
		}
		told := e.seqnum < least[e.id] // nobody can know of what came and went before anything was seen of the sequence
		for _, g := range r.gaps {
			if g.SeqnumID == e.id && g.First <= e.seqnum && (g.Last == 0 || e.seqnum <= g.Last) {
				told = true
				missing[g]++
			}
		}
		switch {
		case !e.gone && n > r.from:
			lost = append(lost, n)
		case !told && n > r.from:
			untold = append(untold, n)
		}
	}
	wrong := slices.DeleteFunc(slices.Clone(r.gaps), func(g pump.Gap) bool { return g.Count <= missing[g] })
	if len(lost)+len(untold)+len(wrong) > 0 {
		t.Errorf("opened after %d, it did not get %v, which are there, nor %v, which are in no gap; there is not as much missing as it said: %+v; all it said: %+v",
			r.from, lost, untold, wrong, r.gaps)
	}
}
