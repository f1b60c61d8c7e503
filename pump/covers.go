package pump

// Covers reports whether a lane at the position has left the entry behind, so far as the position tells. Where it says nothing of
// the entry's sequence, clocks decide.
func (p *Position) Covers(c *Cursor) bool {
	if p.IsZero() {
		return false
	}
	if c.Parts&HasSeqnum != 0 {
		if reached, ok := p.ReachedIn(c.SeqnumID); ok {
			return c.Seqnum <= reached
		}
		if p.Whole { // nothing of it was read
			return false
		}
	}
	if p.Parts&c.Parts&HasMonotonic != 0 && c.BootID == p.BootID {
		return c.Monotonic <= p.Monotonic
	}
	return p.Parts&c.Parts&HasRealtime != 0 && c.Realtime <= p.Realtime
}

// Holds reports whether the gap is known to take in the entry.
func (g *Gap) Holds(c *Cursor) bool {
	return c.Parts&HasSeqnum != 0 && g.First > 0 && g.SeqnumID == c.SeqnumID && g.First <= c.Seqnum && c.Seqnum <= g.Last
}
