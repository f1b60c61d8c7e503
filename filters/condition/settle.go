package condition

import (
	"slices"
	"unicode/utf8"

	"journalpump/filters/pattern"
)

// settle decides what a plan leaves open of the entry, and reports whether anything of that holds.
func (r *run) settle(p *plan, out []uint64) (some bool) {
	if only := p.open[0]; len(p.open) == 1 && only.rest.kind == testNode { // as most are
		r.few = true
		if some = r.ownPasses(&r.set.tests[only.rest.index]); some {
			set(out, only.condition)
		}
		return some
	}
	m := r.memo
	r.gathered, r.few = false, p.few
	clear(m.passed)
	clear(m.tried)
	m.candidates = m.candidates[:0]
	for _, o := range p.open {
		if r.holds(o.rest) {
			set(out, o.condition)
			some = true
		}
	}
	return some
}

// holds decides what is left of a condition.
func (r *run) holds(n *node) bool {
	switch n.kind {
	case testNode:
		return r.tryOwn(n.index)
	case programNode:
		return r.answer(n.index)
	case notNode:
		return !r.holds(n.subs[0])
	case anyNode:
		return slices.ContainsFunc(n.subs, r.holds)
	case allNode:
	}
	for _, sub := range n.subs {
		if !r.holds(sub) {
			return false
		}
	}
	return true
}

// tryOwn reports whether one of the entry's own fields passes a test.
func (r *run) tryOwn(n int) bool {
	m := r.memo
	if has(m.passed, n) {
		return true
	}
	if has(m.tried, n) {
		return false
	}
	if r.ownPasses(&r.set.tests[n]) {
		set(m.passed, n)
		return true
	}
	set(m.tried, n)
	return false
}

func (r *run) ownPasses(t *test) bool {
	for i := range r.memo.own {
		if own := &r.memo.own[i]; own.field == t.field.number && r.passes(own, t) {
			return true
		}
	}
	return false
}

func (r *run) passes(own *ownField, t *test) bool {
	value := r.chunk.Own[own.index].Value
	is := func(text string) bool { return string(value) == text } // a comparison does not allocate
	switch {
	case len(t.is) > 0 && slices.ContainsFunc(t.is, is), t.passesWhole(value):
		return true
	case len(t.patterns) == 0:
		return false
	case r.few && own.candidates < 0:
		return matchesAny(t.patterns, value)
	}
	candidates := r.candidates(own, t.field, value)
	for k, p := range t.patterns {
		if has(candidates, t.first+k) && matches(p, value) {
			return true
		}
	}
	return false
}

// candidates returns which patterns on a field the value may match.
func (r *run) candidates(own *ownField, f *field, value []byte) []uint64 {
	m, words := r.memo, f.set.Words()
	if own.candidates < 0 {
		at := len(m.candidates)
		m.candidates = slices.Grow(m.candidates, words)[:at+words]
		own.candidates = int32(at) //nolint:gosec // a few words for each own field
		if utf8.Valid(value) {
			f.set.Candidates(m.candidates[at:], value)
		} else {
			clear(m.candidates[at:])
		}
	}
	return m.candidates[own.candidates:][:words]
}

func matchesAny(patterns []*pattern.Pattern, value []byte) bool {
	for _, p := range patterns {
		if p.MayMatch(value) && utf8.Valid(value) && matches(p, value) {
			return true
		}
	}
	return false
}
