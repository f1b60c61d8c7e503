package pump

import (
	"testing"
	"time"
)

func at(seqnum uint64) Position {
	return Position{Cursor: Cursor{SeqnumID: ID128{1}, Seqnum: seqnum, Parts: HasSeqnum}}
}

// The first mark is kept, and the others are the farther apart the older they are.
func TestMarksAreThinnedOut(t *testing.T) {
	t.Parallel()
	s := SenderSnapshot{Started: true}
	now := time.Unix(1_700_000_000, 0)
	s.firstMark("x", now)
	s.Position, s.Ledger = at(1), Ledger{Read: 1, Accepted: 1}
	s.passMark(now) // the first comes early
	for hour := range uint64(200) {
		s.Position = at(hour + 2)
		s.Ledger = Ledger{Read: int64(hour) + 6, InFlight: 4, Accepted: int64(hour) + 2}
		before := len(s.Marks)
		now = now.Add(59 * time.Minute)
		s.passMark(now)
		if len(s.Marks) != before {
			t.Fatal("a mark came early")
		}
		now = now.Add(time.Minute)
		s.passMark(now)
		for i := range s.Marks {
			m := &s.Marks[i]
			if m.Ledger.Read != m.Ledger.Accepted || int64(m.Position.Seqnum) != m.Ledger.Read {
				t.Fatalf("mark %+v", m)
			}
			if i > 0 && m.Position.Seqnum <= s.Marks[i-1].Position.Seqnum {
				t.Fatalf("they are not in order: %+v", s.Marks)
			}
		}
	}
	if n := len(s.Marks); n < maxMarks/2 || n > maxMarks || !s.Marks[0].Position.IsZero() || s.Marks[n-1].Position.Seqnum < 195 {
		t.Errorf("%d marks: %+v", n, s.Marks)
	}
}

func TestMarksCountAnew(t *testing.T) {
	t.Parallel()
	marks := []Mark{{Position: at(3), Ledger: Ledger{Read: 3}}}
	for _, c := range []struct {
		name   string
		before SenderSnapshot
		want   int64 // what had been read at the first mark; -1: no mark
	}{
		{"as before", SenderSnapshot{Started: true, Position: at(9), Sees: "x", Marks: marks, Ledger: Ledger{Read: 9}}, 3},
		{"other settings", SenderSnapshot{Started: true, Position: at(9), Sees: "y", Marks: marks, Ledger: Ledger{Read: 9}}, 9},
		{"put back", SenderSnapshot{Started: true, Position: at(2), Sees: "x", Marks: marks, Ledger: Ledger{Read: 9}}, 9},
		{"put back to the head", SenderSnapshot{Started: true, Sees: "x", Marks: marks, Ledger: Ledger{Read: 9}}, 9},
		{"of a version without marks", SenderSnapshot{Started: true, Position: at(9), Ledger: Ledger{Read: 9}}, 9},
		{"not started", SenderSnapshot{Sees: "x"}, -1},
	} {
		s := newLaneState(SenderSpec{Sees: "x"}, nil, c.before).snap
		got := int64(-1)
		if len(s.Marks) > 0 {
			got = s.Marks[0].Ledger.Read
		}
		if got != c.want || s.Sees != "x" {
			t.Errorf("%s: %+v", c.name, s.Marks)
		}
	}
	l := newLaneState(SenderSpec{Sees: "x"}, nil, SenderSnapshot{Sees: "x", Ledger: Ledger{Read: 9, Accepted: 9}})
	l.start(Position{}, Position{})
	c := &Chunk{Entries: []Entry{{Position: at(7).Cursor}}, Begins: true}
	if _, _, changed := l.begins(c); !changed || l.snap.Marks[0].First != at(7) || l.snap.Marks[0].Ledger.Read != 9 {
		t.Errorf("at the head: %+v", l.snap.Marks)
	}
	l.settle(&outcome{to: at(8), entries: 2})
	if len(l.snap.Marks) != 2 || l.snap.Marks[1].Position != at(8) || l.snap.Marks[0].First != at(7) {
		t.Errorf("after the first batch: %+v", l.snap.Marks)
	}
}
