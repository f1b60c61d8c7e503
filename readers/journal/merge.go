package journal

import (
	"cmp"
	"context"
	"time"

	"journalpump/pump"
)

// Next implements pump.Iterator.
func (it *iterator) Next(ctx context.Context) (*pump.Chunk, error) {
	if it.closed {
		return nil, errClosed
	}
	from, scanned := it.pos, 0
	it.waiting = false
	it.build.begin(it.remaining(uint64(it.build.maxEntries))) //nolint:gosec // positive
	for _, ch := range it.chains {
		ch.began = ch.last
	}
	for looks := 0; !it.build.full() && scanned < maxScanned; {
		if err := ctx.Err(); err != nil {
			if scanned == 0 {
				return nil, err
			}
			break // hand over what there is: it has been read
		}
		best, limit := it.pick()
		if it.failure != nil {
			return nil, it.failure
		}
		rest := time.Duration(0)
		if best != nil {
			var ready bool
			if ready, rest = it.ready(best); ready {
				scanned += it.run(best, limit)
				looks = 0
				continue
			}
		}
		if scanned > 0 {
			break
		}
		// The first look shows what is new, the second confirms it.
		if looks == 2 {
			if rest == 0 {
				break
			}
			if err := sleep(ctx, rest); err != nil {
				return nil, err
			}
			looks = 1
		}
		looks++
		if err := it.refresh(); err != nil {
			return nil, err
		}
	}
	if scanned == 0 && len(it.report.gaps) == 0 && it.report.corrupted == 0 {
		it.waiting = it.unconfirmed()
		return nil, pump.ErrNoMore
	}
	it.pos = it.place()
	chunk := it.build.finish(from, it.pos, &it.report)
	chunk.Reached = it.reached(func(ch *chain) uint64 { return ch.began })
	it.report = report{}
	return chunk, nil
}

// remaining returns about how many entries can be read without another look, if they are fewer than that; only to size
// memory with.
func (it *iterator) remaining(most uint64) uint64 {
	var n uint64
	for _, c := range it.cursors {
		n += c.remaining()
	}
	for _, ch := range it.chains {
		for _, info := range ch.pending {
			if n >= most {
				return most
			}
			n += info.n
		}
	}
	return n
}

// unconfirmed reports whether there are entries that another look would confirm.
func (it *iterator) unconfirmed() bool {
	for _, c := range it.cursors {
		if c.has {
			return true
		}
	}
	return false
}

// candidate is the entry that comes next in its chain.
type candidate struct {
	key   *key
	chain *chain
	from  *cursor // nil: it is the first of the chain's first pending file
}

// pick returns the cursor whose head comes next, and up to where the entries after it may follow without asking again; nil
// if there is none. Files whose turn has come are opened.
func (it *iterator) pick() (*cursor, bound) {
	for it.gen != 0 { // else a file that was listed was not opened
		it.nominate()
		best := it.elect()
		if best == nil {
			return nil, bound{}
		}
		if best.from != nil {
			return best.from, it.boundOf(best)
		}
		if !it.openPending(best.chain) {
			return nil, bound{}
		}
	}
	return nil, bound{}
}

// nominate finds each chain's next entry. Only that one may be compared with those of other chains: with clocks that were
// set back the chain's later entries may be before them, and would leave behind the ones in between.
func (it *iterator) nominate() {
	it.candidates = it.candidates[:0]
	for _, c := range it.cursors {
		if c.has {
			it.propose(candidate{&c.head, c.chain, c})
		}
	}
	for _, ch := range it.chains {
		if len(ch.pending) > 0 {
			it.propose(candidate{&ch.pending[0].head, ch, nil})
		}
	}
}

func (it *iterator) propose(c candidate) {
	ch := c.chain
	if i := ch.candidate; i < len(it.candidates) && it.candidates[i].chain == ch {
		if compare(c.key, it.candidates[i].key) < 0 {
			it.candidates[i] = c
		}
		return
	}
	ch.candidate = len(it.candidates)
	it.candidates = append(it.candidates, c)
}

// elect returns the candidate that is before all others. Where there is none, because the order goes round in a circle, it
// is the one with the lowest realtime; nil if there are no candidates.
func (it *iterator) elect() *candidate {
	var best *candidate
	for i := range it.candidates {
		if c := &it.candidates[i]; best == nil || compare(c.key, best.key) < 0 {
			best = c
		}
	}
	if best == nil || it.isFirst(best) {
		return best
	}
	for i := range it.candidates {
		if c := &it.candidates[i]; it.isFirst(c) {
			return c
		}
	}
	for i := range it.candidates {
		c := &it.candidates[i]
		if cmp.Or(cmp.Compare(c.key.realtime, best.key.realtime), lessID(c.key.seqnumID, best.key.seqnumID)) < 0 {
			best = c
		}
	}
	return best
}

func (it *iterator) isFirst(c *candidate) bool {
	for i := range it.candidates {
		if compare(it.candidates[i].key, c.key) < 0 {
			return false
		}
	}
	return true
}

// bound is what entries of one boot from one file are held against instead of all other candidates: the first of the same
// sequence, of the same boot, and of the others. Within each of these the order is a total one, so those are enough.
type bound struct {
	boot                          [16]byte
	sameSequence, sameBoot, other *key
}

func (it *iterator) boundOf(best *candidate) bound {
	b := bound{boot: best.key.bootID}
	for i := range it.candidates {
		if c := &it.candidates[i]; c.chain != best.chain {
			b.include(best.key, c.key)
		}
	}
	for _, c := range it.cursors { // other files of its chain
		if c.chain == best.chain && c != best.from && c.has {
			b.include(best.key, &c.head)
		}
	}
	if rest := best.chain.pending; len(rest) > 0 {
		b.include(best.key, &rest[0].head)
	}
	return b
}

// include extends the bound of a best one's file and boot by another key.
func (b *bound) include(best, k *key) {
	switch {
	case k.seqnumID == best.seqnumID:
		if b.sameSequence == nil || k.seqnum < b.sameSequence.seqnum {
			b.sameSequence = k
		}
	case k.bootID == best.bootID:
		if o := b.sameBoot; o == nil || cmp.Or(cmp.Compare(k.mono, o.mono), compareTimes(k, o)) < 0 {
			b.sameBoot = k
		}
	default:
		if o := b.other; o == nil || compareTimes(k, o) < 0 {
			b.other = k
		}
	}
}

// allows reports whether the entry is before all that the bound stands for.
func (b *bound) allows(k *key) bool {
	return k.bootID == b.boot && isBefore(k, b.sameSequence) && isBefore(k, b.sameBoot) && isBefore(k, b.other)
}

func isBefore(k, limit *key) bool { return limit == nil || compare(k, limit) < 0 }

// ready reports whether the head of a cursor can be handed out: nothing that comes before it can come to light any more.
// If it only has to settle, it says for how long.
func (it *iterator) ready(c *cursor) (ok bool, rest time.Duration) {
	if c.live && !it.confirmed(c) {
		return false, 0
	}
	if it.rested(&c.head) {
		return true, 0
	}
	now := monotonicNow()
	if c.head.mono > now {
		return true, 0 // no clock of this machine has stamped it
	}
	due := c.head.mono + uint64(it.settle/time.Microsecond)           //nolint:gosec // positive
	return false, time.Duration(due-min(now, due)) * time.Microsecond //nolint:gosec // at most rotateTime
}

// rested reports whether an entry need not rest any more. The look that is asked about must have begun after its rest, so
// it is not the clock that is asked.
func (it *iterator) rested(k *key) bool {
	return it.settle == 0 || k.mono <= it.settled || k.bootID != it.log.bootID
}

// confirmed reports whether the look before the last one showed the cursor's head, or a later entry of the same sequence.
func (it *iterator) confirmed(c *cursor) bool {
	for _, other := range it.cursors {
		if other.chain == c.chain && other.has && other.at < other.seen {
			return true
		}
	}
	return false
}

// restTime returns how long entries of the current boot have to rest, with what is being written now.
func (it *iterator) restTime() time.Duration {
	var first *cursor
	rest := time.Duration(0)
	for _, c := range it.cursors {
		switch {
		case !c.live || c.limit == 0:
		case first == nil:
			first = c
		case c.dir.moves != first.dir.moves: // another journald's
			return settleTime
		case c.chain != first.chain:
			rest = stampTime
		}
	}
	return rest
}

// run hands out entries of one file until another file's turn comes, the chunk is full, or the rest is not ready. It
// returns how many it went through.
func (it *iterator) run(c *cursor, limit bound) int {
	for n := 0; ; {
		n++
		if !it.take(c) {
			it.drop(c, errGone)
			return n
		}
		it.advance(c)
		if !c.has || it.build.full() || n == maxScanned {
			return n
		}
		if !limit.allows(&c.head) {
			return n
		}
		if c.live || !it.rested(&c.head) {
			if ok, _ := it.ready(c); !ok {
				return n
			}
		}
	}
}

// pass notes that a copy was left out: the position is behind it.
func (it *iterator) pass(k *key) {
	it.build.passed = append(it.build.passed, pump.Passed{After: len(it.build.entries) - 1, Cursor: k.cursor()})
	if it.pos.Parts&pump.HasSeqnum != 0 && it.pos.SeqnumID == k.seqnumID {
		it.pos.Cursor = k.cursor()
	}
}

// take hands out the head of a cursor, unless it was handed out from another file. It returns false if the file was deleted while the
// entry was read.
func (it *iterator) take(c *cursor) bool {
	twice := it.seen && it.lastFrom != c && compare(&c.head, &it.lastKey) == 0
	if !twice && c.head.seqnum <= c.chain.last {
		twice = c.passed()
	}
	if !twice {
		twice = c.copied()
	}
	m := it.markOf(c.head.bootID)
	if !twice && m.seen && c.head.mono <= m.mono {
		twice = it.isCopy(c)
	}
	if !twice {
		if !it.build.addWhole(c, &it.report) {
			return false
		}
		it.lastKey, it.lastFrom, it.seen = c.head, c, true
		it.pos = pump.Position{Cursor: c.head.cursor()}
		m.see(c.head.mono)
	} else if c.head.seqnum > c.chain.last {
		it.pass(&c.head)
	}
	if !twice || c.head.seqnum >= c.chain.last {
		c.chain.last, c.chain.lastKey = c.head.seqnum, c.head
	}
	return true
}
