// Package corpus makes journals to hold readers against each other on: what journald and systemd-journal-remote leave
// behind in the lives of machines, and what only other versions of them do. A set is the same for the same seed.
package corpus

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// A Set is some journal files that are read together.
type Set struct {
	Name string
	Seed uint64
	// Entries is about how many there are; with copies there may be more.
	Entries int
	// Sane says that no clock was set back, so that the order between files is the same from wherever one looks.
	Sane bool
	// Growing says that Build can be told how far to go, and that entries are then in the order in which they were
	// written: their field NUMBER tells, from 0.
	Growing bool
	// Twice says that some entries are there under numbers of two sequences: a reader may take either.
	Twice bool

	build func(ctx context.Context, dir string, seed uint64, limit int) error
}

// Build makes the set's files in dir, which is empty. Of a set that is Growing, with a limit above 0, only what there was
// when so many entries had been written.
func (s *Set) Build(ctx context.Context, dir string, limit int) error {
	if err := s.build(ctx, dir, s.Seed, limit); err != nil {
		return fmt.Errorf("making the journal %s, seed %d: %w", s.Name, s.Seed, err)
	}
	return nil
}

func (s *Set) String() string {
	return fmt.Sprintf("%s (seed %d, %d entries)", s.Name, s.Seed, s.Entries)
}

// Options say how large a corpus is.
type Options struct {
	Seed    uint64
	Entries int // in total, about
	Files   int // most files of a set, 0: 1,000
	// SetEntries is about how many entries a set has at most. 0: 200,000.
	SetEntries int
}

// small is how many entries the sets have in which every position is tried.
const small = 600

// largestSlow bounds the sets in which clocks were set back: what journalctl prints of them may be incomplete, and to check
// the order without it takes long. It bounds those of many files, too, for which journalctl takes long.
const largestSlow = 20_000

// Sets returns the sets of a corpus: of every kind at least one small, and then more of each, larger ones among them, until
// there are enough entries. They are made when they are built.
func Sets(o Options) []Set {
	if o.Files == 0 {
		o.Files = 1000
	}
	if o.SetEntries == 0 {
		o.SetEntries = 200_000
	}
	rnd := rand.New(rand.NewPCG(o.Seed, 0))
	var sets []Set
	total := 0
	add := func(k *kind, entries int) {
		if !k.sane || k.crowded {
			entries = min(entries, largestSlow)
		}
		s := k.set(rnd.Uint64N(1<<40), entries, o.Files)
		sets = append(sets, s)
		total += s.Entries
	}
	kinds := kinds()
	for i := range kinds {
		add(&kinds[i], small)
	}
	for round := 0; total < o.Entries; round++ {
		k := &kinds[rnd.IntN(len(kinds))]
		size := small
		if round%2 == 0 { // half of the sets have nearly all entries
			size = min(small+rnd.IntN(2*o.SetEntries), o.Entries-total)
		}
		add(k, max(size, small))
	}
	return sets
}

// One returns a single set by what its String says; ok is false if there is no such kind.
func One(name string, seed uint64, entries, files int) (s Set, ok bool) {
	for _, k := range kinds() {
		if k.name == name {
			return k.set(seed, entries, files), true
		}
	}
	return Set{}, false
}
