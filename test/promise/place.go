package promise

import (
	"slices"
	"strconv"
	"strings"
)

// place is where an entry is in the journal. No entry has the zero place.
type place struct {
	sequence string // its seqnum_id, in hexadecimal
	seqnum   uint64
}

// parsePlace returns the place in a cursor; ok is false if there is none.
func parsePlace(cursor string) (p place, ok bool) {
	for part := range strings.SplitSeq(cursor, ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "s":
			p.sequence = value
		case "i":
			p.seqnum, _ = strconv.ParseUint(value, 16, 64) // 0, like a cursor without it
		}
	}
	return p, p.sequence != "" && p.seqnum > 0
}

// notBefore reports whether the place is other or one after it, in the same sequence.
func (p place) notBefore(other place) bool {
	return p.sequence == other.sequence && p.seqnum >= other.seqnum
}

// places are those of the entries, by number, less one. Sequence numbers rise with them.
type places []place

// from returns the number of the first entry at the place or after it in its sequence, one after all that there are if there is none.
func (ps places) from(p place) int {
	for i, at := range ps {
		if at.notBefore(p) {
			return i + 1
		}
	}
	return len(ps) + 1
}

// upTo returns the number of the last entry at the place or before it in its sequence, 0 if there is none.
func (ps places) upTo(p place) int {
	for i, at := range slices.Backward(ps) {
		if p.notBefore(at) {
			return i + 1
		}
	}
	return 0
}
