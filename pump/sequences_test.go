package pump

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func in(sequence byte, n uint64) Cursor {
	return Cursor{SeqnumID: ID128{sequence}, Seqnum: n, Realtime: n, Parts: HasSeqnum | HasRealtime}
}

func TestSetOthers(t *testing.T) {
	t.Parallel()
	p := Position{Cursor: in(2, 7)}
	if _, ok := p.ReachedIn(ID128{1}); ok || p.Reached() != nil {
		t.Errorf("what a position says that was told nothing: %v", p.Reached())
	}
	p.SetOthers([]Reached{{ID128{3}, 1 << 63}, {ID128{2}, 6}, {ID128{1}, 4}, {ID128{4}, 0}})
	if want := []Reached{{ID128{1}, 4}, {ID128{3}, 1 << 63}}; !slices.Equal(p.Reached(), want) || !p.Whole {
		t.Errorf("got %v, want %v", p.Reached(), want)
	}
	for _, tt := range []struct {
		id   byte
		want uint64
		ok   bool
	}{{1, 4, true}, {2, 7, true}, {3, 1 << 63, true}, {4, 0, false}} {
		if n, ok := p.ReachedIn(ID128{tt.id}); n != tt.want || ok != tt.ok {
			t.Errorf("sequence %d: %d, %v", tt.id, n, ok)
		}
	}
	if s := p.String(); s != in(2, 7).String() || strings.Contains(s, "01000000") {
		t.Errorf("the cursor is %s", s)
	}
	q := Position{Cursor: in(2, 7)}
	q.SetOthers([]Reached{{ID128{1}, 4}, {ID128{3}, 1 << 63}})
	if p != q {
		t.Errorf("%v and %v differ", p, q)
	}
}

// sequencesChunk has entries of the sequences 1, 2 and 3, and copies that were left out.
func sequencesChunk() *Chunk {
	c := &Chunk{Reached: []Reached{{ID128{1}, 10}, {ID128{2}, 20}, {ID128{3}, 0}, {ID128{4}, 40}}}
	for _, at := range []Cursor{in(1, 11), in(1, 12), in(2, 25), in(3, 1), in(1, 13), in(9, 9)} {
		c.Entries = append(c.Entries, Entry{Position: at})
	}
	c.Passed = []Passed{{-1, in(4, 41)}, {1, in(4, 42)}, {2, in(2, 26)}, {2, in(2, 27)}, {4, in(3, 2)}}
	c.To = Position{Cursor: in(9, 9)}
	c.To.SetOthers([]Reached{{ID128{1}, 13}, {ID128{2}, 27}, {ID128{3}, 2}, {ID128{4}, 42}})
	return c
}

func TestPositionAfter(t *testing.T) {
	t.Parallel()
	c := sequencesChunk()
	wants := []struct {
		at     Cursor
		others []Reached
	}{
		{in(1, 11), []Reached{{ID128{2}, 20}, {ID128{4}, 41}}},
		{in(1, 12), []Reached{{ID128{2}, 20}, {ID128{4}, 42}}},
		{in(2, 27), []Reached{{ID128{1}, 12}, {ID128{4}, 42}}}, // behind the copies in its own sequence
		{in(3, 1), []Reached{{ID128{1}, 12}, {ID128{2}, 27}, {ID128{4}, 42}}},
		{in(1, 13), []Reached{{ID128{2}, 27}, {ID128{3}, 2}, {ID128{4}, 42}}},
		{in(9, 9), []Reached{{ID128{1}, 13}, {ID128{2}, 27}, {ID128{3}, 2}, {ID128{4}, 42}}}, // of a sequence that is not kept
	}
	walk := places{chunk: c}
	for i, want := range wants {
		got := c.PositionAfter(i)
		if got.Cursor != want.at || !slices.Equal(got.Reached(), want.others) {
			t.Errorf("after entry %d: %v %v, want %v %v", i, got.Cursor, got.Reached(), want.at, want.others)
		}
		if i%2 == 1 { // a walk may leave out some
			if at := walk.after(i); at != got {
				t.Errorf("on the way, after entry %d: %v, want %v", i, at, got)
			}
		}
	}
	if got := c.PositionAfter(5); got != c.To {
		t.Errorf("after all: %v, want %v", got, c.To)
	}
	c.To = Position{Cursor: c.To.Cursor}
	if got := c.PositionAfter(0); got != (Position{Cursor: in(1, 11)}) {
		t.Errorf("in a log of one sequence: %v", got)
	}
}

// A batch that ends within a chunk knows how far each sequence is there.
func TestBatchesEndBetweenSequences(t *testing.T) {
	t.Parallel()
	c := sequencesChunk()
	r := &Rendered{}
	for i := range c.Entries {
		r.Records = append(r.Records, Record{Chunk: c, Index: i, Body: []byte("x")})
		r.Bytes++
	}
	a := assembler{limits: BatchLimits{Records: 2, Bytes: 1000}}
	var ends []Position
	if err := a.add(c, r, nil, func(p parcel) error { ends = append(ends, p.to); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := []Position{c.PositionAfter(1), c.PositionAfter(3), c.To}; !slices.Equal(ends, want) {
		t.Errorf("batches end at %v, want %v", ends, want)
	}
}

// A gap belongs to the batch that passes it: who goes on from the batch before meets it again.
func TestBatchesTakeTheGapsTheyPass(t *testing.T) {
	t.Parallel()
	id, other := ID128{1}, ID128{2}
	c := &Chunk{Gaps: []Gap{
		{SeqnumID: id, First: 1, Last: 2}, {SeqnumID: id, First: 5, Last: 5}, {SeqnumID: id, First: 9, Last: 9}, {SeqnumID: other, First: 3, Last: 7}, {Reason: "unknown"},
	}}
	r := &Rendered{}
	for i, n := range []uint64{3, 4, 6, 7, 8} {
		c.Entries = append(c.Entries, Entry{Position: Cursor{SeqnumID: id, Seqnum: n, Realtime: n, Parts: HasAll}})
		r.Records = append(r.Records, Record{Chunk: c, Index: i, Body: []byte("x")})
		r.Bytes++
	}
	c.To = Position{Cursor: Cursor{SeqnumID: id, Seqnum: 10, Parts: HasAll}}
	a := assembler{limits: BatchLimits{Records: 2, Bytes: 1000}}
	var passed [][]uint64
	take := func(p parcel) error {
		var firsts []uint64
		for _, g := range p.gaps {
			firsts = append(firsts, g.First)
		}
		passed = append(passed, firsts)
		return nil
	}
	if err := errors.Join(a.add(c, r, nil, take), a.flush(take)); err != nil {
		t.Fatal(err)
	}
	// Where the last two are nobody can tell from the position, so they count at once.
	if want := [][]uint64{{1, 3, 0}, {5}, {9}}; !reflect.DeepEqual(passed, want) {
		t.Errorf("passed %v, want %v", passed, want)
	}
	if len(c.Gaps) != 5 || c.Gaps[1].First != 5 {
		t.Errorf("the chunk has changed: %+v", c.Gaps)
	}
}
