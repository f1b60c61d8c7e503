package pattern

import (
	"fmt"
	"slices"
	"unicode"
)

// program is a pattern for the matcher in vm.go.
type program struct {
	insts []inst
	start int
	caps  int // two a group
}

type instOp uint8

const (
	instSet    instOp = iota // one character of set, then x
	instSplit                // x, or else y
	instSave                 // the position goes to slot y, then x
	instAssert               // x where at holds
	instMatch
	instFail
)

type inst struct {
	op   instOp
	at   place
	x, y int
	set  *charSet
}

// charSet is a runeSet that answers for ASCII by a table.
type charSet struct {
	ascii [2]uint64
	all   runeSet
}

func newCharSet(s runeSet) *charSet {
	c := &charSet{all: s}
	for r := rune(0); r <= unicode.MaxASCII; r++ {
		if s.contains(r) {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	return c
}

func (c *charSet) contains(r rune) bool {
	if r <= unicode.MaxASCII {
		return c.ascii[r>>6]&(1<<(r&63)) != 0
	}
	return c.all.contains(r)
}

// maxProgram bounds the instructions of a program, and so what a match may cost for each character of a text.
const maxProgram = 20000

// compileProgram returns errNotInDialect if the pattern is not regular or too large.
func compileProgram(root *node, groups int) (*program, error) {
	c := &programCompiler{sets: map[*node]*charSet{}}
	match := c.add(inst{op: instMatch})
	save1 := c.add(inst{op: instSave, x: match, y: 1})
	start, err := c.node(root, save1)
	if err != nil {
		return nil, err
	}
	start = c.add(inst{op: instSave, x: start, y: 0})
	return &program{insts: c.insts, start: start, caps: 2 * groups}, nil
}

// programCompiler builds a program from its end: every part is told what comes after it.
type programCompiler struct {
	insts []inst
	sets  map[*node]*charSet // repeated parts share theirs
}

func (c *programCompiler) add(i inst) int {
	c.insts = append(c.insts, i)
	return len(c.insts) - 1
}

// node compiles n so that next follows, and returns where it starts.
func (c *programCompiler) node(n *node, next int) (int, error) {
	if len(c.insts) > maxProgram {
		return 0, errNotInDialect
	}
	switch n.op {
	case opEmpty:
		return next, nil
	case opSet:
		return c.add(inst{op: instSet, x: next, set: c.charSet(n)}), nil
	case opConcat:
		for _, sub := range slices.Backward(n.subs) {
			var err error
			if next, err = c.node(sub, next); err != nil {
				return 0, err
			}
		}
		return next, nil
	case opAlternate:
		return c.alternate(n.subs, next)
	case opRepeat:
		return c.repeat(n, next)
	case opCapture:
		end := c.add(inst{op: instSave, x: next, y: 2*n.group + 1})
		body, err := c.node(n.subs[0], end)
		if err != nil {
			return 0, err
		}
		return c.add(inst{op: instSave, x: body, y: 2 * n.group}), nil
	case opAssert:
		return c.add(inst{op: instAssert, at: n.at, x: next}), nil
	case opAtomic, opLook, opBackref, opConditional: // not regular
	}
	return 0, errNotInDialect
}

func (c *programCompiler) charSet(n *node) *charSet {
	s, ok := c.sets[n]
	if !ok {
		s = newCharSet(n.set)
		c.sets[n] = s
	}
	return s
}

func (c *programCompiler) alternate(subs []*node, next int) (int, error) {
	other, err := c.node(subs[len(subs)-1], next)
	for i := len(subs) - 2; i >= 0 && err == nil; i-- {
		var first int
		if first, err = c.node(subs[i], next); err == nil {
			other = c.add(inst{op: instSplit, x: first, y: other})
		}
	}
	return other, err
}

func (c *programCompiler) repeat(n *node, next int) (int, error) {
	if n.min > maxProgram || n.max > maxProgram {
		return 0, fmt.Errorf("a repeat of more than %d: %w", maxProgram, errNotInDialect)
	}
	var err error
	if n.max == unlimited {
		next, err = c.star(n, next)
	} else {
		end := next
		for i := n.min; i < n.max && err == nil; i++ {
			var body int
			if body, err = c.iteration(n.subs[0], next, end); err == nil {
				next = c.split(n, body, end)
			}
		}
	}
	for i := 0; i < n.min && err == nil; i++ {
		next, err = c.node(n.subs[0], next)
	}
	return next, err
}

// star compiles any number of n's body.
func (c *programCompiler) star(n *node, next int) (int, error) {
	split := c.add(inst{op: instFail}) // filled in below: it and the body refer to each other
	body, err := c.iteration(n.subs[0], split, next)
	if err != nil {
		return 0, err
	}
	c.insts[split] = inst{op: instSplit, x: body, y: next}
	if n.lazy {
		c.insts[split] = inst{op: instSplit, x: next, y: body}
	}
	return split, nil
}

// iteration compiles the body of a repeat, that again follows; but where it matched the empty string, end.
//
// An iteration that matches nothing ends the repeat, and what its groups then hold counts: so it is in Python. A thread
// has to know whether it has matched something since the body began. So a body that may be empty is compiled twice: it
// is entered in the copy that end follows, and its first character leads over to the copy that again follows.
func (c *programCompiler) iteration(body *node, again, end int) (int, error) {
	some := len(c.insts)
	start, err := c.node(body, again)
	if err != nil || !body.nullable() {
		return start, err
	}
	none := len(c.insts)
	start, err = c.node(body, end)
	if err != nil {
		return 0, err
	}
	for i := none; i < len(c.insts); i++ {
		if c.insts[i].op == instSet {
			c.insts[i].x = c.insts[i-none+some].x
		}
	}
	return start, nil
}

func (c *programCompiler) split(n *node, body, end int) int {
	if n.lazy {
		return c.add(inst{op: instSplit, x: end, y: body})
	}
	return c.add(inst{op: instSplit, x: body, y: end})
}
