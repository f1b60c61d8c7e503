package pump

import "testing"

func TestCovers(t *testing.T) {
	t.Parallel()
	at := func(sequence byte, seqnum uint64, boot byte, monotonic, realtime uint64) Cursor {
		return Cursor{SeqnumID: ID128{sequence}, Seqnum: seqnum, BootID: ID128{boot}, Monotonic: monotonic, Realtime: realtime, Parts: HasAll}
	}
	whole := Position{Cursor: at(1, 10, 1, 500, 5000)}
	whole.SetOthers([]Reached{{ID128{1}, 10}, {ID128{2}, 20}})
	plain := Position{Cursor: at(1, 10, 1, 500, 5000)}
	realtime := Position{Cursor: Cursor{Realtime: 5000, Parts: HasRealtime}}
	for _, c := range []struct {
		name  string
		pos   Position
		entry Cursor
		want  bool
	}{
		{"nothing is before the head", Position{}, at(1, 1, 1, 1, 1), false},
		{"the position's own entry", plain, at(1, 10, 1, 500, 5000), true},
		{"one later", plain, at(1, 11, 1, 1, 1), false},
		{"earlier by number, whatever the clocks say", plain, at(1, 9, 1, 900, 9000), true},
		{"another sequence that was read", whole, at(2, 20, 1, 900, 9000), true},
		{"another sequence, further on", whole, at(2, 21, 1, 1, 1), false},
		{"a sequence that is new", whole, at(3, 1, 1, 1, 1), false},
		{"another sequence, same boot", plain, at(3, 1, 1, 500, 9000), true},
		{"another sequence, same boot, later", plain, at(3, 1, 1, 501, 1), false},
		{"another boot, earlier", plain, at(3, 1, 2, 900, 5000), true},
		{"another boot, later", plain, at(3, 1, 2, 1, 5001), false},
		{"only a time", realtime, at(1, 1, 1, 1, 5000), true},
		{"only a time, later", realtime, at(1, 1, 1, 1, 5001), false},
	} {
		if got := c.pos.Covers(&c.entry); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	gap := Gap{SeqnumID: ID128{1}, First: 5, Last: 7}
	for seqnum, want := range map[uint64]bool{4: false, 5: true, 7: true, 8: false} {
		c := at(1, seqnum, 1, 1, 1)
		if gap.Holds(&c) != want {
			t.Errorf("the gap holds %d: %t", seqnum, !want)
		}
	}
	other := at(2, 6, 1, 1, 1)
	if unknown := (Gap{SeqnumID: ID128{2}}); gap.Holds(&other) || unknown.Holds(&other) {
		t.Error("a gap holds what it does not know of")
	}
}
