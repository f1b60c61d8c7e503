package pattern

import (
	"strings"
	"unicode"
)

// needle is a string that a match has to contain.
type needle struct {
	text string
	fold bool // ASCII letters match in either case; text has them in lower case
	odd  bool // it may also contain characters beyond ASCII that are ASCII letters but for case, such as ſ for s
}

// strs is what is known of the strings that a node matches.
type strs struct {
	exact  []needle // exactly these; nil if that is not known
	prefix []needle // if exact is nil: every match begins with one of these; may be nil
	need   []needle // every match contains at least one of these; nil if nothing is known
}

const (
	maxNeedles    = 32 // alternatives
	maxNeedleSet  = 4  // characters of a set that are worth a needle each
	maxNeedleText = 64 // bytes
)

// contained returns needles of which every match contains at least one, nil if there are none.
func (s strs) contained() []needle {
	if s.exact == nil {
		return s.need
	}
	for _, n := range s.exact {
		if n.text == "" {
			return nil
		}
	}
	return s.exact
}

// needles finds out what the matches of n contain.
func needles(n *node) strs {
	switch n.op {
	case opEmpty, opAssert, opLook:
		return strs{exact: []needle{{}}}
	case opSet:
		return strs{exact: setNeedles(n.set)}
	case opConcat:
		return concatNeedles(n.subs)
	case opAlternate:
		return alternateNeedles(n.subs)
	case opRepeat:
		return repeatNeedles(n)
	case opCapture, opAtomic:
		return needles(n.subs[0])
	default:
		return strs{}
	}
}

func setNeedles(s runeSet) []needle {
	if n, ok := letterNeedle(s); ok {
		return []needle{n}
	}
	if len(s) == 0 || s.size() > maxNeedleSet {
		return nil
	}
	var out []needle
	for i := 0; i < len(s); i += 2 {
		for r := s[i]; r <= s[i+1]; r++ {
			if 0xD800 <= r && r < 0xE000 {
				return nil // a surrogate, which no text contains
			}
			out = append(out, needle{text: string(r)})
		}
	}
	return out
}

// letterNeedle recognises a letter in both cases, as IGNORECASE makes them.
func letterNeedle(s runeSet) (needle, bool) {
	ascii := s.ascii()
	if len(ascii) != 4 || ascii[0] != ascii[1] || ascii[2] != ascii[3] ||
		ascii[0] < 'A' || ascii[0] > 'Z' || ascii[2] != unicode.ToLower(ascii[0]) {
		return needle{}, false
	}
	for i := 4; i < len(s); i += 2 {
		for r := s[i]; r <= s[i+1]; r++ {
			if !strings.ContainsRune(oddLetters, r) {
				return needle{}, false
			}
		}
	}
	return needle{text: string(ascii[2]), fold: true, odd: len(s) > 4}, true
}

func concatNeedles(subs []*node) strs {
	run := []needle{{}} // what the parts since the last one of unknown text match
	var best []needle
	whole := true
	for _, sub := range subs {
		s := needles(sub)
		if s.exact != nil {
			if joined := cross(run, s.exact); joined != nil {
				run = joined
				continue
			}
		}
		whole = false
		if s.prefix != nil {
			if joined := cross(run, s.prefix); joined != nil {
				run = joined
			}
		}
		best = better(best, strs{exact: run}.contained())
		run = s.exact
		if run == nil {
			best = better(best, s.need)
			run = []needle{{}}
		}
	}
	if whole {
		return strs{exact: run}
	}
	return strs{need: better(best, strs{exact: run}.contained())}
}

// cross returns every needle of a followed by every one of b, nil if that is too much.
func cross(a, b []needle) []needle {
	if len(a)*len(b) > maxNeedles {
		return nil
	}
	out := make([]needle, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			n := needle{text: x.text + y.text, fold: x.fold || y.fold, odd: x.odd || y.odd}
			if n.fold {
				n.text = lowerASCII(n.text)
			}
			if len(n.text) > maxNeedleText {
				return nil
			}
			out = append(out, n)
		}
	}
	return out
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, s)
}

func alternateNeedles(subs []*node) strs {
	out := strs{exact: []needle{}, need: []needle{}}
	for _, sub := range subs {
		s := needles(sub)
		if c := s.contained(); c == nil || out.need == nil {
			out.need = nil
		} else {
			out.need = append(out.need, c...)
		}
		if s.exact == nil || out.exact == nil {
			out.exact = nil
		} else {
			out.exact = append(out.exact, s.exact...)
		}
	}
	if len(out.exact) > maxNeedles {
		out.exact = nil
	}
	return out
}

func repeatNeedles(n *node) strs {
	s := needles(n.subs[0])
	switch {
	case n.max == 0:
		return strs{exact: []needle{{}}}
	case n.min == 0 && n.max == 1 && s.exact != nil && len(s.exact) < maxNeedles:
		return strs{exact: append([]needle{{}}, s.exact...)}
	case n.min == 0:
		return strs{}
	}
	run := s.exact
	copies := 1
	for run != nil && copies < n.min {
		next := cross(run, s.exact)
		if next == nil {
			break
		}
		run = next
		copies++
	}
	if copies == n.min && n.min == n.max {
		return strs{exact: run, need: s.need}
	}
	if run != nil {
		return strs{prefix: run, need: strs{exact: run}.contained()}
	}
	return strs{need: s.need}
}

// better returns the needles that rule out more texts, cheaper.
func better(a, b []needle) []needle {
	if score(b) > score(a) {
		return b
	}
	return a
}

// score says how much is gained by looking for needles; it grows with the shortest of them.
func score(needles []needle) int {
	if len(needles) == 0 {
		return 0
	}
	shortest := maxNeedleText
	for _, n := range needles {
		length := 2 * len(n.text)
		if n.fold {
			length--
		}
		shortest = min(shortest, length)
	}
	if len(needles) > 1 {
		shortest--
	}
	return max(shortest, 1)
}
