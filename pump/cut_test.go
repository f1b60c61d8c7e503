package pump

import (
	"fmt"
	"slices"
	"testing"
)

// cutRig makes a parcel of chunks of ten entries. Odd ones are filtered, each third of the others has two records, every 25th has
// something added before it, and after each seventh there is a gap of one.
func cutRig(t *testing.T, chunks int) *parcel {
	t.Helper()
	a := assembler{limits: BatchLimits{Records: 1 << 20, Bytes: 1 << 20}}
	route := &Route{Name: "r"}
	n := uint64(0)
	place := func(n uint64) Cursor { return Cursor{SeqnumID: ID128{1}, Seqnum: n, Parts: HasAll} }
	fail := func(parcel) error { return fmt.Errorf("a parcel went") }
	for range chunks {
		c, r, additions := &Chunk{From: Position{Cursor: place(n)}}, &Rendered{}, []Addition(nil)
		for i := range 10 {
			n++
			if n%7 == 1 && n > 1 {
				c.Gaps = append(c.Gaps, Gap{SeqnumID: ID128{1}, First: n, Last: n, Count: 1})
				n++
			}
			c.Entries = append(c.Entries, Entry{Position: place(n)})
			own := Record{Body: []byte("own"), Chunk: c, Index: i, Route: route}
			if i%2 == 0 {
				r.Records, r.Bytes = append(r.Records, own), r.Bytes+len(own.Body)
				if i%6 == 0 {
					r.Records, r.Bytes = append(r.Records, own), r.Bytes+len(own.Body)
				}
			}
			if i == 5 {
				past := &Chunk{Entries: []Entry{{}, {}}}
				additions = append(additions, Addition{Entry: i, State: fmt.Sprint(n), Own: 2, Records: []Record{
					{Body: []byte("p"), Chunk: past, Route: route}, {Body: []byte("q"), Chunk: past, Index: 1, Route: route}, own,
				}})
			}
		}
		c.To = Position{Cursor: place(n)}
		if err := a.add(c, r, additions, fail); err != nil {
			t.Fatal(err)
		}
	}
	return &a.cur
}

// Wherever a parcel is cut, what lies before the cut says all about itself.
func TestAParcelIsCutBetweenEntries(t *testing.T) {
	t.Parallel()
	p := cutRig(t, 4)
	places := p.places()
	for k := range p.records {
		n := places[entryOf(&p.records[k])]
		o, ok := p.upTo(n, places, nil)
		if !ok {
			if n > 0 {
				t.Errorf("nothing is before record %d", n)
			}
			continue
		}
		if o.records > int64(n) || o.bytes != int64(sizeOf(p.records[:o.records])) {
			t.Fatalf("before record %d: %d records with %d bytes", n, o.records, o.bytes)
		}
		var entries, shown, recalled int64
		var gaps []Gap
		state, seen := "", map[*Chunk]bool{}
		for i := range p.stretches {
			c := p.stretches[i].chunk
			if seen[c] {
				continue
			}
			seen[c] = true
			for e := range c.Entries {
				at := c.Entries[e].Position.Seqnum
				if at > o.to.Seqnum {
					break
				}
				entries++
				if e == 5 {
					recalled, state, shown = recalled+2, fmt.Sprint(at), shown+3
				} else if e%2 == 0 {
					shown++
				}
			}
			for _, g := range c.Gaps {
				if g.Last <= o.to.Seqnum {
					gaps = append(gaps, g)
				}
			}
		}
		if o.entries != entries || o.shown != shown || o.recalled != recalled || o.recorder.State != state || !slices.Equal(o.gaps, gaps) {
			t.Errorf("before record %d: %d entries, %d shown, %d recalled, state %q, gaps %v; want %d, %d, %d, %q, %v",
				n, o.entries, o.shown, o.recalled, o.recorder.State, o.gaps, entries, shown, recalled, state, gaps)
		}
	}
	if whole, ok := p.upTo(len(p.records), places, nil); !ok || whole.to != p.to || whole.entries != 40 || len(whole.gaps) != len(p.gaps) {
		t.Errorf("the whole: %+v", whole)
	}
}
