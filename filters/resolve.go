package filters

import (
	"journalpump/pump"
)

// resolver is the memory that resolve needs, kept from entry to entry.
type resolver struct {
	groups []rawGroup
	byName map[string]int32 // index in groups, by raw name
	winner map[nameID]int32 // index in groups, by plain name
	next   []int32          // by place in the entry: the next field of the same raw name, or -1
}

// rawGroup is an entry's fields of one raw name.
type rawGroup struct {
	raw         uint32 // index in table.rawNames
	first, last int32  // places in the entry
}

// resolve appends to out.refs the fields of an entry in which names collide, one for every plain name. Of several raw names with
// the same plain name the one counts that first occurs last; a raw name that occurs several times becomes an array.
func (b *builder) resolve(refs []pump.Ref) {
	v := &b.resolver
	v.group(b, refs)
	for g := range v.groups {
		group := &v.groups[g]
		if v.winner[b.table.rawNames[group.raw].name] != int32(g) { //nolint:gosec // an entry has far fewer fields
			continue
		}
		b.out.refs = append(b.out.refs, b.resolved(group, refs))
	}
}

// group finds out which raw names there are, in the order of their first occurrence, and which of them count.
func (v *resolver) group(b *builder, refs []pump.Ref) {
	if v.byName == nil {
		v.byName, v.winner = make(map[string]int32), make(map[nameID]int32)
	}
	clear(v.byName)
	clear(v.winner)
	v.groups, v.next = v.groups[:0], v.next[:0]
	for place, r := range refs {
		here := int32(place) //nolint:gosec // an entry has far fewer fields
		v.next = append(v.next, -1)
		raw := b.chunk.Field(r).Name
		g, ok := v.byName[raw]
		if ok {
			v.next[v.groups[g].last] = here
			v.groups[g].last = here
			continue
		}
		g = int32(len(v.groups)) //nolint:gosec // likewise
		v.byName[raw] = g
		n := b.table.ownName(raw)
		v.winner[b.table.rawNames[n].name] = g
		v.groups = append(v.groups, rawGroup{raw: n, first: here, last: here})
	}
}

// resolved returns the field that a group comes to.
func (b *builder) resolved(g *rawGroup, refs []pump.Ref) pump.Ref {
	r := refs[g.first]
	if g.first == g.last {
		i, inDict := r.Dict()
		if inDict && i < len(b.table.fields) {
			return r
		}
		if !inDict {
			b.out.text, b.out.own[i] = b.encode(b.out.text, &b.table.rawNames[g.raw], b.chunk.Field(r).Value)
			return r
		}
	}
	f := b.encodeGroup(g, refs)
	b.out.own = append(b.out.own, f)
	return pump.OwnRef(len(b.out.own) - 1)
}

// encodeGroup encodes one field, or several as an array.
func (b *builder) encodeGroup(g *rawGroup, refs []pump.Ref) field {
	n := &b.table.rawNames[g.raw]
	if g.first == g.last {
		text, f := b.encode(b.out.text, n, b.chunk.Field(refs[g.first]).Value)
		b.out.text = text
		return f
	}
	text := b.out.text
	f := field{at: uint32(len(text)), name: n.name} //nolint:gosec // see maxChunkText
	if n.role == roleTime {
		return f
	}
	text = append(text, n.head...)
	separator := byte('[')
	for place := g.first; place >= 0; place = b.resolver.next[place] {
		if len(text) > maxChunkText {
			f.flags |= flagCut
			break
		}
		text = append(text, separator)
		separator = ','
		var flags fieldFlags
		text, flags, _ = b.table.encodeValue(text, n, b.chunk.Field(refs[place]).Value, b.stage.config.Secrets)
		f.flags |= flags & (flagRedacted | flagCut) // a list is no unit and no priority
	}
	text = append(text, ']')
	f.n = uint32(len(text)) - f.at //nolint:gosec // see maxChunkText
	b.out.text = text
	return f
}
