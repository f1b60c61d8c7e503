package recorder

import (
	"maps"
	"slices"

	"journalpump/filters/condition"
	"journalpump/pump"
)

// gate tells at the least cost which entries need not be looked at. A criterion of a clause asks several things of an entry, all of
// which must be so; the gate asks one of them, that a field has one of some values. What fields pass is found out once a field of a
// Dict; per entry remains to look at the numbers of its fields. It is used by one goroutine at a time.
type gate struct {
	set    *condition.Set // what the gate asks
	names  map[string]bool
	length uint64 // bit n: a name has n letters

	dict   uint64 // the Dict that passes is of
	passes []bool // by index in the Dict
	known  int    // so many of them do
	hits   []int32
}

// newGate returns the gate of some conditions; nil if there is none, as what they ask depends on no single field.
func newGate(conditions []condition.Config) (*gate, error) {
	g := &gate{names: map[string]bool{}}
	var asked []condition.Named
	for _, c := range conditions {
		clauses, ok := gatesOf(c)
		if !ok {
			return nil, nil //nolint:nilnil // no gate is no error
		}
		asked = append(asked, condition.Named{Name: "gate", When: clauses})
		for i := range clauses {
			g.addNames(&clauses[i])
		}
	}
	var err error
	g.set, err = condition.New(asked)
	return g, err
}

func (g *gate) addNames(c *condition.Clause) {
	names := slices.Collect(maps.Keys(c.Fields))
	switch {
	case len(c.MessageIDs) > 0:
		names = append(names, "MESSAGE_ID")
	case len(c.Identifiers) > 0:
		names = append(names, "SYSLOG_IDENTIFIER")
	case len(c.Units) > 0:
		names = append(names, unitField)
	case len(c.Transports) > 0:
		names = append(names, transportField)
	case len(c.Priority) > 0:
		names = append(names, "PRIORITY")
	}
	for _, name := range names {
		g.names[name] = true
		g.length |= 1 << (len(name) % 64)
	}
}

// gatesOf returns clauses that ask one thing of one field each. Where the condition holds one of them does.
func gatesOf(c condition.Config) (gates condition.Config, ok bool) {
	for i := range c {
		some, ok := gateOf(&c[i])
		if !ok {
			return nil, false
		}
		gates = append(gates, some...)
	}
	return gates, len(gates) > 0
}

// gateOf chooses what a clause asks that few entries have.
func gateOf(c *condition.Clause) (condition.Config, bool) {
	one := func(gate condition.Clause) (condition.Config, bool) { return condition.Config{gate}, true }
	switch {
	case len(c.MessageIDs) > 0:
		return one(condition.Clause{MessageIDs: c.MessageIDs})
	case len(c.Identifiers) > 0:
		return one(condition.Clause{Identifiers: c.Identifiers})
	case len(c.Units) > 0:
		return one(condition.Clause{Units: c.Units})
	}
	if gates, ok := gatesOf(c.Any); ok {
		return gates, true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if name != "MESSAGE" || len(c.Transports)+len(c.Priority) == 0 && len(c.Fields) == 1 {
			return one(condition.Clause{Fields: map[string]condition.FieldTest{name: c.Fields[name]}})
		}
	}
	switch {
	case len(c.Transports) > 0:
		return one(condition.Clause{Transports: c.Transports})
	case len(c.Priority) > 0:
		return one(condition.Clause{Priority: c.Priority})
	}
	return nil, false
}

// open returns the indices of the entries that may meet a condition, in order; they are valid until the next call.
func (g *gate) open(c *pump.Chunk) []int32 {
	g.learn(c)
	g.hits = g.hits[:0]
	if g.known > 0 {
		g.scan(c)
	}
	if own := g.judgeOwn(c); len(own) > 0 {
		g.scanOwn(c, own)
	}
	return g.hits
}

// scan finds the entries with a field of the Dict that passes.
func (g *gate) scan(c *pump.Chunk) {
	passes := g.passes
	for i := range c.Entries {
		for _, ref := range c.Fields(i) {
			if int(ref) < len(passes) && passes[ref] { // refs to own fields are larger
				g.hits = append(g.hits, int32(i))
				break
			}
		}
	}
}

// scanOwn finds the entries with one of these own fields.
func (g *gate) scanOwn(c *pump.Chunk, own []int) {
	for i := range c.Entries {
		for _, ref := range c.Fields(i) {
			if k, shared := ref.Dict(); !shared && slices.Contains(own, k) {
				g.hits = append(g.hits, int32(i))
				break
			}
		}
	}
	slices.Sort(g.hits)
	g.hits = slices.Compact(g.hits)
}

// learn finds out which fields the Dict has gained pass.
func (g *gate) learn(c *pump.Chunk) {
	if g.dict != c.Dict.ID || c.Dict.ID == 0 || len(g.passes) > len(c.Dict.Fields) {
		g.dict, g.passes, g.known = c.Dict.ID, g.passes[:0], 0
	}
	var ask single
	for d := len(g.passes); d < len(c.Dict.Fields); d++ {
		g.passes = append(g.passes, false)
		if f := &c.Dict.Fields[d]; g.concerns(f) {
			ask.add(f, d)
		}
	}
	for _, d := range ask.passing(g) {
		g.passes[d] = true
		g.known++
	}
}

// judgeOwn returns which of the chunk's own fields pass, in order.
func (g *gate) judgeOwn(c *pump.Chunk) []int {
	var ask single
	for i := range c.Own {
		if f := &c.Own[i]; g.concerns(f) {
			ask.add(f, i)
		}
	}
	return ask.passing(g)
}

// concerns reports whether the gate asks something of fields of that name.
func (g *gate) concerns(f *pump.Field) bool {
	return g.length>>(len(f.Name)%64)&1 != 0 && g.names[f.Name]
}

// single is fields that are asked about as if each were an entry.
type single struct {
	chunk pump.Chunk
	which []int
}

func (s *single) add(f *pump.Field, which int) {
	n := uint32(len(s.which)) //nolint:gosec // far fewer fields
	s.chunk.Own = append(s.chunk.Own, *f)
	s.chunk.Refs = append(s.chunk.Refs, pump.OwnRef(len(s.which)))
	s.chunk.Entries = append(s.chunk.Entries, pump.Entry{First: n, Last: n + 1})
	s.which = append(s.which, which)
}

func (s *single) passing(g *gate) (which []int) {
	if len(s.which) == 0 {
		return nil
	}
	decided := g.set.Decide(&s.chunk)
	for i, w := range s.which {
		for _, word := range decided.Bits(i) {
			if word != 0 {
				which = append(which, w)
				break
			}
		}
	}
	return which
}
