package pump

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Reached says up to which number a sequence of a log was read. The journal has a sequence for each journald that ever wrote
// it, and more (see docs/adr/0003); the order between sequences is decided by clocks, which may be set back, and entries may
// be added to one late. So the position of one entry does not say how far the others were read, and a place to read on from
// keeps that beside it.
type Reached struct {
	SeqnumID ID128
	Seqnum   uint64
}

func (r Reached) compareID(id ID128) int { return bytes.Compare(r.SeqnumID[:], id[:]) }

// reachedSize is what each takes up in a position's Others: the ID and the number, big-endian; they are ordered by ID.
const reachedSize = 16 + 8

// SetOthers notes how far the log's sequences were read. all is sorted, by ID. The position's own is left out, which it says
// itself, and those of which nothing was read: they are as if they were new.
func (p *Position) SetOthers(all []Reached) {
	if !slices.IsSortedFunc(all, compareReached) {
		slices.SortFunc(all, compareReached)
	}
	p.Whole, p.Others = true, ""
	if len(all) == 0 || len(all) == 1 && p.owns(all[0]) {
		return
	}
	b := make([]byte, 0, len(all)*reachedSize)
	for _, r := range all {
		if r.Seqnum == 0 || p.owns(r) {
			continue
		}
		b = append(b, r.SeqnumID[:]...)
		b = binary.BigEndian.AppendUint64(b, r.Seqnum)
	}
	p.Others = string(b)
}

func compareReached(a, b Reached) int { return a.compareID(b.SeqnumID) }

func (p *Position) owns(r Reached) bool { return p.Parts&HasSeqnum != 0 && r.SeqnumID == p.SeqnumID }

// Reached returns how far the sequences were read, the position's own left out, by ID; nil if it does not say.
func (p *Position) Reached() []Reached {
	if !p.Whole {
		return nil
	}
	all := make([]Reached, 0, len(p.Others)/reachedSize)
	for rest := []byte(p.Others); len(rest) >= reachedSize; rest = rest[reachedSize:] {
		all = append(all, Reached{ID128(rest), binary.BigEndian.Uint64(rest[16:])})
	}
	return all
}

// ReachedIn returns how far a sequence was read; ok is false if the position does not say, or if the sequence was not known.
func (p *Position) ReachedIn(id ID128) (seqnum uint64, ok bool) {
	if p.owns(Reached{SeqnumID: id}) {
		return p.Seqnum, true
	}
	for rest := p.Others; len(rest) >= reachedSize; rest = rest[reachedSize:] {
		if rest[:len(id)] == string(id[:]) {
			return binary.BigEndian.Uint64([]byte(rest[16:reachedSize])), true
		}
	}
	return 0, false
}

// Passed is a copy of an entry, under another number, that was left out of a chunk.
type Passed struct {
	After int // the index of the entry before it, -1 if it was before the first
	Cursor
}

// PositionAfter returns the place just after entry i: its cursor, and how far the log's other sequences are there.
func (c *Chunk) PositionAfter(i int) Position {
	p := places{chunk: c}
	return p.after(i)
}

// places finds the places after some of a chunk's entries, in order.
type places struct {
	chunk   *Chunk
	next    int // the first entry that reached does not count
	reached []Reached
	passed  []Passed // not counted yet
	at      int      // the index in reached of the sequence noted last
}

// after is Chunk.PositionAfter. The next call is for a later entry.
func (s *places) after(i int) Position {
	c := s.chunk
	p := Position{Cursor: c.Entries[i].Position}
	if !c.To.Whole || len(c.Reached) == 0 {
		return p
	}
	if len(c.Reached) == 1 && p.owns(c.Reached[0]) && len(c.Passed) == 0 {
		p.SetOthers(nil)
		return p
	}
	if s.reached == nil {
		s.reached, s.passed = slices.Clone(c.Reached), c.Passed
		s.skip(-1, &Cursor{})
	}
	for ; s.next <= i; s.next++ {
		at := c.Entries[s.next].Position
		s.note(&at)
		s.skip(s.next, &at)
		p.Cursor = at
	}
	p.SetOthers(s.reached)
	return p
}

// skip notes the copies that were left out after the entry. Those of its own sequence take its place.
func (s *places) skip(after int, entry *Cursor) {
	for ; len(s.passed) > 0 && s.passed[0].After == after; s.passed = s.passed[1:] {
		c := &s.passed[0].Cursor
		s.note(c)
		if c.SeqnumID == entry.SeqnumID {
			*entry = *c
		}
	}
}

func (s *places) note(c *Cursor) {
	if s.at >= len(s.reached) || s.reached[s.at].SeqnumID != c.SeqnumID {
		i, ok := slices.BinarySearchFunc(s.reached, c.SeqnumID, Reached.compareID)
		if !ok {
			return // the log does not keep it
		}
		s.at = i
	}
	s.reached[s.at].Seqnum = c.Seqnum
}
