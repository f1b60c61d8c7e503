package search

// memo remembers which conditions the fields of a Dict fulfil. It is used by one run at a time.
type memo struct {
	rows []int32  // by index in the Dict: 0 not known yet, -1 none, else the row in bits, from 1
	bits []uint64 // rows of Searches.words
	// groups is where the groups of the patterns that match are, if a search makes tags of them.
	groups map[fieldCondition][]int
}

// fieldCondition is a field of a Dict and a condition, both by index.
type fieldCondition struct{ field, condition int }

func (m *memo) grow(fields int) {
	if n := fields - len(m.rows); n > 0 {
		m.rows = append(m.rows, make([]int32, n)...)
	}
}

func (m *memo) keepGroups(field, condition int, loc []int) {
	if m.groups == nil {
		m.groups = map[fieldCondition][]int{}
	}
	m.groups[fieldCondition{field, condition}] = loc
}
