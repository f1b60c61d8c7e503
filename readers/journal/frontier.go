package journal

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"journalpump/pump"
)

// A position names an entry. Where the log has several chains it does not say how far the others were read: time does, but
// clocks are set back, and what another machine sends late was not read though it is older. So the positions that chunks
// lead to also have the numbers that the other chains have come to. A chain that is not among them is new: all of it is to
// come.

// keepGone is for how long positions go on telling of a chain whose files are gone: its directory may come back.
const keepGone = time.Hour

// place returns where the iterator is now.
func (it *iterator) place() pump.Position {
	p := it.pos
	if p.Parts&pump.HasSeqnum != 0 { // else no entry was handed out
		p.SetOthers(it.reached(func(ch *chain) uint64 { return ch.last }))
	}
	return p
}

// reached returns what a number of each chain is, by ID. Clones of a machine, which share a sequence, are merged by number: what is
// true of the highest is true of all.
func (it *iterator) reached(number func(*chain) uint64) []pump.Reached {
	highest := make(map[[16]byte]uint64, len(it.chains)+len(it.from.reached))
	for _, ch := range it.chains {
		// Of a file that was just created even the machine may not be known yet.
		if ch.last > 0 && (ch.gone.IsZero() || time.Since(ch.gone) < keepGone) {
			highest[ch.id.seqnumID] = max(highest[ch.id.seqnumID], number(ch))
		}
	}
	if time.Since(it.from.time) < keepGone {
		for id, seqnum := range it.from.reached {
			if !it.sequences[id] {
				highest[id] = seqnum
			}
		}
	}
	reached := make([]pump.Reached, 0, len(highest))
	for id, seqnum := range highest {
		reached = append(reached, pump.Reached{SeqnumID: id, Seqnum: seqnum})
	}
	slices.SortFunc(reached, func(a, b pump.Reached) int { return bytes.Compare(a.SeqnumID[:], b.SeqnumID[:]) })
	return reached
}

// noteGone notes which chains have no files in the listing any more.
func (it *iterator) noteGone(at *listing) {
	for _, ch := range it.chains {
		ch.listed = false
	}
	for files := range byChain(at.files) {
		it.chains[files[0].chain].listed = true
	}
	for _, ch := range it.chains {
		switch {
		case ch.listed:
			ch.gone = time.Time{}
		case ch.gone.IsZero():
			ch.gone = time.Now()
		}
	}
}

// placeAtTail returns the place behind all entries that there are.
func placeAtTail(files []*fileInfo) pump.Position {
	p := tailOf(files)
	if p.IsZero() {
		return p
	}
	last := map[[16]byte]uint64{}
	for _, info := range files {
		if info.n > 0 {
			last[info.chain.seqnumID] = max(last[info.chain.seqnumID], info.tail.seqnum)
		}
	}
	reached := make([]pump.Reached, 0, len(last))
	for id, seqnum := range last {
		reached = append(reached, pump.Reached{SeqnumID: id, Seqnum: seqnum})
	}
	p.SetOthers(reached)
	return p
}

// origin is the position that an iterator was opened after.
type origin struct {
	pos     pump.Position
	key     key                 // of its entry, if the position has all of it
	reached map[[16]byte]uint64 // how far it says that sequences were read
	time    time.Time           // when the iterator was opened
}

func newOrigin(p pump.Position) origin {
	o := origin{pos: p, reached: map[[16]byte]uint64{}, time: time.Now()}
	if p.Parts&pump.HasAll == pump.HasAll {
		o.key = key{seqnumID: p.SeqnumID, bootID: p.BootID, seqnum: p.Seqnum, mono: p.Monotonic, realtime: p.Realtime, xorHash: p.XorHash}
	}
	for _, r := range p.Reached() {
		o.reached[r.SeqnumID] = r.Seqnum
	}
	if p.Whole && p.Parts&pump.HasSeqnum != 0 {
		o.reached[p.SeqnumID] = p.Seqnum
	}
	return o
}

// addChains finds the starting points in the chains that are new to the iterator, and returns the listing that has them, and them: if files
// were renamed since they were listed it lists again, unless they are all the time. It fails with errPassing if no listing is whole.
func (it *iterator) addChains(at *listing, list func() (*listing, error)) (_ *listing, added []*chain, err error) {
	for looks := 1; ; looks++ {
		added, err = nil, errPassing
		if !at.passing {
			added, err = it.newChains(at)
		} else if looks == maxLooks {
			return nil, nil, err
		}
		if pump.IsShortage(err) {
			return nil, nil, err
		}
		if err == nil || looks == maxLooks {
			it.files = at.files
			for _, ch := range added {
				it.addChain(ch)
			}
			return at, added, nil
		}
		if at, err = list(); err != nil {
			return nil, nil, err
		}
	}
}

// newChains returns the chains that are new to the iterator, with their starting points. Its error says that there may be better ones:
// a file was not where it was listed, or could not be opened just now.
func (it *iterator) newChains(at *listing) (added []*chain, err error) {
	o := &it.from
	newBoot := it.log.isNewBoot(at.files, &o.pos)
	for files := range byChain(at.files) {
		id := files[0].chain
		if it.chains[id] != nil {
			continue
		}
		own := o.pos.Parts&pump.HasSeqnum != 0 && id.seqnumID == o.pos.SeqnumID
		ch := &chain{id: id}
		if own || !o.pos.Whole {
			ch.start = it.log.locate(files, &o.pos, newBoot)
			ch.last = ch.start.last
		} else {
			ch.start = survivors(files, o.reached[id.seqnumID]) // 0: it is new
			ch.last = ch.start.last
		}
		err = errors.Join(err, ch.start.err)
		if own && ch.last == o.key.seqnum {
			ch.lastKey = o.key
		}
		added = append(added, ch)
	}
	return added, err
}

// survivors returns where a chain goes on that was read up to a number. An entry is taken to be in a file when others before
// and after it are.
func survivors(files []*fileInfo, last uint64) start {
	s := start{last: last, found: last == 0}
	for _, info := range files {
		switch {
		case info.n == 0:
		case info.first <= last && last <= info.last:
			s.found = true
		case info.first > last && (s.next == 0 || info.first < s.next):
			s.next, s.realtime = info.first, info.head.realtime
		}
	}
	return s
}

// addChain notes where a chain begins.
func (it *iterator) addChain(ch *chain) {
	it.sequences[ch.id.seqnumID] = true
	ch.began = ch.last
	it.chains[ch.id] = ch
}

// reportLost records what is missing between the position that the iterator was opened after and what survived.
func (it *iterator) reportLost() {
	starts := it.starts()
	own := starts[it.from.pos.SeqnumID]
	found := own != nil && own.found
	for id, s := range starts {
		switch {
		case s == own:
		case !it.from.pos.Whole:
			found = found || s.found // a copy
		default:
			it.reportStart(id, s)
		}
	}
	if own == nil {
		found = it.adopt() || found
	}
	if gap, ok := lost(&it.from.pos, own); ok && !found {
		it.report.gaps = append(it.report.gaps, gap)
		if gap.Last > 0 {
			it.from.reached[gap.SeqnumID] = gap.Last
		}
	}
}

// starts returns where each sequence starts. Several chains may share one: those of a machine's clones, and while a file is being made, and
// does not know its machine yet, the one that it seems to be of.
func (it *iterator) starts() map[[16]byte]*start {
	starts := make(map[[16]byte]*start, len(it.chains))
	for _, ch := range it.chains {
		s, ok := starts[ch.id.seqnumID]
		if !ok {
			s = &start{last: ch.start.last}
			starts[ch.id.seqnumID] = s
		}
		s.found = s.found || ch.start.found
		if n := ch.start.next; n != 0 && (s.next == 0 || n < s.next) {
			s.next, s.realtime = n, ch.start.realtime
		}
	}
	for _, info := range it.files { // what a file will have comes after the number that it begins with
		if s := starts[info.chain.seqnumID]; info.n == 0 && info.last > s.last && s.next == 0 {
			s.next = info.last + 1
		}
	}
	return starts
}

// reportStart records what is missing of a sequence before what survived, and that this is known.
func (it *iterator) reportStart(id [16]byte, s *start) {
	if s.found || s.next <= s.last+1 {
		return
	}
	it.report.gaps = append(it.report.gaps, pump.Gap{
		SeqnumID: id, First: s.last + 1, Last: s.next - 1, Count: s.next - s.last - 1, To: s.realtime, Reason: "vacuumed",
	})
	it.from.reached[id] = s.next - 1
}
