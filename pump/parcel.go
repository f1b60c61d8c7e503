package pump

import (
	"slices"
	"time"
)

// parcel is a batch with the stretch of the log it accounts for: once its records are accepted, the lane's position
// is to, and the entries that the view left out count as filtered.
type parcel struct {
	records []Record
	bytes   int
	entries int64 // read from the log: those of the records and those filtered out
	to      Position
	gaps    []Gap
}

// assembler cuts rendered chunks into parcels.
type assembler struct {
	limits BatchLimits
	cur    parcel
	due    time.Time // when the current parcel has to go, complete or not; zero while it accounts for nothing
	spare  [][]Record
}

func (a *assembler) empty() bool { return a.due.IsZero() }

// add appends a chunk and calls flush with each parcel that is complete. It stops at flush's first error.
func (a *assembler) add(c *Chunk, r *Rendered, flush func(parcel) error) error {
	if a.empty() {
		a.due = time.Now().Add(a.limits.Age)
	}
	gaps := slices.Clone(c.Gaps)
	records, covered, size, at := r.Records, 0, r.Bytes, places{chunk: c}
	for len(records) > 0 {
		n, bytes := a.fit(records, size)
		if n == 0 { // full
			if err := a.flush(flush); err != nil {
				return err
			}
			a.due = time.Now().Add(a.limits.Age)
			continue
		}
		a.cur.records = append(a.cur.records, records[:n]...)
		a.cur.bytes += bytes
		size -= bytes
		last := &records[n-1]
		a.cur.entries += int64(last.Index + 1 - covered)
		covered = last.Index + 1
		if records = records[n:]; len(records) > 0 { // else it is the chunk's end
			a.cur.to = at.after(last.Index)
			gaps = a.pass(gaps)
		}
	}
	a.cur.entries += int64(len(c.Entries) - covered)
	a.cur.to = c.To
	a.cur.gaps = append(a.cur.gaps, gaps...)
	if len(a.cur.records) >= a.limits.Records || a.cur.bytes >= a.limits.Bytes {
		return a.flush(flush)
	}
	return nil
}

// pass adds the gaps before the place that the current parcel leads to, and returns the others: who goes on from there meets
// those again. One that it cannot tell where it is counts as passed, as nobody might meet it again.
func (a *assembler) pass(gaps []Gap) (rest []Gap) {
	return slices.DeleteFunc(gaps, func(g Gap) bool {
		reached, known := a.cur.to.ReachedIn(g.SeqnumID)
		passed := !known || g.Last <= reached
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

// flush hands over the current parcel, if it accounts for anything, and begins a new one.
func (a *assembler) flush(to func(parcel) error) error {
	if a.empty() {
		return nil
	}
	p := a.cur
	a.cur, a.due = parcel{}, time.Time{}
	if k := len(a.spare); k > 0 {
		a.cur.records, a.spare = a.spare[k-1], a.spare[:k-1]
	}
	return to(p)
}
