package condition

import (
	"slices"
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
	last  *plan      // of the entry before …
	key   planKey    // … and its bits

	// Of the entry at hand:
	refs     []pump.Ref
	gathered bool // the values that programs see
}

type ownName struct {
	name  string
	field *field
	known bool
}

// entry sets the bits of the conditions that hold for entry i.
func (r *run) entry(i int, out []uint64) {
	m := r.memo
	r.refs, r.gathered = r.chunk.Fields(i), false
	clear(m.found)
	m.own = m.own[:0]
	nth := 0
	for _, ref := range r.refs {
		d, shared := ref.Dict()
		if !shared {
			r.addOwn(&r.chunk.Own[d], nth)
			nth++
			continue
		}
		row := m.rows[d]
		if row == 0 {
			row = r.judgeShared(d)
			m.rows[d] = row
		}
		if row > 0 {
			for k, w := range m.bits[(int(row)-1)*r.set.words:][:r.set.words] {
				m.found[k] |= w
			}
		}
	}
	p := r.plan()
	copy(out, p.holds)
	if len(p.open) == 0 {
		return
	}
	clear(m.tried)
	for _, n := range p.open {
		if r.holds(r.set.conditions[n]) {
			set(out, n)
		}
	}
}

// addOwn notes a field that only this entry has. The names of such fields tend to come in the same order in every entry.
func (r *run) addOwn(f *pump.Field, nth int) {
	g := &r.guess[nth%len(r.guess)]
	if !g.known || g.name != f.Name {
		*g = ownName{name: f.Name, field: r.set.fields[f.Name], known: true}
	}
	if g.field == nil {
		return
	}
	m := r.memo
	if len(m.own) < cap(m.own) {
		m.own = m.own[:len(m.own)+1]
	} else {
		m.own = append(m.own, ownField{})
	}
	own := &m.own[len(m.own)-1]
	own.field, own.value, own.ready = g.field, f.Value, false
	set(m.found, len(r.set.tests)+g.field.number)
}

// judgeShared runs all tests on a field of the Dict and returns its row in the memo.
func (r *run) judgeShared(d int) int32 {
	shared := &r.chunk.Dict.Fields[d]
	f := r.set.fields[shared.Name]
	if f == nil {
		return -1
	}
	m, words := r.memo, r.set.words
	at := len(m.bits)
	m.bits = append(m.bits, make([]uint64, words)...)
	row := m.bits[at:]
	for _, n := range f.exact[string(shared.Value)] {
		set(row, n)
	}
	for _, n := range f.others {
		if r.set.tests[n].passesWhole(shared.Value) {
			set(row, n)
		}
	}
	if f.set != nil && utf8.Valid(shared.Value) {
		m.candidates = sized(m.candidates, f.set.Words())
		f.set.Candidates(m.candidates, shared.Value)
		for k, p := range f.patterns {
			if has(m.candidates, k) && matches(p, shared.Value) {
				set(row, f.owners[k])
			}
		}
	}
	for _, w := range row {
		if w != 0 {
			return int32(at/words + 1) //nolint:gosec // a Dict has far fewer than 2^31 fields
		}
	}
	m.bits = m.bits[:at]
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

// plan returns what the bits of the entry decide.
func (r *run) plan() *plan {
	m := r.memo
	if r.set.words > planWords {
		return r.makePlan()
	}
	var key planKey
	copy(key[:], m.found)
	if r.last != nil && key == r.key {
		return r.last
	}
	p := m.plans[key]
	if p == nil {
		if len(m.plans) >= maxPlans {
			clear(m.plans)
		}
		p = r.makePlan()
		m.plans[key] = p
	}
	r.last, r.key = p, key
	return p
}

func (r *run) makePlan() *plan {
	p := &plan{holds: make([]uint64, r.set.wordsOut)}
	for n, c := range r.set.conditions {
		switch r.foresee(c) {
		case yes:
			set(p.holds, n)
		case maybe:
			p.open = append(p.open, n)
		case no:
		}
	}
	return p
}

type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// foresee says what the bits of the entry alone say of a condition.
func (r *run) foresee(n *node) verdict {
	switch n.kind {
	case testNode:
		switch {
		case has(r.memo.found, n.index):
			return yes
		case has(r.memo.found, len(r.set.tests)+r.set.tests[n.index].field.number):
			return maybe
		}
		return no
	case notNode:
		return yes - r.foresee(n.subs[0])
	case allNode:
		v := yes
		for _, sub := range n.subs {
			v = min(v, r.foresee(sub))
		}
		return v
	case anyNode:
		v := no
		for _, sub := range n.subs {
			v = max(v, r.foresee(sub))
		}
		return v
	case programNode:
	}
	return maybe
}

// holds decides a condition that is open.
func (r *run) holds(n *node) bool {
	switch n.kind {
	case testNode:
		return r.tryOwn(n.index)
	case notNode:
		return !r.holds(n.subs[0])
	case anyNode:
		return slices.ContainsFunc(n.subs, r.holds)
	case programNode:
		return r.answer(n.index)
	case allNode:
	}
	for _, sub := range n.subs {
		if !r.holds(sub) {
			return false
		}
	}
	return true
}

// tryOwn reports whether the entry passes a test, which it may do by its own fields.
func (r *run) tryOwn(n int) bool {
	m := r.memo
	if has(m.found, n) {
		return true
	}
	if has(m.tried, n) {
		return false
	}
	t := &r.set.tests[n]
	for i := range m.own {
		if own := &m.own[i]; own.field == t.field && own.passes(t) {
			set(m.found, n)
			return true
		}
	}
	set(m.tried, n)
	return false
}

func (own *ownField) passes(t *test) bool {
	is := func(value string) bool { return string(own.value) == value } // a comparison does not allocate
	if slices.ContainsFunc(t.is, is) || t.passesWhole(own.value) {
		return true
	}
	if len(t.patterns) == 0 {
		return false
	}
	f := own.field
	if !own.ready {
		own.ready = true
		own.candidates = sized(own.candidates, f.set.Words())
		clear(own.candidates)
		if utf8.Valid(own.value) {
			f.set.Candidates(own.candidates, own.value)
		}
	}
	for k, p := range t.patterns {
		if has(own.candidates, t.first+k) && matches(p, own.value) {
			return true
		}
	}
	return false
}

// answer runs a program on the entry, unless it did so on the same fields of the Dict before.
func (r *run) answer(n int) bool {
	r.gather()
	p, m := r.set.programs[n], r.memo
	question := asked{program: n}
	known := len(p.fields) <= memoFields
	for i, name := range p.fields {
		v := m.values[r.set.slots[name]]
		if !v.known {
			v.ref = noRef
		} else if _, shared := v.ref.Dict(); !shared {
			known = false
		}
		if i < memoFields {
			question.refs[i] = v.ref
		}
	}
	if known {
		if holds, ok := m.answers[question]; ok {
			return holds
		}
	}
	holds := r.ask(p)
	if known {
		if len(m.answers) >= maxAnswers {
			clear(m.answers)
		}
		m.answers[question] = holds
	}
	return holds
}

func (r *run) ask(p *program) bool {
	m := r.memo
	for _, name := range p.fields {
		m.env[name] = r.text(m.values[r.set.slots[name]])
	}
	out, err := m.machine.Run(p.program, m.env)
	holds, ok := out.(bool)
	return err == nil && ok && holds
}

// text returns the value as programs see it.
func (r *run) text(v slotValue) any {
	if !v.known {
		return ""
	}
	d, shared := v.ref.Dict()
	if !shared {
		return string(r.chunk.Own[d].Value)
	}
	text, ok := r.memo.texts[d]
	if !ok {
		text = string(r.chunk.Dict.Fields[d].Value)
		r.memo.texts[d] = text
	}
	return text
}

// gather finds the fields of the entry that programs look at. Of a field that occurs several times the last counts.
func (r *run) gather() {
	if r.gathered {
		return
	}
	r.gathered = true
	m := r.memo
	clear(m.values)
	if n := len(m.rows) - len(m.slots); n > 0 {
		m.slots = append(m.slots, make([]int16, n)...)
	}
	for _, ref := range r.refs {
		d, shared := ref.Dict()
		slot := int16(0)
		if shared {
			slot = m.slots[d]
		}
		if slot == 0 {
			slot = r.slotOf(r.chunk.Field(ref).Name)
		}
		if shared {
			m.slots[d] = slot
		}
		if slot > 0 {
			m.values[slot-1] = slotValue{ref: ref, known: true}
		}
	}
}

func (r *run) slotOf(name string) int16 {
	slot, ok := r.set.slots[name]
	if !ok {
		return -1
	}
	return int16(slot) + 1 //nolint:gosec // New refuses that many
}
