package pattern

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"
)

// window is a few characters in a row that a match has to contain, each out of a set: for patterns without any fixed
// text, such as \b4[0-9]{12}(?:[0-9]{3})?\b. It is searched for from the end of every place it may be at, so that most
// of a text is not even looked at (Navarro and Raffinot's backward nondeterministic DAWG matching).
type window struct {
	masks  [256]uint32 // by byte, the positions it may stand at, the first one in the highest bit
	length int
	bits   float64 // how selective it is
	beyond runeSet // what it may contain beyond ASCII; texts with any of that are not ruled out
}

const (
	maxWindow = 32 // bits in a mask
	// minWindowBits is how selective a window must be: it rules out all but one in 2^minWindowBits random places.
	minWindowBits = 9
)

// newWindow returns the most selective window of a pattern, nil if there is none worth looking for.
func newWindow(root *node) *window {
	r := windowRuns(root)
	sets := r.best
	for len(sets) > 0 && setBits(sets[0]) < 1 {
		sets = sets[1:]
	}
	for len(sets) > 0 && setBits(sets[len(sets)-1]) < 1 {
		sets = sets[:len(sets)-1]
	}
	if runBits(sets) < minWindowBits {
		return nil
	}
	w := &window{length: len(sets), bits: runBits(sets)}
	var beyond []rune
	for i, s := range sets {
		for r := rune(0); r <= unicode.MaxASCII; r++ {
			if s.contains(r) {
				w.masks[r] |= 1 << (len(sets) - 1 - i)
			}
		}
		beyond = append(beyond, s...)
	}
	w.beyond = slices.Clone(normalize(beyond))
	if !w.beyond.hasBeyondASCII() {
		w.beyond = nil
	}
	return w
}

// mayMatch reports whether the window may be in text.
func (w *window) mayMatch(text []byte) bool {
	if w.beyond != nil && !isASCII(text) {
		for i := 0; i < len(text); {
			r, width := utf8.DecodeRune(text[i:])
			if r > unicode.MaxASCII && w.beyond.contains(r) {
				return true
			}
			i += width
		}
	}
	top := uint32(1) << (w.length - 1)
	for at := 0; at+w.length <= len(text); {
		i, shift := w.length, w.length
		for state := ^uint32(0); state != 0; state <<= 1 {
			i--
			state &= w.masks[text[at+i]]
			if state&top == 0 {
				continue
			}
			if i == 0 {
				return true
			}
			shift = i
		}
		at += shift
	}
	return false
}

// runs is what is known of the characters that a node matches, one set for each.
type runs struct {
	exact          bool      // every match is as long as prefix and matches it
	prefix, suffix []runeSet // what every match begins and ends with
	best           []runeSet // the most selective row of characters in every match
}

func exactRuns(sets []runeSet) runs {
	return runs{exact: true, prefix: sets, suffix: sets, best: sets}
}

func windowRuns(n *node) runs {
	switch n.op {
	case opEmpty, opAssert, opLook:
		return exactRuns(nil)
	case opSet:
		return exactRuns([]runeSet{n.set})
	case opConcat:
		out := exactRuns(nil)
		for _, s := range n.subs {
			out = joinRuns(out, windowRuns(s))
		}
		return out
	case opAlternate:
		out := windowRuns(n.subs[0])
		for _, s := range n.subs[1:] {
			out = uniteRuns(out, windowRuns(s))
		}
		return out
	case opRepeat:
		return repeatRuns(n)
	case opCapture, opAtomic:
		return windowRuns(n.subs[0])
	default:
		return runs{}
	}
}

// joinRuns returns what is known of a match of one part followed by one of another.
func joinRuns(a, b runs) runs {
	across := slices.Concat(a.suffix, b.prefix)
	if len(across) > maxWindow {
		// Keep what is next to the border; the whole is not exact any more.
		cut := min(max(0, len(a.suffix)-maxWindow/2), len(across)-maxWindow)
		across = across[cut:][:maxWindow]
		a.exact, b.exact = a.exact && len(b.prefix) == 0, b.exact && len(a.suffix) == 0
	}
	out := runs{exact: a.exact && b.exact, prefix: a.prefix, suffix: b.suffix}
	if a.exact {
		out.prefix = across
	}
	if b.exact {
		out.suffix = across
	}
	out.best = betterRun(betterRun(a.best, b.best), across)
	return out
}

// uniteRuns returns what is known of a match of either.
func uniteRuns(a, b runs) runs {
	n := min(len(a.prefix), len(b.prefix))
	out := runs{exact: a.exact && b.exact && len(a.prefix) == len(b.prefix)}
	out.prefix = uniteSets(a.prefix[:n], b.prefix[:n])
	if out.exact {
		out.suffix = out.prefix
	} else {
		n = min(len(a.suffix), len(b.suffix))
		out.suffix = uniteSets(a.suffix[len(a.suffix)-n:], b.suffix[len(b.suffix)-n:])
	}
	out.best = betterRun(out.prefix, out.suffix)
	return out
}

func uniteSets(a, b []runeSet) []runeSet {
	out := make([]runeSet, len(a))
	for i := range a {
		out[i] = normalize(slices.Concat(a[i], b[i]))
	}
	return out
}

func repeatRuns(n *node) runs {
	if n.min == 0 && n.max != 0 {
		return runs{}
	}
	out := exactRuns(nil)
	body := windowRuns(n.subs[0])
	for i := 0; i < n.min && i < maxWindow; i++ {
		out = joinRuns(out, body)
	}
	out.exact = out.exact && n.min == n.max && n.min <= maxWindow
	return out
}

func betterRun(a, b []runeSet) []runeSet {
	if runBits(b) > runBits(a) {
		return b
	}
	return a
}

// runBits says how selective a row of characters is, in bits.
func runBits(sets []runeSet) float64 {
	sum := 0.0
	for _, s := range sets {
		sum += setBits(s)
	}
	return sum
}

func setBits(s runeSet) float64 {
	const all = unicode.MaxASCII + 1
	return math.Log2(all / float64(max(s.ascii().size(), 1)))
}
