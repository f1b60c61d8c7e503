package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"journalpump/internal/spool"
	"journalpump/pump"
)

const (
	// spoolBefore is how long before a loss entries are copied, and spoolFiles of how many of the largest files, at least, the
	// oldest entries: journald may delete several at a time, and what is logged may suddenly be more.
	spoolBefore = 10 * time.Minute
	spoolFiles  = 2
	// copyFor is how long entries are copied at a time, before senders' positions are looked at again.
	copyFor = time.Second
	// retryAfter is when it is tried again after the spool could not be written.
	retryAfter = 10 * time.Second
)

// keeper copies entries into the store before they vanish, and deletes them there when all senders have them. It is used by one
// goroutine.
type keeper struct {
	store *store
	inner pump.Log
	log   *slog.Logger
	copy  bool // else the store is only used up

	it    pump.Iterator
	at    pump.Position // where it stands
	carry pump.Chunk    // what chunks had to say that did not move on

	copying bool
	stopped error // why nothing can be put into the spool; nil: it can
	retry   time.Time
}

// trim deletes what nobody needs any more.
func (k *keeper) trim(lanes []pump.LanePlace) error {
	if len(lanes) == 0 {
		return nil
	}
	before, _ := k.store.size()
	err := k.store.trim(lanes)
	if after, _ := k.store.size(); after < before {
		k.retry = time.Time{} // there is room
		if after == 0 {
			k.log.Info("all that was kept in the spool has been delivered")
			k.copying = false
		}
	}
	return err
}

// keep copies what senders lack and what is in danger.
func (k *keeper) keep(ctx context.Context, now time.Time, lanes []pump.LanePlace, inDanger func(*pump.Position) bool) {
	if !k.copy || now.Before(k.retry) {
		return
	}
	at, ok := k.next(now, lanes)
	copied, deadline := false, time.Now().Add(copyFor)
	var err error
	for ok && err == nil && inDanger(&at) && time.Now().Before(deadline) && ctx.Err() == nil {
		var c *pump.Chunk
		if c, err = k.read(ctx, at); err == nil {
			err = k.put(c)
			at = c.To
			copied = copied || err == nil
		}
	}
	if copied {
		if failed := k.store.sync(); err == nil || errors.Is(err, pump.ErrNoMore) {
			err = failed
		}
	}
	k.note(err, copied)
	// An iterator that nobody asks does not see files that come and go meanwhile. One that is opened looks for what is missing.
	k.rest()
}

// next returns after which position copying goes on; ok is false if nobody needs it.
func (k *keeper) next(now time.Time, lanes []pump.LanePlace) (at pump.Position, ok bool) {
	if end, ok := k.store.end(); ok {
		return end, true
	}
	for i := range lanes {
		if p := &lanes[i].Position; late(&lanes[i], now) && (!ok || lower(p, &at)) {
			at, ok = *p, true
		}
	}
	return at, ok
}

// lower reports whether a is before b, as far as that can be told.
func lower(a, b *pump.Position) bool {
	if a.Parts&b.Parts&pump.HasSeqnum != 0 && a.SeqnumID == b.SeqnumID {
		return a.Seqnum < b.Seqnum
	}
	return a.Realtime < b.Realtime
}

// read returns the chunk after a position.
func (k *keeper) read(ctx context.Context, after pump.Position) (*pump.Chunk, error) {
	if k.it == nil || k.at != after {
		k.rest()
		it, err := k.inner.Open(ctx, after)
		if err != nil {
			return nil, err
		}
		k.it, k.at = it, after
	}
	c, err := k.it.Next(ctx)
	if err == nil {
		c.From, k.at = after, c.To
	}
	return c, err
}

// put puts a chunk into the store. What does not move on waits for the next that does.
func (k *keeper) put(c *pump.Chunk) error {
	if c.From == c.To {
		k.carry.Gaps = append(k.carry.Gaps, c.Gaps...)
		k.carry.Corrupted += c.Corrupted
		return nil
	}
	c.Gaps = append(k.carry.Gaps, c.Gaps...)
	c.Corrupted += k.carry.Corrupted
	k.carry.Gaps, k.carry.Corrupted = nil, 0
	err := k.store.append(c)
	if errors.Is(err, spool.ErrFull) {
		// What is lacked is worth more than what may be looked back at.
		if ok, failed := k.store.makeRoom(); failed != nil {
			return failed
		} else if ok {
			err = k.store.append(c)
		}
	}
	return err
}

// note says what has changed.
func (k *keeper) note(err error, copied bool) {
	if errors.Is(err, pump.ErrNoMore) || errors.Is(err, pump.ErrNotYet) || errors.Is(err, context.Canceled) {
		return
	}
	before := k.stopped
	k.stopped = err
	if err == nil {
		if copied && !k.copying {
			k.copying = true
			k.log.Warn("entries that a sender has not delivered will soon be deleted from the journal, so they are kept in the spool")
		}
		return
	}
	k.retry = time.Now().Add(retryAfter)
	if before != nil && before.Error() == err.Error() {
		return
	}
	bytes, entries := k.store.size()
	if errors.Is(err, spool.ErrFull) {
		k.log.Warn("the spool is full; what is deleted from the journal before it is delivered will be missing", "bytes", bytes, "entries", entries)
		return
	}
	k.log.Warn("the spool cannot be written; what is deleted from the journal before it is delivered will be missing", "error", err)
}

// rest closes the iterator.
func (k *keeper) rest() {
	if k.it == nil {
		return
	}
	if err := k.it.Close(); err != nil {
		k.log.Debug("closing an iterator of the guard", "error", err)
	}
	k.it = nil
	k.carry.Gaps, k.carry.Corrupted = nil, 0 // they are met again
}

// uncovered returns the lanes of which something may be lost in spite of the spool, where that would begin.
func (k *keeper) uncovered(lanes []pump.LanePlace) []pump.LanePlace {
	var left []pump.LanePlace
	end, some := k.store.end()
	for _, l := range lanes {
		if some {
			if _, ok := k.store.find(&l.Position); ok {
				if k.stopped == nil && k.copy {
					continue
				}
				l.Position = end
			}
		}
		left = append(left, l)
	}
	return left
}
