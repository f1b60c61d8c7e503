package condition

import (
	"slices"

	"github.com/expr-lang/expr/vm"

	"journalpump/pump"
)

// memo is what is remembered from chunk to chunk, and memory for the work on one. It is used by one run at a time.
type memo struct {
	dict uint64
	rows []int32  // by index in the Dict: 0 not known yet, -1 passes no test, else the row in bits, from 1
	bits []uint64 // rows of Set.words
	// plans says what the bits of an entry decide.
	plans map[planKey]*plan

	// For programs:
	slots   []int16     // by index in the Dict: 0 not known yet, -1 none, else the slot, from 1
	texts   map[int]any // by index in the Dict: the value as a string
	answers map[asked]bool
	machine vm.VM
	env     map[string]any

	// Of the entry at hand:
	found      []uint64 // the bits
	tried      []uint64 // tests that were tried on the entry's own fields
	own        []ownField
	values     []slotValue // by slot
	candidates []uint64    // scratch for a pattern.Set
}

type ownField struct {
	field *field
	value []byte
	ready bool
	// candidates are the patterns that may match, once ready.
	candidates []uint64
}

// slotValue is what a program sees of a field in the entry at hand.
type slotValue struct {
	ref   pump.Ref
	known bool
}

// planKey is the bits of an entry; sets with more are planned anew for every entry.
const planWords = 4

type planKey [planWords]uint64

// plan is what the bits of an entry decide.
type plan struct {
	holds []uint64 // the conditions that hold
	open  []int    // those that depend on more
}

// asked is a program and the fields it looks at.
type asked struct {
	program int
	refs    [memoFields]pump.Ref
}

// noRef stands for a field that an entry lacks.
const noRef = ^pump.Ref(0)

// Bounds of what is remembered. What lies beyond is forgotten, and found out anew.
const (
	maxMemos   = 4 // one for every lane that reads another part of the log
	maxPlans   = 4096
	maxAnswers = 1 << 16
)

func (s *Set) newMemo(dict uint64) *memo {
	return &memo{
		dict:    dict,
		plans:   map[planKey]*plan{},
		texts:   map[int]any{},
		answers: map[asked]bool{},
		env:     make(map[string]any, len(s.slots)),
		machine: vm.VM{MemoryBudget: memory},
		found:   make([]uint64, s.words),
		tried:   make([]uint64, s.words),
		values:  make([]slotValue, len(s.slots)),
	}
}

func (m *memo) grow(fields int) {
	if n := fields - len(m.rows); n > 0 {
		m.rows = append(m.rows, make([]int32, n)...)
	}
}

// release lets go of the chunk.
func (m *memo) release() {
	own := m.own[:cap(m.own)]
	for i := range own {
		own[i].value = nil
	}
	clear(m.env)
	clear(m.machine.Stack[:cap(m.machine.Stack)])
}

// borrow returns the memo for a Dict; if another run has it at the moment, or there is none, a new one.
func (s *Set) borrow(dict uint64) *memo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range slices.Backward(s.memos) {
		if m.dict == dict {
			s.memos = append(s.memos[:i], s.memos[i+1:]...)
			return m
		}
	}
	return s.newMemo(dict)
}

// giveBack keeps a memo for the next run, and drops the one that was not used for longest.
func (s *Set) giveBack(m *memo) {
	if m.dict == 0 { // not made by pump.NewDict: nothing is known of the next one with that ID
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.memos {
		if other.dict == m.dict { // two runs had one each; the one that knows more is worth keeping
			if len(other.rows) < len(m.rows) {
				s.memos[i] = m
			}
			return
		}
	}
	s.memos = append(s.memos, m)
	if len(s.memos) > maxMemos {
		s.memos = append(s.memos[:0], s.memos[1:]...)
	}
}
