package pattern

import (
	"slices"
	"sync"
	"unicode"
)

// runeSet is a set of characters: pairs of bounds, both inclusive, sorted, not touching each other.
type runeSet []rune

func (s runeSet) contains(r rune) bool {
	lo, hi := 0, len(s)/2
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch {
		case r < s[2*mid]:
			hi = mid
		case r > s[2*mid+1]:
			lo = mid + 1
		default:
			return true
		}
	}
	return false
}

// size returns how many characters the set has.
func (s runeSet) size() int {
	n := 0
	for i := 0; i < len(s); i += 2 {
		n += int(s[i+1]-s[i]) + 1
	}
	return n
}

// single returns the only character of the set.
func (s runeSet) single() (r rune, ok bool) {
	if len(s) == 2 && s[0] == s[1] {
		return s[0], true
	}
	return 0, false
}

// normalize sorts pairs of bounds and joins what touches.
func normalize(pairs []rune) runeSet {
	type bounds struct{ lo, hi rune }
	all := make([]bounds, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, bounds{pairs[i], pairs[i+1]}) //nolint:gosec // they come in pairs
	}
	slices.SortFunc(all, func(a, b bounds) int { return int(a.lo - b.lo) })
	out := make(runeSet, 0, len(pairs))
	for _, b := range all {
		if n := len(out); n > 0 && b.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], b.hi)
			continue
		}
		out = append(out, b.lo, b.hi)
	}
	return out
}

func (s runeSet) complement() runeSet {
	out := make(runeSet, 0, len(s)+2)
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1 //nolint:gosec // they come in pairs
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

// ascii returns the part of the set that is ASCII.
func (s runeSet) ascii() runeSet {
	for i := 0; i < len(s); i += 2 {
		if s[i] > unicode.MaxASCII {
			return s[:i]
		}
		if s[i+1] > unicode.MaxASCII {
			out := slices.Clone(s[:i+2])
			out[i+1] = unicode.MaxASCII
			return out
		}
	}
	return s
}

// hasBeyondASCII reports whether there is more in the set than ascii returns.
func (s runeSet) hasBeyondASCII() bool { return len(s) > 0 && s[len(s)-1] > unicode.MaxASCII }

func tableSet(tables ...*unicode.RangeTable) []rune {
	var pairs []rune
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			pairs = append(pairs, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			pairs = append(pairs, r, r)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride)) //nolint:gosec // at most unicode.MaxRune
		}
	}
	return pairs
}

// The classes of a Python str pattern, which are Unicode's unless the flag a is on: \d is str.isdecimal, \s is
// str.isspace, \w is str.isalnum and the underscore.
var (
	//nolint:gochecknoglobals // computed when first needed, and never changed
	unicodeDigits = sync.OnceValue(func() runeSet { return normalize(tableSet(unicode.Nd)) })
	//nolint:gochecknoglobals // likewise
	unicodeWord = sync.OnceValue(func() runeSet { return normalize(append(tableSet(unicode.L, unicode.N), '_', '_')) })
	// str.isspace also takes the four separators U+001C to U+001F, which Unicode's White_Space leaves out.
	//nolint:gochecknoglobals // likewise
	unicodeSpace = sync.OnceValue(func() runeSet {
		return normalize(append(tableSet(unicode.White_Space), 0x1c, 0x1f))
	})
)

func digitSet(ascii bool) runeSet {
	if ascii {
		return runeSet{'0', '9'}
	}
	return unicodeDigits()
}

func spaceSet(ascii bool) runeSet {
	if ascii {
		return runeSet{'\t', '\r', ' ', ' '}
	}
	return unicodeSpace()
}

func wordSet(ascii bool) runeSet {
	if ascii {
		return runeSet{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	}
	return unicodeWord()
}

// isWord reports whether r counts for \b. Most characters are ASCII, so those are looked at first.
func isWord(r rune, ascii bool) bool {
	switch {
	case r <= unicode.MaxASCII:
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
	case ascii:
		return false
	default:
		return unicode.IsLetter(r) || unicode.Is(unicode.N, r)
	}
}

// withCase adds to the pairs of bounds what IGNORECASE takes for the same.
func withCase(pairs []rune, ascii bool) runeSet {
	s := normalize(pairs)
	out := slices.Clone(s)
	if ascii {
		for r := 'a'; r <= 'z'; r++ {
			if up := r - 'a' + 'A'; s.contains(r) || s.contains(up) {
				out = append(out, r, r, up, up)
			}
		}
		return normalize(out)
	}
	const few = 200 // characters; of more it is faster to look at all that have cases
	if s.size() <= few {
		for i := 0; i < len(s); i += 2 {
			for r := s[i]; r <= s[i+1]; r++ {
				out = appendCases(out, r)
			}
		}
		return normalize(out)
	}
	for _, c := range unicode.CaseRanges {
		for r := rune(c.Lo); r <= rune(c.Hi); r++ { //nolint:gosec // at most unicode.MaxRune
			// Not all of an orbit are in CaseRanges (ß has no upper case of its own), but one of them is.
			if orbit := appendCases(nil, r); containsAny(s, orbit) {
				out = append(out, orbit...)
			}
		}
	}
	for _, class := range pythonOnlyCases() {
		for _, r := range class {
			if s.contains(r) {
				out = appendCases(out, r)
			}
		}
	}
	return normalize(out)
}

func containsAny(s runeSet, pairs []rune) bool {
	for i := 0; i < len(pairs); i += 2 {
		if s.contains(pairs[i]) {
			return true
		}
	}
	return false
}

// pythonOnlyCases returns the characters that Python takes for the same ignoring case (their lower or upper case forms
// are the same, one or several characters long) and Unicode's simple case folding does not.
func pythonOnlyCases() [4]string {
	return [...]string{"Iiİı", "\u0390\u1fd3", "\u03b0\u1fe3", "\ufb05\ufb06"}
}

// appendCases appends the characters that are r but for case, r among them, as pairs of bounds.
func appendCases(pairs []rune, r rune) []rune {
	for _, class := range pythonOnlyCases() {
		for _, c := range class {
			if c != r {
				continue
			}
			for _, same := range class {
				pairs = append(pairs, same, same)
			}
			return pairs
		}
	}
	pairs = append(pairs, r, r)
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		pairs = append(pairs, f, f)
	}
	return pairs
}
