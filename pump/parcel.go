package pump

import (
	"slices"
	"time"
)

// parcel is a batch with the stretch of the log it accounts for: once its records are accepted, the lane's position
// is to, and the entries that the view left out count as filtered.
type parcel struct {
	records  []Record
	bytes    int
	entries  int64 // read from the log: those of the records and those filtered out
	recalled int64 // entries that records are of and that are none of these: the recorder's
	to       Position
	recorder RecorderState // at to
	heard    uint64        // the last notice (see feed.next) up to there
	gaps     []Gap

	stretches []stretch // of its records
}

// assembler cuts rendered chunks into parcels.
type assembler struct {
	limits BatchLimits
	cur    parcel
	due    time.Time // when the current parcel has to go, complete or not; zero while it accounts for nothing
	spare  [][]Record
}

func (a *assembler) empty() bool { return a.due.IsZero() }

// begin lets the current parcel account for something.
func (a *assembler) begin() { a.due = time.Now().Add(a.limits.Age) }

// add appends a chunk, with what the recorder adds to it, and calls flush with each parcel that is complete. It stops at flush's
// first error.
func (a *assembler) add(c *Chunk, r *Rendered, additions []Addition, flush func(parcel) error) error {
	if a.empty() {
		a.begin()
	}
	p := packing{assembler: a, flush: flush, at: places{chunk: c}, gaps: slices.Clone(c.Gaps)}
	records, size, first := r.Records, r.Bytes, 0
	for i := range additions {
		at, end := r.recordsOf(additions[i].Entry)
		before := r.Records[first:at]
		first = end
		if err := p.add(before, sizeOf(before)); err != nil {
			return err
		}
		if err := p.insert(&additions[i]); err != nil {
			return err
		}
	}
	if first > 0 {
		records = records[first:]
		size = sizeOf(records)
	}
	if err := p.add(records, size); err != nil {
		return err
	}
	p.cover(len(c.Entries))
	a.cur.to = c.To
	a.cur.heard = max(a.cur.heard, c.notice)
	a.cur.gaps = append(a.cur.gaps, p.gaps...)
	if len(a.cur.records) >= a.limits.Records || a.cur.bytes >= a.limits.Bytes {
		return a.flush(flush)
	}
	return nil
}

// packing is the work on one chunk.
type packing struct {
	*assembler
	flush   func(parcel) error
	at      places
	gaps    []Gap // not passed yet
	covered int   // so many of the chunk's entries are accounted for
	placed  int   // and so many by the current parcel's place
}

// cover accounts for the chunk's entries up to, but without, entry n.
func (p *packing) cover(n int) {
	p.cur.entries += int64(n - p.covered)
	p.covered = n
}

// next hands over the current parcel, which leads to the last entry that it accounts for, and begins another.
func (p *packing) next() error {
	if p.placed < p.covered {
		p.placed = p.covered
		p.cur.to = p.at.after(p.covered - 1)
		p.gaps = p.pass(p.gaps)
	}
	err := p.assembler.flush(p.flush)
	p.begin()
	return err
}

// add appends records of the view, which have size bytes.
func (p *packing) add(records []Record, size int) error {
	for len(records) > 0 {
		n, bytes := p.fit(records, size)
		if n == 0 { // full
			if err := p.next(); err != nil {
				return err
			}
			continue
		}
		p.mark(false)
		p.cur.records = append(p.cur.records, records[:n]...)
		p.cur.bytes += bytes
		size -= bytes
		p.cover(records[n-1].Index + 1)
		records = records[n:]
	}
	return nil
}

// insert appends what the recorder adds. A parcel that ends within leads to the entry before.
func (p *packing) insert(x *Addition) error {
	p.cover(x.Entry)
	own, rest := x.Own, x.Records
	for len(rest) > 0 {
		n, bytes := p.fit(rest, sizeOf(rest))
		if n == 0 {
			if err := p.next(); err != nil {
				return err
			}
			continue
		}
		p.mark(true)
		p.cur.records = append(p.cur.records, rest[:n]...)
		p.cur.bytes += bytes
		p.cur.recalled += entriesOf(rest[:n])
		if rest = rest[n:]; len(rest) > 0 {
			own -= n
			p.cur.recorder.Of, p.cur.recorder.Left = x.ID, len(rest)
		}
	}
	p.cover(x.Entry + 1)
	if own >= 0 { // it is in this parcel, which accounts for the entry
		p.cur.recalled--
	}
	p.cur.recorder = RecorderState{State: x.State}
	s := &p.cur.stretches[len(p.cur.stretches)-1]
	s.last, s.recalled, s.recorder = x.Entry, p.cur.recalled, p.cur.recorder
	return nil
}

// pass adds the gaps before the place that the current parcel leads to, and returns the others.
func (a *assembler) pass(gaps []Gap) (rest []Gap) {
	return slices.DeleteFunc(gaps, func(g Gap) bool {
		passed := a.cur.to.passed(&g)
		if passed {
			a.cur.gaps = append(a.cur.gaps, g)
		}
		return passed
	})
}

// fit returns how many of the records the current parcel still takes, and their bytes, which are at most size in all.
func (a *assembler) fit(records []Record, size int) (n, bytes int) {
	room, space := a.limits.Records-len(a.cur.records), a.limits.Bytes-a.cur.bytes
	if len(records) <= room && size <= space {
		return len(records), size
	}
	for n < len(records) && n < room {
		b := len(records[n].Body)
		if bytes+b > space && (n > 0 || len(a.cur.records) > 0) {
			break
		}
		bytes += b
		n++
	}
	return a.whole(records, n, bytes)
}

// whole makes room for all records of an entry or for none, as a position is before an entry or after it. An entry by itself
// always fits.
func (a *assembler) whole(records []Record, n, bytes int) (int, int) {
	for n > 0 && n < len(records) && records[n].sameEntry(&records[n-1]) {
		n--
		bytes -= len(records[n].Body)
	}
	if n > 0 || len(a.cur.records) > 0 {
		return n, bytes
	}
	for n == 0 || n < len(records) && records[n].sameEntry(&records[n-1]) {
		bytes += len(records[n].Body)
		n++
	}
	return n, bytes
}

// flush hands over the current parcel, if it accounts for anything, and begins a new one where that one led to.
func (a *assembler) flush(to func(parcel) error) error {
	if a.empty() {
		return nil
	}
	p := a.cur
	a.cur, a.due = parcel{to: p.to, recorder: p.recorder, heard: p.heard}, time.Time{}
	if k := len(a.spare); k > 0 {
		a.cur.records, a.spare = a.spare[k-1], a.spare[:k-1]
	}
	return to(p)
}
