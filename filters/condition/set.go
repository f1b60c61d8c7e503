package condition

import (
	"errors"
	"fmt"
	"slices"

	"journalpump/filters/dictmemo"
	"journalpump/pump"
)

// Named is a condition with its name.
type Named struct {
	Name string
	When Config // without clauses: holds for every entry
}

// Set is conditions that are decided together. It may be used concurrently.
type Set struct {
	names      []string
	conditions []*node
	tests      []test
	fields     map[string]*field // those with tests, or programs of their own, by name
	programs   []*program
	slots      map[string]int // places of the values that programs look at, by field
	// words is how many words the bits of an entry take: one for each test, that a field of the Dict passes it; then one for each
	// field, that the entry has one of its own; then two for each program that looks at one field, that it holds for a field of the
	// Dict and that it does not.
	words    int
	wordsOut int // of the conditions that hold
	limits   limits

	memos dictmemo.Pool[*memo]
}

// ownBit is the bit for an entry's having a field of its own, by the field's number.
func (s *Set) ownBit(field int32) int { return len(s.tests) + int(field) }

// New compiles conditions. Its error joins one for every condition that is wrong.
func New(conditions []Named) (*Set, error) {
	c := compiler{
		set:    &Set{fields: map[string]*field{}, slots: map[string]int{}, limits: defaultLimits()},
		byTest: map[string]int{},
		byText: map[string]int{},
	}
	var errs []error
	for _, named := range conditions {
		n, err := c.condition(named.When)
		if err != nil {
			errs = append(errs, fmt.Errorf("condition %s: %w", named.Name, err))
		}
		c.set.names = append(c.set.names, named.Name)
		c.set.conditions = append(c.set.conditions, n)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.finish()
	return c.set, nil
}

// Names returns the names of the conditions, by number.
func (s *Set) Names() []string { return s.names }

// Decisions says which conditions hold for the entries of a chunk. It is immutable.
type Decisions struct {
	words   int
	entries []int32  // those for which any condition holds, in order: most logs have few
	bits    []uint64 // of each of them, as many words
}

// Entries returns the entries for which any condition holds, in order. It must not be changed.
func (d *Decisions) Entries() []int32 { return d.entries }

// Bits returns the conditions that hold for entry Entries()[k]: bit n%64 of word n/64 is condition n's. It must not be changed.
func (d *Decisions) Bits(k int) []uint64 { return d.bits[k*d.words:][:d.words] }

// Of returns the conditions that hold for entry i of the chunk, as Bits does; nil if none does.
func (d *Decisions) Of(i int) []uint64 {
	k, found := slices.BinarySearch(d.entries, int32(i)) //nolint:gosec // an index of a chunk
	if !found {
		return nil
	}
	return d.Bits(k)
}

// Holds reports whether condition number n holds for entry i of the chunk.
func (d *Decisions) Holds(i, n int) bool {
	bits := d.Of(i)
	return bits != nil && has(bits, n)
}

// Decide decides all conditions for all entries of a chunk. It works once a chunk, whoever asks.
//
// A pattern or an expression that takes too long, and an expression that can't be worked out (as int("x") can't), don't hold.
func (s *Set) Decide(c *pump.Chunk) *Decisions {
	return c.Memo(s, func() any { return s.decide(c) }).(*Decisions) //nolint:forcetypeassert // our own memo
}

func (s *Set) decide(c *pump.Chunk) *Decisions {
	d := &Decisions{words: s.wordsOut}
	if len(s.conditions) == 0 {
		return d
	}
	m, ok := s.memos.Take(c.Dict)
	if !ok {
		m = s.newMemo()
	}
	m.grow(len(c.Dict.Fields))
	m.entries, m.allHeld = m.entries[:0], m.allHeld[:0]
	r := run{set: s, chunk: c, memo: m}
	for i := range c.Entries {
		if m.full {
			m.forget()
		}
		r.decide(i)
	}
	d.entries, d.bits = slices.Clone(m.entries), slices.Clone(m.allHeld)
	m.release()
	s.memos.Put(c.Dict, m)
	return d
}

func set(words []uint64, n int)      { words[n/64] |= 1 << (n % 64) }
func has(words []uint64, n int) bool { return words[n/64]&(1<<(n%64)) != 0 }
