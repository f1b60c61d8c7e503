package journal

import (
	"bytes"
	"strings"
)

// Match is a field that entries must have to be of interest.
type Match struct {
	Name  string // without leading underscores
	Value []byte
}

const unitField = "_SYSTEMD_UNIT"

// filter says which entries are wanted: those of one of the units, if there are any, that also have the match, if there
// is one.
type filter struct {
	exact map[string]bool // units
	globs []string        // of units
	match *Match
}

// The demands of a filter, as bits: an entry is wanted when its fields meet all.
const (
	meetsUnit = 1 << iota
	meetsMatch
)

func newFilter(units []string, match *Match) *filter {
	f := &filter{exact: map[string]bool{}, match: match}
	for _, u := range units {
		if strings.ContainsAny(u, `*?[\`) {
			f.globs = append(f.globs, u)
		} else {
			f.exact[u] = true
		}
	}
	if f.demands() == 0 {
		return nil
	}
	return f
}

func (f *filter) hasUnits() bool { return len(f.exact)+len(f.globs) > 0 }

// demands returns what an entry's fields have to meet together.
func (f *filter) demands() uint8 {
	var d uint8
	if f.hasUnits() {
		d |= meetsUnit
	}
	if f.match != nil {
		d |= meetsMatch
	}
	return d
}

// meets returns the demands that a field meets.
func (f *filter) meets(name string, value []byte) uint8 {
	var m uint8
	if name == unitField && f.wantsUnit(value) {
		m |= meetsUnit
	}
	if f.match != nil && strings.TrimLeft(name, "_") == f.match.Name && bytes.Equal(value, f.match.Value) {
		m |= meetsMatch
	}
	return m
}

func (f *filter) wantsUnit(unit []byte) bool {
	if f.exact[string(unit)] {
		return true
	}
	for _, g := range f.globs {
		if fnmatch(g, string(unit)) {
			return true
		}
	}
	return false
}

// fnmatch reports whether name matches the shell pattern, as fnmatch(3) without flags: * and ? match slashes, too, and
// brackets may begin with ! or ^.
func fnmatch(pattern, name string) bool {
	star, mark := -1, 0 // where to go on after a * that has to match more
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if width, ok := matchOne(pattern[p:], name[n]); ok {
				p += width
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne matches what pattern begins with against a byte and returns its width.
func matchOne(pattern string, c byte) (width int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if width, ok, closed := matchBracket(pattern, c); closed {
			return width, ok
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	}
	return 1, pattern[0] == c
}

func matchBracket(pattern string, c byte) (width int, ok, closed bool) {
	i := 1
	not := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if not {
		i++
	}
	in := false
	for first := true; i < len(pattern) && (first || pattern[i] != ']'); first = false {
		lo := pattern[i]
		if lo == '\\' && i+1 < len(pattern) {
			i++
			lo = pattern[i]
		}
		hi := lo
		if i+2 < len(pattern) && pattern[i+1] == '-' && pattern[i+2] != ']' {
			i += 2
			hi = pattern[i]
		}
		in = in || lo <= c && c <= hi
		i++
	}
	if i >= len(pattern) {
		return 0, false, false // never closed: an ordinary bracket
	}
	return i + 1, in != not, true
}
