package pump

import "testing"

// What is before a place is what its sequences have come to, without the place's own entry.
func TestRecallIsBefore(t *testing.T) {
	t.Parallel()
	own, other, unknown := ID128{1}, ID128{2}, ID128{3}
	at := Position{Cursor: Cursor{Parts: HasSeqnum | HasRealtime, SeqnumID: own, Seqnum: 10, Realtime: 100}}
	timeOnly := Recall{Before: Position{Cursor: Cursor{Parts: HasRealtime, Realtime: 100}}}
	at.SetOthers([]Reached{{SeqnumID: own, Seqnum: 10}, {SeqnumID: other, Seqnum: 5}})
	what := Recall{Before: at}
	for _, c := range []struct {
		what   *Recall
		id     ID128
		seqnum uint64
		time   uint64
		want   bool
	}{
		{&what, own, 9, 200, true},
		{&what, own, 10, 100, false},
		{&what, own, 11, 50, false},
		{&what, other, 5, 200, true},
		{&what, other, 6, 50, false},
		{&what, unknown, 1, 50, false},
		{&timeOnly, own, 1, 99, true},
		{&timeOnly, own, 1, 101, false},
		{&Recall{}, own, 1, 50, false},
	} {
		entry := Cursor{Parts: HasSeqnum | HasRealtime, SeqnumID: c.id, Seqnum: c.seqnum, Realtime: c.time}
		if got := c.what.IsBefore(&entry); got != c.want {
			t.Errorf("%v before %v: %t", entry, c.what.Before, got)
		}
	}
}
