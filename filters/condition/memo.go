package condition

import (
	"github.com/expr-lang/expr/vm"

	"journalpump/pump"
)

// memo is what is remembered from chunk to chunk, and memory for the work on one. It is used by one run at a time.
type memo struct {
	automaton

	// For programs:
	slots   []int16     // by index in the Dict: 0 not known yet, -1 none, else the slot, from 1
	texts   map[int]any // by index in the Dict: the value as a string
	answers map[asked]bool
	machine vm.VM
	env     map[string]any

	bits []uint64 // scratch, of a field

	// Of the chunk at hand, as in Decisions:
	entries []int32
	allHeld []uint64

	// Of the entry at hand:
	held          []uint64 // the conditions that hold, if some were open
	own           []ownField
	passed, tried []uint64    // tests that were tried on its own fields
	values        []slotValue // by slot
	candidates    []uint64    // see ownField
}

// ownField is a field with tests that only one entry has.
type ownField struct {
	field      int32 // its number
	index      int32 // in Chunk.Own
	candidates int32 // where in memo.candidates the patterns are that may match; -1: not known yet
}

// slotValue is what a program sees of a field in the entry at hand.
type slotValue struct {
	ref   pump.Ref
	known bool
}

// asked is a program and the fields it looks at.
type asked struct {
	program int
	refs    [memoFields]pump.Ref
}

// noRef stands for a field that an entry lacks.
const noRef = ^pump.Ref(0)

// maxAnswers bounds the answers that are remembered. When there are more, all are forgotten, and found out anew.
const maxAnswers = 1 << 16

func (s *Set) newMemo() *memo {
	return &memo{
		automaton: newAutomaton(s),
		texts:     map[int]any{},
		answers:   map[asked]bool{},
		env:       make(map[string]any, len(s.slots)),
		machine:   newMachine(),
		bits:      make([]uint64, s.words),
		held:      make([]uint64, s.wordsOut),
		passed:    make([]uint64, s.words),
		tried:     make([]uint64, s.words),
		values:    make([]slotValue, len(s.slots)),
	}
}

// release lets go of the chunk.
func (m *memo) release() {
	clear(m.env)
	clear(m.machine.Stack[:cap(m.machine.Stack)])
}
