package filters

import (
	"journalpump/pump"
)

// resolver is the memory that resolve needs, kept from entry to entry.
type resolver struct {
	groups []rawGroup
	next   []int32 // by place in the entry: the next field of the same raw name, or -1
	entry  uint32  // counts the entries resolved
	byRaw  []groupOf
	byName []groupOf // the one that counts
}

// groupOf is the index in groups of a raw name's or a plain name's group, in the entry that it was set for.
type groupOf struct {
	entry uint32
	group int32
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
		if v.byName[b.table.rawNames[group.raw].name].group == int32(g) {
			b.out.refs = append(b.out.refs, b.resolved(group, refs))
		}
	}
}

// group finds out which raw names there are, in the order of their first occurrence, and which of them count.
func (v *resolver) group(b *builder, refs []pump.Ref) {
	v.entry++
	v.groups, v.next = v.groups[:0], v.next[:0]
	for place, r := range refs {
		here := int32(place)
		v.next = append(v.next, -1)
		raw := b.rawNameOf(r)
		v.byRaw = grown(v.byRaw, len(b.table.rawNames))
		if known := v.byRaw[raw]; known.entry == v.entry {
			group := &v.groups[known.group]
			v.next[group.last] = here
			group.last = here
			continue
		}
		set := groupOf{entry: v.entry, group: int32(len(v.groups))} //nolint:gosec // an entry has far fewer fields
		v.groups = append(v.groups, rawGroup{raw: raw, first: here, last: here})
		v.byRaw[raw] = set
		v.byName = grown(v.byName, len(b.table.names))
		v.byName[b.table.rawNames[raw].name] = set
	}
}

// grown returns s with at least n elements.
func grown(s []groupOf, n int) []groupOf {
	if len(s) >= n {
		return s
	}
	return append(s, make([]groupOf, n-len(s))...)
}

// rawNameOf returns the index in table.rawNames of a field's name.
func (b *builder) rawNameOf(r pump.Ref) uint32 {
	if i, ok := r.Dict(); ok && i < len(b.table.dictRaws) {
		return b.table.dictRaws[i]
	}
	return b.table.ownName(b.chunk.Field(r).Name)
}

// resolved returns the field that a group comes to.
func (b *builder) resolved(g *rawGroup, refs []pump.Ref) pump.Ref {
	r := refs[g.first]
	if g.first == g.last {
		i, inDict := r.Dict()
		if inDict && i < len(b.table.fields) {
			return r
		}
		if !inDict && b.out.own[i].n > 0 { // scan came that far
			return r
		}
		if !inDict {
			b.out.text, b.out.own[i] = b.encode(b.out.text, &b.table.rawNames[g.raw], b.chunk.Field(r).Value)
			return r
		}
	}
	f := b.encodeGroup(g, refs)
	b.out.own = append(b.out.own, f)
	b.out.origins = append(b.out.origins, r)
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
