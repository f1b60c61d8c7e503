package pattern

// Set says fast which of several patterns may match a text. It may be used concurrently.
type Set struct {
	patterns []*Pattern
	finder   *finder // of the needles of all patterns for which that is faster than asking each; may be nil
	others   []int   // patterns that the finder says nothing about
}

const (
	// maxLiterals is up to how many patterns with one literal each it is faster to look for one after the other.
	maxLiterals = 6
	// minSetNeedle is how long needles must be to be looked for together: the shortest bounds how many bytes are skipped.
	minSetNeedle = 4
)

// NewSet returns a set of patterns.
func NewSet(patterns []*Pattern) *Set {
	s := &Set{patterns: patterns}
	var together []ownedNeedle
	literals, inFinder := 0, 0
	for i, p := range patterns {
		if !p.filter.joins() {
			s.others = append(s.others, i)
			continue
		}
		inFinder++
		if p.filter.literal != nil {
			literals++
		}
		for _, n := range p.filter.needles {
			together = append(together, ownedNeedle{needle: n, owner: uint32(i)})
		}
	}
	if literals > maxLiterals || inFinder > literals && inFinder > 1 {
		s.finder = newFinder(together)
	}
	if s.finder == nil {
		s.others = nil
		for i := range patterns {
			s.others = append(s.others, i)
		}
	}
	return s
}

// joins reports whether the filter's needles are fit for being looked for together with others. Where only the beginning of the text
// has to be looked at that is faster than any search.
func (f *filter) joins() bool {
	if f.starts != nil {
		return false
	}
	for _, n := range f.needles {
		if len(n.text) < minSetNeedle {
			return false
		}
	}
	return len(f.needles) > 0
}

// Words returns how many words the bits of Candidates take.
func (s *Set) Words() int { return (len(s.patterns) + 63) / 64 }

// Candidates sets bits, which must have s.Words() words: bit i%64 of word i/64 is set if pattern i may match text, and
// clear if it does not. It reports whether any is set. It does not allocate.
func (s *Set) Candidates(bits []uint64, text []byte) bool {
	clear(bits)
	if s.finder != nil {
		s.finder.mark(bits, text)
	}
	for _, i := range s.others {
		if s.patterns[i].filter.mayMatch(text) {
			bits[i/64] |= 1 << (i % 64)
		}
	}
	for _, w := range bits {
		if w != 0 {
			return true
		}
	}
	return false
}
