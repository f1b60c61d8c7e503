package condition

import (
	"unicode/utf8"

	"journalpump/filters/pattern"
	"journalpump/pump"
)

// run is the deciding of one chunk.
type run struct {
	set   *Set
	chunk *pump.Chunk
	memo  *memo

	guess [8]ownName // what the own fields of the entry before were, by their place among its own fields

	// Of the entry at hand:
	refs     []pump.Ref
	gathered bool // the values that programs see
	few      bool // conditions are open
}

type ownName struct {
	name  string
	field *field // nil without tests, as that of no name
}

// decide notes entry i if any condition holds for it.
func (r *run) decide(i int) {
	m := r.memo
	refs := r.chunk.Fields(i)
	p := r.read(refs)
	held, some := p.holds, p.any
	if len(p.open) > 0 {
		r.refs = refs
		held = m.held
		copy(held, p.holds)
		some = r.settle(p, held) || some
	}
	if some {
		m.entries = append(m.entries, int32(i)) //nolint:gosec // an index of a chunk
		m.allHeld = append(m.allHeld, held...)
	}
}

// read returns what the fields of an entry decide.
func (r *run) read(refs []pump.Ref) *plan {
	m := r.memo
	m.own = m.own[:0]
	nth := uint(0)
	n, at := m.automaton.read(refs, 0, 0)
	for n < len(refs) {
		if d, shared := refs[n].Dict(); !shared {
			at = r.addOwn(at, d, nth)
			nth++
		} else if class := r.classOf(d); class > 0 {
			at = m.step(at, class)
		}
		n, at = m.automaton.read(refs, n+1, at)
	}
	s := &m.states[at]
	if s.plan == nil {
		s.plan = r.set.newPlan(s.bits)
	}
	return s.plan
}

// addOwn notes a field that only this entry has, and returns the state after it. The names of such fields tend to come in the same
// order in every entry.
func (r *run) addOwn(at int32, own int, nth uint) int32 {
	name := r.chunk.Own[own].Name
	g := &r.guess[nth%uint(len(r.guess))]
	if g.name != name {
		*g = ownName{name: name, field: r.set.fields[name]}
	}
	if g.field == nil {
		return at
	}
	m, number := r.memo, g.field.number
	m.own = append(m.own, ownField{field: number, index: int32(own), candidates: -1}) //nolint:gosec // a chunk has far fewer fields
	return m.step(at, ownClass(number))
}

// classOf returns the class of a field of the Dict, -1 if it says nothing.
func (r *run) classOf(d int) int32 {
	if class := r.memo.known[d]; class != 0 {
		return class
	}
	class := int32(-1)
	if f := r.set.fields[r.chunk.Dict.Fields[d].Name]; f != nil {
		class = r.judge(d, f)
	}
	r.memo.known[d] = class
	return class
}

// judge runs all that looks at that field alone.
func (r *run) judge(d int, f *field) int32 {
	shared := &r.chunk.Dict.Fields[d]
	m := r.memo
	bits := m.bits
	clear(bits)
	for _, n := range f.exact[string(shared.Value)] {
		set(bits, n)
	}
	for _, n := range f.others {
		if r.set.tests[n].passesWhole(shared.Value) {
			set(bits, n)
		}
	}
	if f.set != nil && utf8.Valid(shared.Value) {
		m.candidates = sized(m.candidates, f.set.Words())
		f.set.Candidates(m.candidates, shared.Value)
		for k, p := range f.patterns {
			if has(m.candidates, k) && matches(p, shared.Value) {
				set(bits, f.owners[k])
			}
		}
	}
	for _, n := range f.programs {
		p := r.set.programs[n]
		m.env[p.fields[0]] = r.sharedText(d)
		if m.ask(p) {
			set(bits, p.bit)
		} else {
			set(bits, p.bit+1)
		}
	}
	for _, w := range bits {
		if w != 0 {
			return m.class(bits)
		}
	}
	return -1
}

// passesWhole reports whether a value passes for being there, or by a glob.
func (t *test) passesWhole(value []byte) bool {
	if t.present {
		return true
	}
	for _, g := range t.globs {
		if g.Match(value) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern matches text, of which its filter said that it may. One that takes too long doesn't.
func matches(p *pattern.Pattern, text []byte) bool {
	ok, err := p.MatchFiltered(text)
	return ok && err == nil
}

func sized(words []uint64, n int) []uint64 {
	if cap(words) < n {
		return make([]uint64, n)
	}
	return words[:n]
}
