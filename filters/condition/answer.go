package condition

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
	for _, name := range p.fields {
		m.env[name] = r.text(m.values[r.set.slots[name]])
	}
	holds := m.ask(p)
	if known {
		if len(m.answers) >= maxAnswers {
			clear(m.answers)
		}
		m.answers[question] = holds
	}
	return holds
}

// ask runs a program on the values in m.env.
func (m *memo) ask(p *program) bool { return p.holds(&m.machine, m.env) }

// text returns the value as programs see it.
func (r *run) text(v slotValue) any {
	if !v.known {
		return ""
	}
	d, shared := v.ref.Dict()
	if !shared {
		return string(r.chunk.Own[d].Value)
	}
	return r.sharedText(d)
}

func (r *run) sharedText(d int) any {
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
	if n := len(m.known) - len(m.slots); n > 0 {
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
