package search

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/mmcloughlin/geohash"

	"journalpump/pump"
)

// groupTag is a tag whose value is what a named group matched.
type groupTag struct {
	name      string
	condition int
	group     int
	hidden    bool // only an argument of a call: a configured tag has the same name
}

type staticTag struct{ name, value string }

// call is a tag whose value is ip_to_geohash of another one.
type call struct {
	name          string
	argument      string
	group, static int // what the argument is, -1: not that
	precision     uint
}

// groupValue is what a group matched; ok is false if it took no part.
type groupValue struct {
	text []byte
	ok   bool
}

// hits counts matches by search and tags.
type hits struct {
	list    []pump.SearchHit
	byValue map[string]int // index in list, by search and values of its groups
	byTags  map[string]int // the same by name and tags, which may be equal where values are not
	key     []byte
}

// count counts a match of search n by the entry at hand.
func (r *run) count(n int) {
	s := &r.s.searches[n]
	r.groupValues(s)
	h := &r.hits
	h.key = binary.AppendUvarint(h.key[:0], uint64(n)) //nolint:gosec // an index
	for _, v := range r.values {
		if !v.ok {
			h.key = append(h.key, 0)
			continue
		}
		h.key = append(h.key, 1)
		h.key = binary.AppendUvarint(h.key, uint64(len(v.text)))
		h.key = append(h.key, v.text...)
	}
	i, ok := h.byValue[string(h.key)]
	if !ok {
		i = h.add(s.name, s.tags(r.values, r.s.options.Geo))
	}
	h.list[i].Count++
}

// add returns the hit with those tags, a new one if there is none.
func (h *hits) add(name string, tags map[string]string) int {
	if h.byValue == nil {
		h.byValue, h.byTags = map[string]int{}, map[string]int{}
	}
	var b strings.Builder
	b.WriteString(name)
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		b.WriteString("\x00" + k + "\x00" + tags[k])
	}
	i, ok := h.byTags[b.String()]
	if !ok {
		i = len(h.list)
		h.list = append(h.list, pump.SearchHit{Search: name, Tags: tags})
		h.byTags[b.String()] = i
	}
	h.byValue[string(h.key)] = i
	return i
}

// groupValues sets r.values to what the groups of a search that matches have matched.
func (r *run) groupValues(s *search) {
	r.values = r.values[:0]
	last := -1
	var value []byte
	var loc []int
	for _, g := range s.groups {
		if g.condition != last {
			last = g.condition
			value, loc = r.locate(g.condition)
		}
		v := groupValue{}
		if loc != nil && loc[2*g.group] >= 0 {
			v = groupValue{text: value[loc[2*g.group]:loc[2*g.group+1]], ok: true}
		}
		r.values = append(r.values, v)
	}
}

// locate returns the first value of its field that a condition matches, and where its groups are there.
func (r *run) locate(n int) (value []byte, loc []int) {
	if r.located != nil && r.located[n].entry == r.number { // then none of the shared fields matches
		return r.located[n].value, r.located[n].loc
	}
	c := &r.s.conditions[n]
	kind := r.s.fields[c.field].kind
	for _, ref := range r.refs {
		f := r.c.Field(ref)
		if f.Name != c.field {
			continue
		}
		value, ok := r.convert(kind, f.Value)
		if !ok {
			continue
		}
		if d, shared := ref.Dict(); shared {
			if loc := r.memo.groups[fieldCondition{d, n}]; loc != nil {
				return value, loc
			}
			continue
		}
		if loc, err := c.pattern.FindSubmatchIndex(r.loc, value); err == nil && loc != nil {
			r.loc = loc
			return value, loc
		}
	}
	return nil, nil
}

// tags returns the tags of a match, fit for statsd.
func (s *search) tags(values []groupValue, geo Locator) map[string]string {
	tags := make(map[string]string, len(values)+len(s.static)+len(s.calls))
	for i, g := range s.groups {
		if values[i].ok && !g.hidden {
			tags[safeName(g.name)] = safeValue(string(values[i].text))
		}
	}
	for _, t := range s.static {
		tags[safeName(t.name)] = safeValue(t.value)
	}
	for _, c := range s.calls {
		var ip string
		if c.group >= 0 {
			ip = string(values[c.group].text)
		}
		if c.static >= 0 {
			ip = s.static[c.static].value
		}
		hash := ""
		if lat, lon, ok := geo.Locate(ip); ok {
			hash = geohash.EncodeWithPrecision(lat, lon, c.precision)
		}
		tags[safeName(c.name)] = safeValue(hash)
	}
	return tags
}

// safeName replaces what may not be in the name of a statsd tag, in runs, with an underscore.
func safeName(s string) string {
	return safe(s, func(r rune) bool { return r != '_' && r != '-' && !unicode.In(r, unicode.L, unicode.N) })
}

// safeValue is safeName for a tag's value: white space and what separates tags may not be in it.
func safeValue(s string) string {
	return safe(s, func(r rune) bool {
		// 0x1c to 0x1f are white space to Python only.
		return r == '|' || r == '=' || r == ':' || unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
	})
}

// safe replaces every run of bad characters with an underscore, and takes underscores off both ends.
func safe(s string, bad func(rune) bool) string {
	if strings.IndexFunc(s, bad) >= 0 {
		var b strings.Builder
		inRun := false
		for _, r := range s {
			isBad := bad(r)
			switch {
			case !isBad:
				b.WriteRune(r)
			case !inRun:
				b.WriteByte('_')
			}
			inRun = isBad
		}
		s = b.String()
	}
	return strings.Trim(s, "_")
}
