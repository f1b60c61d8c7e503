package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"journalpump/pump"
)

// Tail shows the newest records of each view, at most so many, and then, if follow is set, what comes until ctx ends, which
// is no error. A log that does not exist yet is waited for.
func Tail(ctx context.Context, log pump.Log, views []pump.View, newest int, follow bool, show func(view int, records []pump.Record) error) error {
	t := tail{log: log, views: views, newest: newest, show: show}
	for ctx.Err() == nil {
		err := t.run(ctx, follow)
		if ctx.Err() == nil && !(follow && errors.Is(err, pump.ErrNotYet)) {
			return err
		}
		pause(ctx, retryEvery)
	}
	return nil
}

const retryEvery = 200 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

type tail struct {
	log    pump.Log
	views  []pump.View
	newest int
	show   func(view int, records []pump.Record) error
}

func (t *tail) run(ctx context.Context, follow bool) error {
	at, err := t.old(ctx)
	if err != nil || !follow {
		return err
	}
	it, err := t.log.Open(ctx, at)
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	return errors.Join(t.follow(ctx, it), it.Close())
}

// old shows the newest records there are now, and returns where they end.
func (t *tail) old(ctx context.Context) (end pump.Position, err error) {
	if t.newest == 0 {
		return t.log.Seek(ctx, pump.Start{Kind: pump.StartTail})
	}
	w := Choice{Last: t.newest}
	tailTime, err := w.end(ctx, t.log)
	if err != nil {
		return end, err
	}
	for span := firstSpan; ; span *= growth {
		since, head := before(tailTime, span)
		after, err := w.from(ctx, t.log, since)
		if err != nil {
			return end, err
		}
		rings := make([]recordRing, len(t.views))
		end = after
		err = All(ctx, t.log, after, func(c *pump.Chunk) error {
			end = c.To
			for i, v := range t.views {
				rings[i].add(v.Render(c).Records, t.newest)
			}
			return ctx.Err()
		})
		if err != nil {
			return end, err
		}
		if head || full(rings, t.newest) {
			return end, t.showOld(rings)
		}
	}
}

func full(rings []recordRing, newest int) bool {
	for i := range rings {
		if len(rings[i].records) < newest {
			return false
		}
	}
	return true
}

func (t *tail) showOld(rings []recordRing) error {
	for i := range rings {
		if len(rings[i].records) == 0 {
			continue
		}
		if err := t.show(i, rings[i].records); err != nil {
			return err
		}
	}
	return nil
}

// recordRing keeps the newest records.
type recordRing struct{ records []pump.Record }

func (r *recordRing) add(records []pump.Record, limit int) {
	r.records = append(r.records, records[max(0, len(records)-limit):]...)
	if over := len(r.records) - limit; over > 0 {
		n := copy(r.records, r.records[over:])
		clear(r.records[n:])
		r.records = r.records[:n]
	}
}

func (t *tail) follow(ctx context.Context, it pump.Iterator) error {
	for {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			if err := it.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the journal: %w", err)
		}
		for i, v := range t.views {
			if records := v.Render(c).Records; len(records) > 0 {
				if err := t.show(i, records); err != nil {
					return err
				}
			}
		}
	}
}
