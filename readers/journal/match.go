package journal

import (
	"bytes"
	"strings"

	"journalpump/internal/glob"
	"journalpump/pump"
)

// Match is a field that entries must have to be of interest.
type Match struct {
	Name  string // without leading underscores
	Value []byte
}

// UnitFilter tells the entries that a reader with units_to_match reads from those that it does not, for whoever has read all of
// them.
type UnitFilter struct{ filter *filter }

// NewUnitFilter returns the filter of Options.Units.
func NewUnitFilter(units []string) UnitFilter { return UnitFilter{newFilter(units, nil)} }

// Wants reports whether entry i of c is read.
func (u UnitFilter) Wants(c *pump.Chunk, i int) bool {
	if u.filter == nil {
		return true
	}
	var met uint8
	for _, r := range c.Fields(i) {
		f := c.Field(r)
		met |= u.filter.meets(f.Name, f.Value)
	}
	return met == u.filter.demands()
}

const unitField = "_SYSTEMD_UNIT"

// filter says which entries are wanted: those of one of the units, if there are any, that also have the match, if there
// is one.
type filter struct {
	exact map[string]bool // units
	globs []*glob.Glob    // of units
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
		if glob.IsPattern(u) {
			f.globs = append(f.globs, glob.Compile(u))
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
		if g.Match(unit) {
			return true
		}
	}
	return false
}
