package search

import (
	"math/bits"
	"time"

	"journalpump/filters/convert"
	"journalpump/filters/pattern"
	"journalpump/pump"
)

// run is the searching of one chunk.
type run struct {
	s    *Searches
	c    *pump.Chunk
	memo *memo
	hits hits
	slow []pump.SlowSearch

	// Of the entry at hand:
	refs       []pump.Ref
	number     int        // from 1
	own        []ownField // its own fields that there are conditions on
	found      []uint64   // conditions known to be fulfilled
	candidates []uint64   // conditions that own fields may fulfil, once prepared
	prepared   bool

	local   []uint64  // scratch for a field's pattern.Set
	scratch []byte    // scratch for converted values
	located []located // by condition, once one with groups has run
	loc     []int     // scratch for positions of groups
	values  []groupValue
}

type ownField struct {
	field *field
	value []byte // converted
}

// located is where the groups of a condition are in the first of an entry's own fields that it matches.
type located struct {
	entry   int // number of the entry; of all others nothing is known
	value   []byte
	loc     []int
	matched bool // the pattern, when it ran last
}

// entry reports whether any search matches entry i, and counts those that do.
func (r *run) entry(i int) bool {
	r.refs, r.number = r.c.Fields(i), i+1
	r.own, r.prepared = r.own[:0], false
	r.scratch = r.scratch[:0]
	clear(r.found)
	for _, ref := range r.refs {
		if d, shared := ref.Dict(); shared {
			r.addShared(d)
			continue
		}
		f := r.c.Field(ref)
		if conditions := r.s.fields[f.Name]; conditions != nil {
			if value, ok := r.convert(conditions.kind, f.Value); ok {
				r.own = append(r.own, ownField{field: conditions, value: value})
			}
		}
	}
	matched := false
	for n := range r.s.searches {
		if r.matches(&r.s.searches[n]) {
			matched = true
			r.count(n)
		}
	}
	return matched
}

// addShared adds the conditions that a field of the Dict fulfils.
func (r *run) addShared(d int) {
	row := r.memo.rows[d]
	if row == 0 {
		row = r.evaluateShared(d)
		r.memo.rows[d] = row
	}
	if row < 0 {
		return
	}
	words := r.s.words
	for i, w := range r.memo.bits[(int(row)-1)*words:][:words] {
		r.found[i] |= w
	}
}

// evaluateShared runs all patterns on a field of the Dict and returns its row in the memo.
func (r *run) evaluateShared(d int) int32 {
	f := &r.c.Dict.Fields[d]
	conditions := r.s.fields[f.Name]
	if conditions == nil {
		return -1
	}
	mark := len(r.scratch)
	defer func() { r.scratch = r.scratch[:mark] }()
	value, ok := r.convert(conditions.kind, f.Value)
	if !ok || !r.localCandidates(conditions, value) {
		return -1
	}
	words := r.s.words
	row := len(r.memo.bits) / words
	r.memo.bits = append(r.memo.bits, make([]uint64, words)...)
	fulfilled := false
	for k := range each(r.local) {
		n := conditions.conditions[k]
		loc, ok := r.try(n, value, nil, r.s.conditions[n].groups)
		if !ok {
			continue
		}
		set(r.memo.bits[row*words:], n)
		fulfilled = true
		if loc != nil {
			r.memo.keepGroups(d, n, loc)
		}
	}
	if !fulfilled {
		r.memo.bits = r.memo.bits[:row*words]
		return -1
	}
	return int32(row + 1) //nolint:gosec // a Dict has far fewer than 2^31 fields
}

// localCandidates sets r.local to the patterns of a field that may match value.
func (r *run) localCandidates(f *field, value []byte) bool {
	if n := f.set.Words(); cap(r.local) < n {
		r.local = make([]uint64, n)
	} else {
		r.local = r.local[:n]
	}
	return f.set.Candidates(r.local, value)
}

// matches reports whether the entry fulfils all conditions of a search.
func (r *run) matches(s *search) bool {
	missing := false
	for _, n := range s.conditions {
		if has(r.found, n) {
			continue
		}
		if missing = true; len(r.own) == 0 {
			return false
		}
		r.prepare()
		if !has(r.candidates, n) {
			return false
		}
	}
	if !missing {
		return true
	}
	for _, n := range s.conditions {
		if !has(r.found, n) && !r.tryOwn(n) {
			return false
		}
	}
	return true
}

// prepare finds out which conditions the entry's own fields may fulfil, once an entry.
func (r *run) prepare() {
	if r.prepared {
		return
	}
	r.prepared = true
	clear(r.candidates)
	for _, own := range r.own {
		if !r.localCandidates(own.field, own.value) {
			continue
		}
		for k := range each(r.local) {
			set(r.candidates, own.field.conditions[k])
		}
	}
}

// tryOwn runs the pattern of a condition on the entry's own fields and remembers what comes of it.
func (r *run) tryOwn(n int) bool {
	c := &r.s.conditions[n]
	f := r.s.fields[c.field]
	for _, own := range r.own {
		if own.field == f && c.pattern.MayMatch(own.value) && r.matchOwn(n, own.value) {
			set(r.found, n)
			return true
		}
	}
	r.candidates[n/64] &^= 1 << (n % 64)
	return false
}

// matchOwn runs the pattern of a condition on one of the entry's own fields. Finding groups, too, takes longer than
// matching, and less than doing both: so it is for patterns that matched the last time.
func (r *run) matchOwn(n int, value []byte) bool {
	if !r.s.conditions[n].groups {
		_, ok := r.try(n, value, nil, false)
		return ok
	}
	if r.located == nil {
		r.located = make([]located, len(r.s.conditions))
	}
	l := &r.located[n]
	loc, ok := r.try(n, value, l.loc, l.matched)
	if l.matched = ok; loc != nil {
		l.entry, l.value, l.loc = r.number, value, loc
	}
	return ok
}

// try runs the pattern of a condition on a value that it may match. If groups are wanted and it does, loc is where they
// are, in the memory of dst if that suffices. A pattern that takes too long to say does not match.
func (r *run) try(n int, value []byte, dst []int, groups bool) (loc []int, ok bool) {
	p, now := r.s.conditions[n].pattern, r.s.options.Now
	var start time.Time
	if now != nil {
		start = now()
	}
	var err error
	if groups {
		loc, err = p.FindSubmatchIndexFiltered(dst, value)
		ok = loc != nil
	} else {
		ok, err = p.MatchFiltered(value)
	}
	took := pattern.MatchTimeout
	if now != nil {
		took = max(now().Sub(start), time.Nanosecond)
	}
	if err != nil || now != nil && took > r.s.options.Threshold {
		r.slow = append(r.slow, pump.SlowSearch{Pattern: p.String(), Took: took})
	}
	return loc, ok
}

// convert returns a field's value as its patterns see it, good until the next entry; ok is false if none may match.
func (r *run) convert(kind convert.Kind, value []byte) (text []byte, ok bool) {
	r.scratch, text, ok = appendConverted(r.scratch, value, kind)
	return text, ok
}

func set(words []uint64, n int)      { words[n/64] |= 1 << (n % 64) }
func has(words []uint64, n int) bool { return words[n/64]&(1<<(n%64)) != 0 }

// each goes through the bits that are set.
func each(words []uint64) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i, w := range words {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
