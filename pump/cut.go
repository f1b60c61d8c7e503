package pump

import "slices"

// stretch is some records of a parcel that follow each other: those of the view, of one chunk, or what a recorder adds. With
// these a parcel can be cut later as if it had been assembled in two.
type stretch struct {
	chunk *Chunk
	entry int // the first that it accounts for
	// What the parcel has before it.
	records, gaps int
	entries       int64
	heard         uint64
	// What it has after it.
	recalled int64
	recorder RecorderState
	// Of what a recorder adds: the entry in whose place that is.
	added bool
	last  int
}

// mark begins a stretch.
func (p *packing) mark(added bool) {
	p.cur.stretches = append(p.cur.stretches, stretch{
		chunk: p.at.chunk, entry: p.covered, records: len(p.cur.records), gaps: len(p.cur.gaps), entries: p.cur.entries, heard: p.cur.heard,
		recalled: p.cur.recalled, recorder: p.cur.recorder, added: added,
	})
}

// upTo returns the outcome of the records before n, with those of the letters that are of them, as if the parcel had ended there. It
// is the whole parcel's if n is all of them. ok is false if no entry ends before n.
func (p *parcel) upTo(n int, places map[deadEntry]int, letters []DeadLetter) (o outcome, ok bool) {
	if n == len(p.records) {
		o = p.outcome()
	} else if o, ok = p.cut(n); !ok {
		return o, false
	}
	for i := range letters {
		if r := &letters[i].Record; places[entryOf(r)] < int(o.records) {
			o.addDead(r)
			o.letters = append(o.letters, letters[i])
		}
	}
	return o, true
}

// outcome returns that of all records being accepted.
func (p *parcel) outcome() outcome {
	return outcome{
		to: p.to, recorder: p.recorder, heard: p.heard, entries: p.entries, shown: entriesOf(p.records), records: int64(len(p.records)),
		bytes: int64(p.bytes), recalled: p.recalled, gaps: p.gaps,
	}
}

// cut returns the outcome of the records before n, the first one of its entry, being accepted. What a recorder adds counts whole.
func (p *parcel) cut(n int) (o outcome, ok bool) {
	i := len(p.stretches) - 1
	for i > 0 && p.stretches[i].records > n {
		i--
	}
	if i < 0 {
		return outcome{}, false
	}
	if s := &p.stretches[i]; s.added || s.records == n {
		n = s.records
		i--
	}
	if n == 0 {
		return outcome{}, false
	}
	s, records := &p.stretches[i], p.records[:n]
	last := s.last
	if !s.added {
		last = records[n-1].Index
	}
	o = outcome{
		to: s.chunk.PositionAfter(last), recorder: s.recorder, heard: s.heard, entries: s.entries + int64(last+1-s.entry), shown: entriesOf(records),
		records: int64(n), bytes: int64(sizeOf(records)), recalled: s.recalled, gaps: slices.Clone(p.gaps[:s.gaps]),
	}
	for _, g := range p.gaps[s.gaps:] {
		if slices.Contains(s.chunk.Gaps, g) && o.to.passed(&g) {
			o.gaps = append(o.gaps, g)
		}
	}
	return o, true
}

// passed reports whether a gap of the chunk in which the position is lies before it: who goes on from there meets the others again.
// One that it cannot tell where it is counts as passed, as nobody might meet it again.
func (p *Position) passed(g *Gap) bool {
	reached, known := p.ReachedIn(g.SeqnumID)
	return !known || g.Last <= reached
}

// places returns where in the parcel the records of each entry begin.
func (p *parcel) places() map[deadEntry]int {
	places := make(map[deadEntry]int, len(p.records))
	for i := range p.records {
		if e := entryOf(&p.records[i]); i == 0 || e != entryOf(&p.records[i-1]) {
			if _, ok := places[e]; !ok {
				places[e] = i
			}
		}
	}
	return places
}

// settleBeginning settles what it can of a parcel that is being given up: what lies before the first record that was neither
// accepted nor buried, or else the letters. What was accepted behind that is sent again, as there is but one position.
func (d *delivery) settleBeginning(p *parcel, o *outcome) {
	places, n := p.places(), len(p.records)
	for i := range d.left {
		n = min(n, places[entryOf(&d.left[i])])
	}
	begin, ok := p.upTo(n, places, o.letters)
	if !ok {
		return
	}
	if d.bury(begin.letters) != nil {
		for i := range begin.letters {
			n = min(n, places[entryOf(&begin.letters[i].Record)])
		}
		if begin, ok = p.upTo(n, places, nil); !ok {
			return
		}
	}
	d.move(&begin)
}
