package guard

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"journalpump/internal/spool"
	"journalpump/pump"
)

// store is a stretch of the journal, or several, in a spool. Its methods may be called concurrently, append by one goroutine.
type store struct {
	spool *spool.Spool
	enc   encoder
	meta  []byte

	mu      sync.Mutex
	records []record // in the order of the journal
	passed  int      // so many of them all senders are past; they are there to be looked back at
}

type record struct {
	spool.Record
	place
}

// openStore opens a spool and finds out what it holds. The problems are those of records that it has to do without.
func openStore(o spool.Options) (s *store, problems []error, err error) {
	sp, err := spool.Open(o)
	if err != nil {
		return nil, nil, err
	}
	s = &store{spool: sp}
	problems = sp.Problems()
	for _, r := range sp.Records() {
		p, err := parsePlace(r.Meta)
		if err != nil {
			problems = append(problems, fmt.Errorf("record %d: %w", r.Number, err))
			continue
		}
		s.records = append(s.records, record{r, p})
	}
	return s, problems, nil
}

func (s *store) close() error { return s.spool.Close() }

// append puts a chunk at the end.
func (s *store) append(c *pump.Chunk) error {
	body, err := s.enc.encode(c)
	if err != nil {
		return err
	}
	p := placeOf(c)
	s.meta = p.append(s.meta[:0])
	r, err := s.spool.Append(s.meta, body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, record{r, p})
	return nil
}

func (s *store) sync() error { return s.spool.Sync() }

// end returns up to where it goes; ok is false when there is nothing that a sender lacks.
func (s *store) end() (to pump.Position, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.records); n > s.passed {
		return s.records[n-1].to, true
	}
	return pump.Position{}, false
}

// newestFirst returns the records, the last one in the order of the journal first.
func (s *store) newestFirst() []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.records)
	slices.Reverse(all)
	return all
}

// size returns how much there is that a sender lacks.
func (s *store) size() (bytes, entries int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == s.passed {
		return 0, 0
	}
	for _, r := range s.records[s.passed:] {
		entries += int64(r.place.entries) //nolint:gosec // of a chunk
	}
	return s.spool.Size(), entries
}

// find returns the record that has what comes after a position; ok is false if it is not there.
func (s *store) find(p *pump.Position) (r record, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.index(p); i >= 0 {
		return s.records[i], true
	}
	return record{}, false
}

func (s *store) index(p *pump.Position) int {
	for i := range s.records {
		if same(&s.records[i].from, p) {
			return i
		}
	}
	return slices.IndexFunc(s.records, func(r record) bool { return r.holds(p) })
}

// same reports whether two positions are after the same entry.
func same(a, b *pump.Position) bool {
	if a.Parts&b.Parts&pump.HasSeqnum == 0 {
		return *a == *b
	}
	return a.SeqnumID == b.SeqnumID && a.Seqnum == b.Seqnum && a.Realtime == b.Realtime && a.XorHash == b.XorHash
}

// holds reports whether the position is inside the chunk: after its beginning and before its end.
func (p *place) holds(at *pump.Position) bool {
	if at.Parts&pump.HasSeqnum == 0 || same(at, &p.to) {
		return false
	}
	if p.from.Parts&p.to.Parts&pump.HasSeqnum != 0 && p.from.SeqnumID == at.SeqnumID && p.to.SeqnumID == at.SeqnumID {
		return p.from.Seqnum <= at.Seqnum && at.Seqnum < p.to.Seqnum
	}
	return slices.ContainsFunc(p.spans, func(s span) bool { return s.id == at.SeqnumID && s.first <= at.Seqnum && at.Seqnum <= s.last })
}

// within returns the first record that begins after a position, but within a gap that follows it.
func (s *store) within(p *pump.Position, gap *pump.Gap) (r record, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		begins := &r.from
		if begins.Parts&p.Parts&pump.HasSeqnum == 0 || begins.SeqnumID != p.SeqnumID || gap.SeqnumID != p.SeqnumID {
			continue
		}
		if begins.Seqnum > p.Seqnum && begins.Seqnum >= gap.First && (gap.Last == 0 || begins.Seqnum <= gap.Last) {
			return r, true
		}
	}
	return record{}, false
}

// chunk reads what a record has after a position.
func (s *store) chunk(r *record, after pump.Position, d *decoder) (*pump.Chunk, error) {
	body, err := s.spool.Body(&r.Record, d.body)
	if err != nil {
		return nil, err
	}
	d.body = body
	c := &pump.Chunk{From: after, To: r.to, Corrupted: int(min(r.corrupted, 1<<30))}
	if err := d.decode(body, &after, c); err != nil {
		return nil, fmt.Errorf("%w: %w", spool.ErrCorrupt, err)
	}
	c.Reached = reachedAt(&r.place, &after)
	for _, g := range r.gaps {
		if g, ok := gapAfter(g, &after); ok {
			c.Gaps = append(c.Gaps, g)
		}
	}
	return c, nil
}

// reachedAt returns where the sequences of a record were at a position in it, for the places between its entries; nil if that is
// not known.
func reachedAt(r *place, after *pump.Position) []pump.Reached {
	from := after
	if !from.Whole {
		from = &r.from
	}
	if !r.to.Whole || !from.Whole && !from.IsZero() {
		return nil
	}
	reached := from.Reached()
	if from.Parts&pump.HasSeqnum != 0 {
		reached = append(reached, pump.Reached{SeqnumID: from.SeqnumID, Seqnum: from.Seqnum})
	}
	for _, s := range r.spans {
		if !slices.ContainsFunc(reached, func(r pump.Reached) bool { return r.SeqnumID == s.id }) {
			reached = append(reached, pump.Reached{SeqnumID: s.id})
		}
	}
	slices.SortFunc(reached, func(a, b pump.Reached) int { return bytes.Compare(a.SeqnumID[:], b.SeqnumID[:]) })
	return reached
}

// gapAfter returns what of a gap is after a position; ok is false if nothing is.
func gapAfter(g pump.Gap, p *pump.Position) (left pump.Gap, ok bool) {
	if p.Parts&pump.HasSeqnum == 0 || g.SeqnumID != p.SeqnumID || g.First > p.Seqnum || g.First == 0 {
		return g, true
	}
	if g.Last != 0 && g.Last <= p.Seqnum {
		return pump.Gap{}, false
	}
	g.First, g.From = p.Seqnum+1, p.Realtime
	if g.Last != 0 {
		g.Count = min(g.Count, g.Last-g.First+1)
	}
	return g, true
}

// forget takes out a record that cannot be read.
func (s *store) forget(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.records, func(r record) bool { return r.Number == number })
	if i < 0 {
		return
	}
	s.records = slices.Delete(slices.Clone(s.records), i, i+1)
	if i < s.passed {
		s.passed--
	}
}

// trim deletes what all the lanes are past and none looks back to.
func (s *store) trim(lanes []pump.LanePlace) error {
	s.mu.Lock()
	needed := len(s.records)
	for i := range lanes {
		needed = min(needed, s.firstAfter(&lanes[i].Position))
	}
	keep := needed
	for i := range lanes {
		keep = min(keep, s.firstWithin(&lanes[i], needed))
	}
	before := s.drop(keep)
	s.passed = needed - keep
	s.mu.Unlock()
	if keep == 0 && (before != all || s.spool.Size() == 0) {
		return nil
	}
	return s.spool.Trim(before)
}

// makeRoom deletes what is there only to be looked back at; ok is false if that is nothing.
func (s *store) makeRoom() (ok bool, err error) {
	s.mu.Lock()
	if s.passed == 0 {
		s.mu.Unlock()
		return false, nil
	}
	before := s.drop(s.passed)
	s.passed = 0
	s.mu.Unlock()
	return true, s.spool.Trim(before)
}

// all is a number before which all records are.
const all = ^uint64(0)

// drop takes out the first n records, and returns the number of the next one.
func (s *store) drop(n int) (next uint64) {
	s.records = slices.Clone(s.records[n:])
	if len(s.records) == 0 {
		return all
	}
	return s.records[0].Number
}

// firstWithin returns the index of the first record that somebody may look back to who is past the first n.
func (s *store) firstWithin(l *pump.LanePlace, n int) int {
	if l.LookBack <= 0 || l.Position.Parts&pump.HasRealtime == 0 {
		return n
	}
	since := l.Position.Realtime - min(l.Position.Realtime, uint64(l.LookBack.Microseconds())) //nolint:gosec // positive
	for n > 0 && s.records[n-1].to.Realtime >= since {
		n--
	}
	return n
}

// firstAfter returns the index of the first record that somebody at the position may need.
func (s *store) firstAfter(p *pump.Position) int {
	if i := s.index(p); i >= 0 {
		return i
	}
	if len(s.records) == 0 || s.past(p) {
		return len(s.records)
	}
	return 0
}

// after estimates how many entries come after a position, and returns where they end; without any, that is the position.
func (s *store) after(p *pump.Position) (entries int64, end pump.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.firstAfter(p)
	if i == len(s.records) {
		return 0, *p
	}
	for k := i; k < len(s.records); k++ {
		entries += int64(s.records[k].entries) //nolint:gosec // of a chunk
	}
	if first := &s.records[i]; first.from.Seqnum < p.Seqnum && p.Seqnum <= first.to.Seqnum && p.SeqnumID == first.to.SeqnumID && p.SeqnumID == first.from.SeqnumID {
		read := float64(p.Seqnum-first.from.Seqnum) / float64(first.to.Seqnum-first.from.Seqnum)
		entries -= int64(read * float64(first.entries))
	}
	return entries, s.records[len(s.records)-1].to
}

// past reports whether the position is certainly not before the end of the last record.
func (s *store) past(p *pump.Position) bool {
	if p.Parts&pump.HasSeqnum == 0 {
		return false
	}
	for i := range s.records {
		r := &s.records[i]
		if r.to.SeqnumID == p.SeqnumID && r.to.Seqnum > p.Seqnum {
			return false
		}
		if slices.ContainsFunc(r.spans, func(s span) bool { return s.id == p.SeqnumID && s.last > p.Seqnum }) {
			return false
		}
	}
	end := &s.records[len(s.records)-1].to
	return end.SeqnumID == p.SeqnumID || p.Realtime > end.Realtime
}

// gone reports whether a record could not be read because it is deleted or damaged, which reading it again would not change.
func gone(err error) bool { return errors.Is(err, spool.ErrCorrupt) || errors.Is(err, fs.ErrNotExist) }
