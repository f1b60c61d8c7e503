package guard

import (
	"context"
	"errors"

	"journalpump/pump"
)

// iterator reads from the spool what is in it, and from the journal what comes before and after. What the journal says is
// missing is looked for in the spool.
type iterator struct {
	log     *Log
	at      pump.Position
	journal pump.Iterator // nil while it reads from the spool
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
			if c := it.spooled(); c != nil {
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
		if len(c.Gaps) > 0 || c.Corrupted > 0 {
			saved, ok := it.saved(c)
			if ok {
				if err := it.leaveJournal(); err != nil {
					return nil, err
				}
			}
			if ok && saved == nil {
				continue
			}
			if ok {
				c = saved
			}
		}
		it.at = c.To
		return c, nil
	}
}

// spooled returns the next chunk of the spool, nil at its end.
func (it *iterator) spooled() *pump.Chunk {
	for {
		r, ok := it.log.store.find(&it.at)
		if !ok {
			return nil
		}
		c, err := it.log.store.chunk(&r, it.at, &it.dec)
		if err == nil {
			return c
		}
		it.log.log.Error("what was kept in the spool cannot be read", "error", err, "entries", r.entries)
		if !gone(err) {
			return nil
		}
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
