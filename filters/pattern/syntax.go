package pattern

import "fmt"

// SyntaxError says what in a pattern or a replacement template is wrong or can't be had. Its text does not repeat the
// pattern.
type SyntaxError struct {
	Msg    string
	Offset int // in characters from the start, as Python counts
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at position %d", e.Msg, e.Offset) }

// op says what a node matches.
type op uint8

const (
	opEmpty     op = iota // the empty string
	opSet                 // one character out of set
	opConcat              // subs one after the other
	opAlternate           // the first of subs that leads to a match
	opRepeat              // subs[0], min to max times
	opCapture             // subs[0], remembered as group
	opAssert              // nothing, at a place

	// What no regular expression in the strict sense can do.
	opAtomic      // subs[0], never entered again
	opLook        // nothing, where subs[0] follows or (behind) precedes; or does not (negate)
	opBackref     // what group matched
	opConditional // subs[0] if group took part, else subs[1]
)

// place is what an opAssert asserts of its position.
type place uint8

const (
	textStart   place = iota // \A, and ^ without MULTILINE
	textEnd                  // \Z
	textEndNL                // $ without MULTILINE: the end, or before a newline that ends the text
	lineStart                // ^ with MULTILINE
	lineEnd                  // $ with MULTILINE
	wordEdge                 // \b
	noWordEdge               // \B
	asciiEdge                // \b under the flag a
	noASCIIEdge              // \B under the flag a
)

// unlimited is the max of a repeat without one.
const unlimited = -1

// node is a part of a parsed pattern. It does not depend on flags any more.
type node struct {
	op       op
	at       place
	lazy     bool // opRepeat: as few as possible
	behind   bool // opLook
	negate   bool // opLook
	fold     bool // opBackref: letters match in either case
	set      runeSet
	subs     []*node
	min, max int // opRepeat
	group    int // opCapture, opBackref, opConditional
}

// walk calls f for n and all below it, parents first.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, s := range n.subs {
		s.walk(f)
	}
}

// nullable reports whether n may match the empty string; where that can't be known, it says yes.
func (n *node) nullable() bool {
	switch n.op {
	case opSet:
		return false
	case opConcat:
		for _, s := range n.subs {
			if !s.nullable() {
				return false
			}
		}
		return true
	case opAlternate:
		for _, s := range n.subs {
			if s.nullable() {
				return true
			}
		}
		return false
	case opRepeat:
		return n.min == 0 || n.subs[0].nullable()
	case opCapture, opAtomic:
		return n.subs[0].nullable()
	case opConditional:
		return n.subs[0].nullable() || n.subs[1].nullable()
	default:
		return true
	}
}
