package pump

import "log/slog"

// A lane that begins at the head of the log has no position until something is accepted, so what is vacuumed away meanwhile would leave no
// trace. It therefore remembers with which entry the log began, until it has a position.

// begins notes with which entry the log begins for a lane that has no position yet, and returns the gap if it began with another
// one before.
func (s *SenderSnapshot) begins(c *Chunk) (gap Gap, lost bool) {
	if !s.Position.IsZero() || !c.From.IsZero() || len(c.Entries) == 0 {
		return Gap{}, false
	}
	was, is := s.First, Position{Cursor: c.Entries[0].Position}
	s.First = is
	if was.IsZero() || was.SeqnumID != is.SeqnumID || was.Seqnum >= is.Seqnum {
		return Gap{}, false
	}
	for _, g := range c.Gaps {
		if g.SeqnumID == was.SeqnumID && g.First <= was.Seqnum {
			return Gap{}, false // the log knows of it itself
		}
	}
	return Gap{
		SeqnumID: was.SeqnumID,
		First:    was.Seqnum,
		Last:     is.Seqnum - 1,
		Count:    is.Seqnum - was.Seqnum,
		From:     was.Realtime,
		To:       is.Realtime,
		Reason:   "vacuumed",
	}, true
}

// see shows a chunk that a lane has fetched to all whom it concerns.
func (r *reader) see(c *Chunk) {
	r.begins(c)
	r.observer.see(c)
}

// begins tells the lanes that have no position yet, whether or not their senders could be opened, how the log begins.
func (r *reader) begins(c *Chunk) {
	if !c.From.IsZero() {
		return
	}
	for _, l := range r.currentLanes() {
		l.state.begins(c, l.log)
	}
}

func (s *laneState) begins(c *Chunk, log *slog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.snap.Started {
		return
	}
	gap, lost := s.snap.begins(c)
	if lost {
		s.snap.Gaps.add([]Gap{gap})
		log.Warn("entries are missing at the beginning of the journal, nothing of which has been accepted yet", "reason", gap.Reason,
			"count", gap.Count, "first_seqnum", gap.First, "last_seqnum", gap.Last)
	}
}
