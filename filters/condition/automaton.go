package condition

import (
	"encoding/binary"
	"slices"

	"journalpump/pump"
)

// automaton reads the fields of an entry one after the other. What a field says of the entry are bits (see Set.words); fields that
// say the same are a class, and what those read so far say together is a state. Which state follows is found out once a state and
// class, so that a field costs an entry a look-up in a table, if it says anything at all.
type automaton struct {
	limits   limits
	known    []int32    // by index in the Dict: 0 not known yet, -1 says nothing, else the class
	classes  [][]uint64 // their bits; they are numbered from 1
	byClass  map[string]int32
	presence int     // the first classes, one for each field with tests: that the entry has one of its own
	states   []state // the first is that of no field
	byState  map[string]int32
	next     []int32 // by state<<shift | class; 0: not known yet, since no field leads back to the first state
	shift    uint
	full     bool // over a limit: to be forgotten before the next entry

	key     []byte   // scratch
	reached []uint64 // scratch
}

type state struct {
	bits []uint64
	plan *plan // what they decide; nil until an entry ends here
}

// limits bound what is remembered. What lies beyond is forgotten, and found out anew.
type limits struct{ classes, states, cells int }

func defaultLimits() limits { return limits{classes: 1024, states: 4096, cells: 1 << 19} }

func newAutomaton(s *Set) automaton {
	a := automaton{
		limits:   s.limits,
		classes:  make([][]uint64, 1, len(s.fields)+1),
		byClass:  map[string]int32{},
		byState:  map[string]int32{},
		presence: len(s.fields),
		reached:  make([]uint64, s.words),
	}
	a.addState(make([]uint64, s.words))
	for number := range int32(len(s.fields)) { //nolint:gosec // few
		bits := make([]uint64, s.words)
		set(bits, s.ownBit(number))
		a.class(bits)
	}
	return a
}

// grow makes room for the fields of a Dict.
func (a *automaton) grow(fields int) {
	if n := fields - len(a.known); n > 0 {
		a.known = append(a.known, make([]int32, n)...)
	}
}

// ownClass is the class of a field, by its number, that is the entry's own.
func ownClass(number int32) int32 { return number + 1 }

// class returns the number of the class with these bits, of which at least one is set.
func (a *automaton) class(bits []uint64) int32 {
	a.key = appendWords(a.key[:0], bits)
	n, known := a.byClass[string(a.key)]
	if !known {
		n = int32(len(a.classes)) //nolint:gosec // bounded by limits.classes and the fields of an entry
		a.classes = append(a.classes, slices.Clone(bits))
		a.byClass[string(a.key)] = n
		if len(a.classes) > 1<<a.shift {
			a.widen()
		}
		a.full = a.full || len(a.classes) > a.limits.classes+a.presence
	}
	return n
}

// widen makes room for twice as many classes.
func (a *automaton) widen() {
	wide := make([]int32, 2*len(a.next))
	for n := range a.states {
		copy(wide[n<<(a.shift+1):], a.next[n<<a.shift:][:1<<a.shift])
	}
	a.next, a.shift = wide, a.shift+1
	a.full = a.full || len(a.next) > a.limits.cells
}

// read goes on from field n and a state as far as all is known: to the first field that is the entry's own, or of which it is not
// known what it says or where that leads. It is a function of its own for the sake of its loop, which needs all registers.
//
//go:noinline
func (a *automaton) read(refs []pump.Ref, n int, at int32) (to int, state int32) {
	known, next, shift := a.known, a.next, a.shift
	for i, ref := range refs[n:] {
		d, shared := ref.Dict()
		if !shared {
			return n + i, at
		}
		class := known[d]
		if class < 0 { // most fields
			continue
		}
		after := next[int(at)<<shift|int(class)]
		if after == 0 {
			return n + i, at
		}
		at = after
	}
	return len(refs), at
}

// step returns the state after a field of a class.
func (a *automaton) step(at, class int32) int32 {
	if after := a.next[int(at)<<a.shift|int(class)]; after != 0 {
		return after
	}
	for i, w := range a.states[at].bits {
		a.reached[i] = w | a.classes[class][i]
	}
	a.key = appendWords(a.key[:0], a.reached)
	after, known := a.byState[string(a.key)]
	if !known {
		after = a.addState(slices.Clone(a.reached))
		a.byState[string(a.key)] = after
	}
	a.next[int(at)<<a.shift|int(class)] = after
	return after
}

func (a *automaton) addState(bits []uint64) int32 {
	n := int32(len(a.states)) //nolint:gosec // bounded by limits.states and the fields of an entry
	a.states = append(a.states, state{bits: bits})
	a.next = append(a.next, make([]int32, 1<<a.shift)...)
	a.full = a.full || len(a.states) > a.limits.states || len(a.next) > a.limits.cells
	return n
}

// forget makes the automaton as it was at first.
func (a *automaton) forget() {
	clear(a.known)
	clear(a.byClass)
	clear(a.byState)
	for n, bits := range a.classes[1 : a.presence+1] {
		a.byClass[string(appendWords(nil, bits))] = ownClass(int32(n))
	}
	a.classes = a.classes[: a.presence+1 : a.presence+1]
	none := a.states[0].bits
	a.states, a.next = nil, nil
	a.addState(none)
	a.full = false
}

func appendWords(dst []byte, words []uint64) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}
