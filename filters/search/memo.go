package search

import "slices"

// memo remembers which conditions the fields of a Dict fulfil. It is used by one run at a time.
type memo struct {
	dict uint64
	rows []int32  // by index in the Dict: 0 not known yet, -1 none, else the row in bits, from 1
	bits []uint64 // rows of Searches.words
	// groups is where the groups of the patterns that match are, if a search makes tags of them.
	groups map[fieldCondition][]int
}

// fieldCondition is a field of a Dict and a condition, both by index.
type fieldCondition struct{ field, condition int }

// maxMemos is how many memos are kept: one for every lane that reads another part of the log.
const maxMemos = 4

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

// borrow returns the memo for a Dict; if another run has it at the moment, or there is none, a new one.
func (s *Searches) borrow(dict uint64) *memo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range slices.Backward(s.memos) {
		if m.dict == dict {
			s.memos = append(s.memos[:i], s.memos[i+1:]...)
			return m
		}
	}
	return &memo{dict: dict}
}

// giveBack keeps a memo for the next run, and drops the one that was not used for longest.
func (s *Searches) giveBack(m *memo) {
	if m.dict == 0 { // not made by pump.NewDict: nothing is known of the next one with that ID
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.memos {
		if other.dict == m.dict { // two runs had one each; the one that knows more is worth keeping
			if len(other.rows) < len(m.rows) {
				s.memos[i] = m
			}
			return
		}
	}
	s.memos = append(s.memos, m)
	if len(s.memos) > maxMemos {
		s.memos = append(s.memos[:0], s.memos[1:]...)
	}
}
