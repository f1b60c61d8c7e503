package libsystemd

import "journalpump/pump"

// names reports whether p is the position of the entry at e: all parts that p has are the same, as in
// sd_journal_test_cursor(3).
func names(p, e pump.Position) bool {
	same := !p.IsZero()
	if p.Parts&pump.HasSeqnum != 0 {
		same = same && p.SeqnumID == e.SeqnumID && p.Seqnum == e.Seqnum
	}
	if p.Parts&pump.HasMonotonic != 0 {
		same = same && p.BootID == e.BootID && p.Monotonic == e.Monotonic
	}
	if p.Parts&pump.HasRealtime != 0 {
		same = same && p.Realtime == e.Realtime
	}
	if p.Parts&pump.HasXorHash != 0 {
		same = same && p.XorHash == e.XorHash
	}
	return same
}

// precedes reports whether e, of another sequence and boot, comes before the entry p at the same time. libsystemd goes to
// the first entry of that time; which come before p is decided by their contents.
func precedes(e, p pump.Position) bool {
	const parts = pump.HasRealtime | pump.HasXorHash
	return p.Parts&parts == parts && e.Realtime == p.Realtime && e.XorHash < p.XorHash &&
		(p.Parts&pump.HasSeqnum == 0 || e.SeqnumID != p.SeqnumID) && (p.Parts&pump.HasMonotonic == 0 || e.BootID != p.BootID)
}

// follows reports whether nothing can lie between two entries: their sequence numbers are neighbours.
func follows(before, after pump.Position) bool {
	return before.Parts&after.Parts&pump.HasSeqnum != 0 &&
		before.SeqnumID == after.SeqnumID && before.Seqnum+1 == after.Seqnum
}

// Reasons of gaps.
const (
	reasonVacuumed   = "vacuumed"
	reasonUnreadable = "unreadable"
)

// gapBetween returns what is missing between an entry that is gone and the first one after it; ok is false if that is
// nothing.
func gapBetween(gone, next pump.Position, reason string) (g pump.Gap, ok bool) {
	if gone.Parts&pump.HasSeqnum == 0 { // it named no entry, only a place
		return pump.Gap{}, false
	}
	g = pump.Gap{SeqnumID: gone.SeqnumID, First: gone.Seqnum + 1, From: gone.Realtime, To: next.Realtime, Reason: reason}
	if gone.SeqnumID != next.SeqnumID {
		return g, true // how much there was is not known
	}
	if next.Seqnum <= gone.Seqnum+1 {
		return pump.Gap{}, false
	}
	g.Last = next.Seqnum - 1
	g.Count = g.Last - gone.Seqnum
	return g, true
}
