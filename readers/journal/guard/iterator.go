package guard

import (
	"context"
	"errors"
	"fmt"

	"journalpump/pump"
)

// iterator reads from the spool what is in it, and from the journal what comes before and after. What the journal says is
// missing is looked for in the spool.
type iterator struct {
	log     *Log
	at      pump.Position
	journal pump.Iterator // nil while it reads from the spool
	unread  error         // why what the spool has after at cannot be read for now; nil if it can, or there is nothing
	dec     decoder
}

// Open implements pump.Log.
func (l *Log) Open(ctx context.Context, after pump.Position) (pump.Iterator, error) {
	if l.store == nil {
		return l.Log.Open(ctx, after)
	}
	it := &iterator{log: l, at: after}
	if _, ok := l.store.find(&after); ok {
		return it, nil
	}
	if err := it.openJournal(ctx); err != nil {
		return nil, err
	}
	return it, nil
}

func (it *iterator) openJournal(ctx context.Context) (err error) {
	it.journal, err = it.log.Log.Open(ctx, it.at)
	return err
}

// Next implements pump.Iterator.
func (it *iterator) Next(ctx context.Context) (*pump.Chunk, error) {
	for {
		if it.journal == nil {
			var c *pump.Chunk
			if c, it.unread = it.spooled(); c != nil {
				it.at = c.To
				return c, nil
			}
			if err := it.openJournal(ctx); err != nil {
				return nil, err
			}
		}
		c, err := it.journal.Next(ctx)
		if err != nil {
			return nil, err
		}
		if c, err = it.completed(c); err != nil {
			return nil, err
		}
		if c != nil {
			it.at, it.unread = c.To, nil
			return c, nil
		}
	}
}

// completed returns a chunk of the journal if that has all of it, and else leaves the journal for the spool: it returns what is missing
// before that begins, nil if nothing is.
func (it *iterator) completed(c *pump.Chunk) (*pump.Chunk, error) {
	if len(c.Gaps) == 0 && c.Corrupted == 0 {
		return c, nil
	}
	saved, ok := it.saved(c)
	if !ok {
		return c, nil
	}
	if err := it.leaveJournal(); err != nil {
		return nil, err
	}
	if saved == nil { // the spool has what comes next, but not if that could not be read just now
		return nil, it.unread
	}
	return saved, nil
}

// spooled returns the next chunk of the spool, nil at its end. Its error says that there is one that cannot be read for now.
func (it *iterator) spooled() (*pump.Chunk, error) {
	for {
		r, ok := it.log.store.find(&it.at)
		if !ok {
			return nil, nil
		}
		c, err := it.log.store.chunk(&r, it.at, &it.dec)
		if err == nil {
			return c, nil
		}
		if !gone(err) {
			return nil, fmt.Errorf("reading what was kept in the spool: %w", err)
		}
		it.log.log.Error("what was kept in the spool cannot be read", "error", err, "entries", r.entries)
		it.log.store.forget(r.Number)
	}
}

// saved looks in the spool for what a chunk of the journal lacks; ok is false if nothing of it is there. A chunk is returned if
// something is missing before.
func (it *iterator) saved(c *pump.Chunk) (before *pump.Chunk, ok bool) {
	if _, ok := it.log.store.find(&it.at); ok {
		return nil, true
	}
	for _, g := range c.Gaps {
		r, ok := it.log.store.within(&it.at, &g)
		if !ok {
			continue
		}
		g.Last, g.To = r.from.Seqnum, r.from.Realtime
		g.Count = g.Last - g.First + 1
		return &pump.Chunk{From: it.at, To: r.from, Gaps: []pump.Gap{g}}, true
	}
	return nil, false
}

func (it *iterator) leaveJournal() error {
	err := it.journal.Close()
	it.journal = nil
	return err
}

// Wait implements pump.Iterator.
func (it *iterator) Wait(ctx context.Context) error {
	if it.journal == nil {
		return ctx.Err()
	}
	return it.journal.Wait(ctx)
}

// Close implements pump.Iterator.
func (it *iterator) Close() error {
	it.dec.close()
	var err error
	if it.journal != nil {
		err = it.journal.Close()
	}
	return errors.Join(err)
}
