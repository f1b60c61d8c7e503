package condition

import (
	"errors"
	"fmt"
	"sync"

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
	fields     map[string]*field // those with tests, by name
	programs   []*program
	slots      map[string]int // places of the values that programs look at, by field
	words      int            // of the bits of an entry: a bit for each test, then one for each field with tests
	wordsOut   int            // of the conditions that hold

	mu    sync.Mutex
	memos []*memo // not in use, the one used last at the end
}

// New compiles conditions. Its error joins one for every condition that is wrong.
func New(conditions []Named) (*Set, error) {
	c := compiler{set: &Set{fields: map[string]*field{}, slots: map[string]int{}}, byTest: map[string]int{}, byText: map[string]int{}}
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
	words int
	bits  []uint64
}

// Holds reports whether condition number n holds for entry i of the chunk.
func (d *Decisions) Holds(i, n int) bool { return has(d.bits[i*d.words:][:d.words], n) }

// Bits returns the conditions that hold for entry i: bit n%64 of word n/64 is condition n's. It must not be changed.
func (d *Decisions) Bits(i int) []uint64 { return d.bits[i*d.words:][:d.words] }

// Decide decides all conditions for all entries of a chunk. It works once a chunk, whoever asks.
//
// A pattern or an expression that takes too long, and an expression that can't be worked out (as int("x") can't), don't hold.
func (s *Set) Decide(c *pump.Chunk) *Decisions {
	return c.Memo(s, func() any { return s.decide(c) }).(*Decisions) //nolint:forcetypeassert // our own memo
}

func (s *Set) decide(c *pump.Chunk) *Decisions {
	d := &Decisions{words: s.wordsOut, bits: make([]uint64, s.wordsOut*len(c.Entries))}
	r := run{set: s, chunk: c, memo: s.borrow(c.Dict.ID)}
	r.memo.grow(len(c.Dict.Fields))
	for i := range c.Entries {
		r.entry(i, d.Bits(i))
	}
	r.memo.release()
	s.giveBack(r.memo)
	return d
}

func set(words []uint64, n int)      { words[n/64] |= 1 << (n % 64) }
func has(words []uint64, n int) bool { return words[n/64]&(1<<(n%64)) != 0 }
