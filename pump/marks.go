package pump

import (
	"slices"
	"time"
)

// A ledger counts since its lane began, and most of what it has counted may have been vacuumed since. So that it can be held
// against the log all the same, the lane remembers what its ledger said at some places that it has passed.

// Mark is a place that a lane has passed, and what it had counted there.
type Mark struct {
	Time     time.Time
	Position Position
	First    Position // the first entry there was, if Position is zero and anything was read
	Ledger   Ledger   // nothing is in flight
	Gaps     int64    // entries in gaps
}

const (
	markEvery = time.Hour
	maxMarks  = 8
)

// mark adds a mark for where the lane is.
func (s *SenderSnapshot) mark(now time.Time) {
	ledger := s.Ledger
	ledger.Read -= ledger.InFlight
	ledger.InFlight = 0
	marks := append(slices.Clone(s.Marks), Mark{Time: now.UTC(), Position: s.Position, First: s.First, Ledger: ledger, Gaps: s.Gaps.Entries})
	if len(marks) > maxMarks { // keep the first, the newest, and of those between every other, so that the oldest are farthest apart
		kept := marks[:1]
		for i := 2; i < len(marks); i += 2 {
			kept = append(kept, marks[i])
		}
		marks = kept
	}
	s.Marks = marks
}

// passMark adds a mark if it is time for one. The first comes early if there is only the head of the log, of which the log does
// not say afterwards what is missing there.
func (s *SenderSnapshot) passMark(now time.Time) {
	n := len(s.Marks)
	if n == 0 || s.Position.IsZero() {
		return
	}
	last := &s.Marks[n-1]
	if now.Sub(last.Time).Abs() >= markEvery || n == 1 && last.Position.IsZero() {
		s.mark(now)
	}
}

// firstMark begins to count anew for a lane whose marks are of no use: it has none, it sees other entries now, or its position
// was put back.
func (s *SenderSnapshot) firstMark(sees string, now time.Time) {
	n := len(s.Marks)
	useful := n > 0 && s.Sees == sees && (s.Marks[n-1].Position.IsZero() || s.Position.Covers(&s.Marks[n-1].Position.Cursor))
	s.Sees = sees
	if useful {
		return
	}
	s.Marks = nil
	if s.Started {
		s.mark(now)
	}
}
