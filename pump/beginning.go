package pump

import "context"

// A lane that begins at the head of the log has no position until something is accepted, so what is vacuumed away meanwhile would leave no
// trace. It therefore remembers with which entry the log began, until it has a position.

// begins notes with which entry the log begins for a lane that has no position yet, and returns the gap if it began with another
// one before.
func (s *SenderSnapshot) begins(c *Chunk) (gap Gap, lost bool) {
	if !s.Position.IsZero() || !c.Begins {
		return Gap{}, false
	}
	if len(c.Entries) == 0 {
		return s.goneFirst(c)
	}
	was, is := s.First, Position{Cursor: c.Entries[0].Position}
	if was.IsZero() || was.SeqnumID != is.SeqnumID || was.Seqnum >= is.Seqnum {
		s.First = is
		return Gap{}, false
	}
	for _, g := range c.Gaps {
		if g.SeqnumID == was.SeqnumID && g.First <= was.Seqnum {
			return Gap{}, false // the log knows of it itself, for as long as it is there
		}
	}
	s.First = is
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

// goneFirst returns the gap if the entry that the log began with is not where it was, and nothing came in its place: at most all up to
// where the log was looked through is gone.
func (s *SenderSnapshot) goneFirst(c *Chunk) (gap Gap, lost bool) {
	was := s.First
	if was.IsZero() || !c.To.Covers(&was.Cursor) {
		return Gap{}, false
	}
	s.First = Position{}
	last, _ := c.To.ReachedIn(was.SeqnumID)
	last = max(last, was.Seqnum)
	return Gap{
		SeqnumID: was.SeqnumID,
		First:    was.Seqnum,
		Last:     last,
		Count:    last - was.Seqnum + 1,
		From:     was.Realtime,
		To:       max(was.Realtime, c.To.Realtime),
		Reason:   "vacuumed",
	}, true
}

// see shows a chunk that a lane has fetched to all whom it concerns.
func (r *reader) see(c *Chunk) {
	r.begins(c)
	r.observer.see(c)
}

// begins tells the lanes that have no position yet, whether or not their senders could be opened, how the log begins. Those
// that are just being started ask for it.
func (r *reader) begins(c *Chunk) {
	if !c.Begins {
		return
	}
	if len(c.Entries) > 0 {
		r.mu.Lock()
		r.first = Position{Cursor: c.Entries[0].Position}
		r.mu.Unlock()
	}
	for _, l := range r.currentLanes() {
		l.begins(c)
	}
}

// lookAtBeginning finds out how the log begins for a lane that starts there, so that what vanishes before its sender can be opened is
// missed: those who have a position do not come there any more. It does not wait for entries, nor for somebody else who looks at the
// same, and tells this lane then.
func (l *lane) lookAtBeginning(ctx context.Context) {
	now, cancel := context.WithCancel(ctx)
	cancel()
	var pos Position
	var heard uint64
	for {
		c, err := l.feed.next(ctx, now, pos, heard)
		if err != nil {
			return // the lane comes upon it itself
		}
		if l.begin(c); len(c.Entries) > 0 {
			return
		}
		pos, heard = c.To, max(heard, c.notice)
	}
}

// lacksBeginning reports whether the lane starts at the beginning of the log and does not know what that is.
func (s *laneState) lacksBeginning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap.Started && s.snap.Position.IsZero() && s.snap.First.IsZero()
}

// head returns the first entry of the log as last seen; zero if it was not.
func (r *reader) head() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

func (l *lane) begins(c *Chunk) {
	l.moving.Lock()
	defer l.moving.Unlock()
	gap, lost, changed := l.state.begins(c)
	if changed {
		l.record(l.state.snapshot())
	}
	if lost {
		l.log.Warn("entries are missing at the beginning of the journal, nothing of which has been accepted yet", "reason", gap.Reason,
			"count", gap.Count, "first_seqnum", gap.First, "last_seqnum", gap.Last)
	}
}

// begins reports whether the chunk is what the log began with when counting did.
func (m *Mark) begins(c *Chunk) bool {
	return m.Position.IsZero() && m.First.IsZero() && c.Begins && len(c.Entries) > 0
}

func (s *laneState) begins(c *Chunk) (gap Gap, lost, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.snap.Started {
		return Gap{}, false, false
	}
	was := s.snap.First
	if gap, lost = s.snap.begins(c); lost {
		s.snap.Gaps.add([]Gap{gap})
	}
	if m := s.snap.Marks; len(m) == 1 && m[0].begins(c) && s.snap.Ledger.Read == m[0].Ledger.Read {
		s.snap.Marks = []Mark{{Time: m[0].Time, First: Position{Cursor: c.Entries[0].Position}, Ledger: m[0].Ledger, Gaps: m[0].Gaps}}
	}
	return gap, lost, s.snap.First != was
}
