//go:build cgo && linux

package libsystemd

import (
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// unlinked is the entry that was not complete when it was read last, which can only be the newest. journald makes an
// entry visible, then links its fields to it one by one; a new field is linked in two steps, and libsystemd takes it for
// damaged in between (journal_file_check_object, "Bad data n_entries") and passes over it without a word. If journald
// loses its processor just then, that can last: the entry comes without its MESSAGE.
type unlinked struct {
	entry pump.Position
	since time.Time
	terms []uint64 // scratch
}

const (
	linkAge  = 5 * time.Second // older entries are complete, or will never be
	linkTime = time.Second     // how long one is waited for
)

// holds reports whether the entry whose fields were read should be waited for.
func (u *unlinked) holds(p *pump.Position, r *dataReader) bool {
	age := time.Since(time.UnixMicro(int64(p.Realtime))) //nolint:gosec // 292,000 years
	if age.Abs() > linkAge || p.Parts&pump.HasXorHash == 0 || u.complete(p.XorHash, r) {
		return false
	}
	if u.entry != *p {
		u.entry, u.since = *p, time.Now()
	}
	return time.Since(u.since) < linkTime
}

// complete reports whether the fields are all those that the entry was made with. A field that it was made with twice is
// kept once, but cancels itself out in the hash; that is so rare that two of them are enough.
func (u *unlinked) complete(hash uint64, r *dataReader) bool {
	u.terms = u.terms[:0]
	for data := range r.fields() {
		term := journalfile.XorHash(data)
		hash ^= term
		u.terms = append(u.terms, term)
	}
	if hash == 0 {
		return true
	}
	for i, first := range u.terms {
		if hash == first {
			return true
		}
		for _, second := range u.terms[:i] {
			if hash == first^second {
				return true
			}
		}
	}
	return false
}
