package condition

// plan is what the bits of an entry decide.
type plan struct {
	holds []uint64 // the conditions that hold
	any   bool     // condition does
	open  []open   // those that depend on more
	few   bool     // are open: see maxFew
}

// open is a condition that bits leave open, and what is left of it to find out.
type open struct {
	condition int
	rest      *node
}

// maxFew is for how many open conditions it is faster to run their patterns than to look for what all patterns on a field need.
const maxFew = 3

func (s *Set) newPlan(bits []uint64) *plan {
	p := &plan{holds: make([]uint64, s.wordsOut)}
	for n, c := range s.conditions {
		switch v, rest := s.foresee(c, bits); v {
		case yes:
			set(p.holds, n)
			p.any = true
		case maybe:
			p.open = append(p.open, open{condition: n, rest: rest})
		case no:
		}
	}
	p.few = len(p.open) <= maxFew
	return p
}

type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

func verdictOf(holds bool) verdict {
	if holds {
		return yes
	}
	return no
}

// foresee says what the bits of an entry alone say of a condition, and if that is maybe, what it depends on.
func (s *Set) foresee(n *node, bits []uint64) (v verdict, rest *node) {
	switch n.kind {
	case testNode:
		switch {
		case has(bits, n.index):
			return yes, nil
		case has(bits, s.ownBit(s.tests[n.index].field.number)):
			return maybe, n
		}
		return no, nil
	case programNode:
		if v = s.programs[n.index].foresee(s, bits); v == maybe {
			return maybe, n
		}
		return v, nil
	case notNode:
		if v, rest = s.foresee(n.subs[0], bits); v == maybe {
			return maybe, &node{kind: notNode, subs: []*node{rest}}
		}
		return yes - v, nil
	case allNode:
		return s.foreseeSubs(n, no, bits)
	case anyNode:
	}
	return s.foreseeSubs(n, yes, bits)
}

// foreseeSubs does so for a condition that one of its parts can decide alone, by being what decides it.
func (s *Set) foreseeSubs(n *node, decides verdict, bits []uint64) (verdict, *node) {
	left := &node{kind: n.kind}
	for _, sub := range n.subs {
		switch v, rest := s.foresee(sub, bits); v {
		case decides:
			return decides, nil
		case maybe:
			left.subs = append(left.subs, rest)
		default: // does not matter
		}
	}
	switch len(left.subs) {
	case 0:
		return yes - decides, nil
	case 1:
		return maybe, left.subs[0]
	}
	return maybe, left
}

// foresee says what is known of a program that looks at one field only.
func (p *program) foresee(s *Set, bits []uint64) verdict {
	if p.alone == nil || has(bits, s.ownBit(p.alone.number)) {
		return maybe
	}
	holds, doesNot := has(bits, p.bit), has(bits, p.bit+1)
	switch {
	case holds && doesNot: // the entry has several such fields
		return maybe
	case holds || doesNot:
		return verdictOf(holds)
	}
	return verdictOf(p.without)
}
