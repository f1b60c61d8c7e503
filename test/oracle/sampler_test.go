package oracle

import (
	"maps"
	"math/rand/v2"
	"slices"

	"journalpump/pump"
	"journalpump/test/corpus"
)

// sampler keeps some of what is read of a set.
type sampler struct {
	rnd    *rand.Rand
	every  int                   // about one place in so many is kept
	places map[int]pump.Position // behind entries, by their index
	fields []pump.Field
	names  map[string]bool // of all fields
	seen   int

	damaged bool // there are entries that cannot be read
}

const (
	sampledPlaces = 5
	sampledFields = 64
)

func newSampler(s *corpus.Set, rnd *rand.Rand) *sampler {
	return &sampler{rnd: rnd, every: s.Entries/sampledPlaces + 1, places: map[int]pump.Position{}, names: map[string]bool{}}
}

// see looks at the current entry of a stream, which is number i.
func (s *sampler) see(from *stream, i int) {
	if s.rnd.IntN(s.every) == 0 && len(s.places) < 2*sampledPlaces {
		s.places[i] = from.place()
	}
	refs := from.chunk.Fields(from.i)
	for _, r := range refs {
		if f := from.chunk.Field(r); !s.names[f.Name] {
			s.names[f.Name] = true
		}
	}
	if len(refs) == 0 {
		return
	}
	f := from.chunk.Field(refs[s.rnd.IntN(len(refs))])
	if s.seen++; len(s.fields) < sampledFields {
		s.fields = append(s.fields, *f)
	} else if at := s.rnd.IntN(s.seen); at < sampledFields {
		s.fields[at] = *f
	}
}

func (s *sampler) sortedNames() []string { return slices.Sorted(maps.Keys(s.names)) }
