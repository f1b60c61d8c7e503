package pump

import "testing"

// A lane without a position notices when the entries are gone that it has seen at the head of the log.
func TestBeginning(t *testing.T) {
	t.Parallel()
	at := func(id byte, seqnum uint64) Position {
		return Position{Cursor: Cursor{SeqnumID: ID128{id}, Seqnum: seqnum, Realtime: 1000 * seqnum, Parts: HasAll}}
	}
	chunk := func(from Position, gaps []Gap, first ...Position) *Chunk {
		c := &Chunk{From: from, To: at(1, 9), Gaps: gaps, Begins: from.IsZero()}
		for _, p := range first {
			c.Entries = append(c.Entries, Entry{Position: p.Cursor})
		}
		return c
	}
	zero := Position{}
	for name, c := range map[string]struct {
		position, first Position
		chunk           *Chunk
		lost            Gap
		then            Position
	}{
		"first look":            {zero, zero, chunk(zero, nil, at(1, 5)), Gap{}, at(1, 5)},
		"still there":           {zero, at(1, 5), chunk(zero, nil, at(1, 5)), Gap{}, at(1, 5)},
		"gone":                  {zero, at(1, 5), chunk(zero, nil, at(1, 8)), Gap{ID128{1}, 5, 7, 3, 5000, 8000, "vacuumed"}, at(1, 8)},
		"older ones turned up":  {zero, at(1, 5), chunk(zero, nil, at(1, 2)), Gap{}, at(1, 2)},
		"another sequence":      {zero, at(1, 5), chunk(zero, nil, at(2, 9)), Gap{}, at(2, 9)},
		"known to the log":      {zero, at(1, 5), chunk(zero, []Gap{{SeqnumID: ID128{1}, First: 5, Last: 7}}, at(1, 8)), Gap{}, at(1, 5)},
		"gone, nothing is left": {zero, at(1, 5), chunk(zero, nil), Gap{ID128{1}, 5, 9, 5, 5000, 9000, "vacuumed"}, zero},
		"nothing so far":        {zero, at(1, 10), chunk(zero, nil), Gap{}, at(1, 10)},
		"not the first chunk":   {zero, at(1, 5), chunk(at(1, 7), nil, at(1, 8)), Gap{}, at(1, 5)},
		"a position":            {at(1, 6), zero, chunk(zero, nil, at(1, 8)), Gap{}, zero},
	} {
		s := SenderSnapshot{Position: c.position, First: c.first}
		gap, lost := s.begins(c.chunk)
		if gap != c.lost || lost != (c.lost != Gap{}) {
			t.Errorf("%s: lost %t, %+v; want %+v", name, lost, gap, c.lost)
		}
		if s.First != c.then {
			t.Errorf("%s: then the first is %v, want %v", name, s.First, c.then)
		}
	}
}
