package journal

import (
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
	it.build.begin(it.remaining())
	for looks := 0; !it.build.full() && scanned < maxScanned; {
		if err := ctx.Err(); err != nil {
			if scanned == 0 {
				return nil, err
			}
			break // hand over what there is: it has been read
		}
		best, bound := it.pick()
		if it.failure != nil {
			return nil, it.failure
		}
		rest := time.Duration(0)
		if best != nil {
			var ready bool
			if ready, rest = it.ready(best); ready {
				scanned += it.run(best, bound)
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
	chunk := it.build.finish(from, it.pos, &it.report)
	it.report = report{}
	return chunk, nil
}

// remaining returns about how many entries can be read without another look; only to size memory with.
func (it *iterator) remaining() uint64 {
	var n uint64
	for _, c := range it.cursors {
		n += c.remaining()
	}
	for _, ch := range it.chains {
		for _, info := range ch.pending {
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

// pick returns the cursor whose head comes next, and the next best head of another file, nil if there is none. Files whose
// turn has come are opened.
func (it *iterator) pick() (*cursor, *key) {
	for {
		var best, second *key
		var from *cursor
		var ahead *chain // the best is the first entry of this chain's next file
		consider := func(k *key, c *cursor, ch *chain) {
			switch {
			case best == nil || compare(k, best) < 0:
				best, second, from, ahead = k, best, c, ch
			case second == nil || compare(k, second) < 0:
				second = k
			}
		}
		for _, c := range it.cursors {
			if c.has {
				consider(&c.head, c, nil)
			}
		}
		for _, ch := range it.chains {
			if len(ch.pending) > 0 {
				consider(&ch.pending[0].head, nil, ch)
			}
		}
		if ahead == nil {
			return from, second
		}
		info := ahead.pending[0]
		ahead.pending = ahead.pending[1:]
		it.open(info, ahead)
		it.shareMemory()
	}
}

// ready reports whether the head of a cursor can be handed out: nothing that comes before it can come to light any more.
// If it only has to settle, it says for how long.
func (it *iterator) ready(c *cursor) (ok bool, rest time.Duration) {
	if !c.live {
		return true, 0
	}
	if !it.confirmed(c) {
		return false, 0
	}
	if c.head.bootID != it.log.bootID || !it.severalWriters() {
		return true, 0
	}
	age, now := uint64(settleTime/time.Microsecond), monotonicNow()
	if c.head.mono+age > now && c.head.mono <= now {
		return false, time.Duration(c.head.mono+age-now) * time.Microsecond //nolint:gosec // at most settleTime
	}
	return true, 0
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

// severalWriters reports whether more than one chain is being written, as far as one can see.
func (it *iterator) severalWriters() bool {
	var first *chain
	for _, c := range it.cursors {
		if !c.live || c.limit == 0 {
			continue
		}
		if first != nil && c.chain != first {
			return true
		}
		first = c.chain
	}
	return false
}

// run hands out entries of one file until another file's turn comes, the chunk is full, or the rest is not ready. It
// returns how many it went through.
func (it *iterator) run(c *cursor, bound *key) int {
	for n := 0; ; {
		n++
		it.take(c)
		it.advance(c)
		if !c.has || it.build.full() || n == maxScanned {
			return n
		}
		if bound != nil && compare(&c.head, bound) >= 0 {
			return n
		}
		if c.live {
			if ok, _ := it.ready(c); !ok {
				return n
			}
		}
	}
}

// take hands out the head of a cursor, unless it was handed out from another file.
func (it *iterator) take(c *cursor) {
	twice := it.seen && it.lastFrom != c && compare(&c.head, &it.lastKey) == 0
	if !twice && c.head.seqnum <= c.chain.last {
		twice = c.passed()
	}
	if !twice {
		it.build.add(c, &it.report)
		it.lastKey, it.lastFrom, it.seen = c.head, c, true
		it.pos = c.head.position()
	}
	if c.head.seqnum >= c.chain.last {
		c.chain.last, c.chain.lastKey = c.head.seqnum, c.head
	}
}
