package pattern

// filter rules out texts that a pattern can't match without running it. At most one of literal, finder and window is set; with
// none, and without starts, it rules out nothing.
type filter struct {
	starts  []needle   // the text must begin with one of these; may be nil
	literal *fixedText // must be in the text
	finder  *finder
	window  *window

	needles []needle // what literal or finder look for
}

func newFilter(root *node) filter {
	f := newInnerFilter(root)
	f.starts = starts(root)
	return f
}

// newInnerFilter returns the filter by what is anywhere in the text.
func newInnerFilter(root *node) filter {
	found := needles(root).contained()
	const selective = 3 // two characters, one way or another
	if score(found) >= selective {
		if f, ok := needleFilter(found); ok {
			return f
		}
	}
	f, _ := needleFilter(found)
	if w := newWindow(root); w != nil && w.bits > f.bits() {
		return filter{window: w}
	}
	return f
}

// bits says how selective a filter for very short needles is, to be compared with a window's. Looking for a byte is so
// much faster that it gets some bonus.
func (f *filter) bits() float64 {
	const byteBits, bonus = 7, 6
	if f.literal == nil {
		return 0
	}
	return byteBits*float64(len(f.literal.text)) + bonus
}

func needleFilter(found []needle) (f filter, ok bool) {
	if len(found) == 1 && !found[0].fold {
		return filter{literal: newFixedText(found[0].text), needles: found}, true
	}
	owned := make([]ownedNeedle, len(found))
	for i, n := range found {
		owned[i].needle = n
	}
	if f := newFinder(owned); f != nil {
		return filter{finder: f, needles: found}, true
	}
	return filter{}, false
}

func (f *filter) mayMatch(text []byte) bool {
	switch {
	case f.starts != nil && !beginsWithAny(text, f.starts):
		return false
	case f.literal != nil:
		return f.literal.in(text)
	case f.finder != nil:
		return f.finder.any(text)
	case f.window != nil:
		return f.window.mayMatch(text)
	}
	return true
}

func beginsWithAny(text []byte, needles []needle) bool {
	for i := range needles {
		if needles[i].begins(text) {
			return true
		}
	}
	return false
}
