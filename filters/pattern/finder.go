package pattern

import (
	"slices"
	"strings"
)

// finder finds which of many needles are in a text, looking at two bytes at a time and skipping as many as no needle
// allows in that place (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994).
type finder struct {
	shortest int // bytes; at least minFinderNeedle, at most maxFinderShift+1
	shift    [blocks]uint8
	first    [blocks + 1]uint16 // needles[first[h]:first[h+1]] have the block h at the end of their first shortest bytes
	needles  []ownedNeedle
	odd      []uint32 // owners of needles for which texts with oddLetters are not ruled out
}

type ownedNeedle struct {
	needle
	owner uint32
	block uint32
}

const (
	blocks          = 1 << 10 // two bytes, hashed
	minFinderNeedle = 2
	maxFinderShift  = 31
	maxFinder       = 1 << 15 // needles
)

// block hashes two bytes; letters in either case have the same hash.
func block(a, b byte) uint32 { return (uint32(a|0x20)<<5 ^ uint32(b|0x20)) % blocks }

// newFinder returns nil if a needle is too short for it, or there are none, or too many.
func newFinder(needles []ownedNeedle) *finder {
	if len(needles) == 0 || len(needles) > maxFinder {
		return nil
	}
	f := &finder{shortest: maxFinderShift + 1, needles: slices.Clone(needles)}
	for _, n := range needles {
		f.shortest = min(f.shortest, len(n.text))
		if n.odd && !slices.Contains(f.odd, n.owner) {
			f.odd = append(f.odd, n.owner)
		}
	}
	if f.shortest < minFinderNeedle {
		return nil
	}
	for i := range f.shift {
		f.shift[i] = uint8(f.shortest - 1) //nolint:gosec // at most maxFinderShift
	}
	for i := range f.needles {
		n := &f.needles[i]
		for j := 1; j < f.shortest; j++ {
			n.block = block(n.text[j-1], n.text[j])
			f.shift[n.block] = min(f.shift[n.block], uint8(f.shortest-1-j)) //nolint:gosec // at most maxFinderShift
		}
	}
	slices.SortStableFunc(f.needles, func(a, b ownedNeedle) int { return int(a.block) - int(b.block) })
	for _, n := range f.needles {
		f.first[n.block+1]++
	}
	for h := range blocks {
		f.first[h+1] += f.first[h]
	}
	return f
}

// next returns the block at i or later that a needle may have there: where the next needles may end.
func (f *finder) next(text []byte, i int) (at int, h uint32) {
	for i < len(text) {
		h = block(text[i-1], text[i])
		s := f.shift[h]
		if s == 0 {
			return i, h
		}
		i += int(s)
	}
	return len(text), 0
}

// at returns the needles that may begin so that the first bytes of theirs end at i, in the block h.
func (f *finder) at(h uint32) []ownedNeedle { return f.needles[f.first[h]:f.first[h+1]] }

// any reports whether there is any needle in text.
func (f *finder) any(text []byte) bool {
	for i, h := f.next(text, f.shortest-1); i < len(text); i, h = f.next(text, i+1) {
		for k := range f.at(h) {
			if f.at(h)[k].begins(text[i+1-f.shortest:]) {
				return true
			}
		}
	}
	return len(f.odd) > 0 && hasOddLetter(text)
}

// mark sets the bits of the owners of all needles in text.
func (f *finder) mark(bits []uint64, text []byte) {
	for i, h := f.next(text, f.shortest-1); i < len(text); i, h = f.next(text, i+1) {
		for k := range f.at(h) {
			n := &f.at(h)[k]
			if bits[n.owner/64]&(1<<(n.owner%64)) == 0 && n.begins(text[i+1-f.shortest:]) {
				bits[n.owner/64] |= 1 << (n.owner % 64)
			}
		}
	}
	if len(f.odd) > 0 && hasOddLetter(text) {
		for _, o := range f.odd {
			bits[o/64] |= 1 << (o % 64)
		}
	}
}

// begins reports whether text begins with the needle.
func (n *needle) begins(text []byte) bool {
	if len(text) < len(n.text) {
		return false
	}
	text = text[:len(n.text)]
	if !n.fold {
		return string(text) == n.text
	}
	for i, b := range text {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b != n.text[i] {
			return false
		}
	}
	return true
}

// oddLetters are the characters beyond ASCII that are ASCII letters but for case: of i, s and k.
const oddLetters = "İıſ\u212a"

func hasOddLetter(text []byte) bool {
	if isASCII(text) {
		return false
	}
	for _, r := range string(text) { // does not copy
		if r > 127 && strings.ContainsRune(oddLetters, r) {
			return true
		}
	}
	return false
}
