package pattern

// starts returns what texts begin with in which n matches: each with one of these; nil if that is not known. That is so where a
// pattern begins with ^ or \A.
func starts(n *node) []needle {
	switch n.op {
	case opCapture, opAtomic:
		return starts(n.subs[0])
	case opAlternate:
		var all []needle
		for _, sub := range n.subs {
			some := starts(sub)
			if some == nil || len(all)+len(some) > maxNeedles {
				return nil
			}
			all = append(all, some...)
		}
		return all
	case opConcat:
		if first := n.subs[0]; first.op != opAssert || first.at != textStart {
			return starts(first)
		}
		return leading(n.subs[1:])
	default:
		return nil
	}
}

// leading returns what the matches of a sequence begin with.
func leading(subs []*node) []needle {
	run := []needle{{}}
	for _, sub := range subs {
		s := needles(sub)
		known := s.exact
		if known == nil {
			known = s.prefix
		}
		next := cross(run, known)
		if known == nil || next == nil {
			break
		}
		if run = next; s.exact == nil {
			break
		}
	}
	for _, n := range run {
		if n.text == "" || n.odd {
			return nil
		}
	}
	if len(run) == 0 {
		return nil
	}
	return run
}
