package scan

import (
	"context"
	"time"

	"journalpump/pump"
)

// place is an entry of a chunk.
type place struct {
	chunk *pump.Chunk
	index int
}

// ring keeps the last few places.
type ring struct {
	places []place
	next   int
}

func (r *ring) add(p place, limit int) {
	if len(r.places) < limit {
		r.places = append(r.places, p)
		return
	}
	r.places[r.next] = p
	r.next = (r.next + 1) % limit
}

func (r *ring) inOrder() []place {
	return append(append(make([]place, 0, len(r.places)), r.places[r.next:]...), r.places[:r.next]...)
}

const (
	firstSpan = time.Minute // how much of the log's end is looked at first
	growth    = 8           // and by how much more each time
)

// last returns the newest entries that are wanted. As logs can only be read forwards, it looks at more and more of the end.
func (w *Choice) last(ctx context.Context, log pump.Log) ([]place, error) {
	end, err := w.end(ctx, log)
	if err != nil {
		return nil, err
	}
	for span := firstSpan; ; span *= growth {
		since, head := before(end, span)
		if !since.After(w.Since) {
			head, since = true, w.Since
		}
		after, err := w.from(ctx, log, since)
		if err != nil {
			return nil, err
		}
		var r ring
		err = w.scan(ctx, log, after, func(c *pump.Chunk, i int) error {
			r.add(place{c, i}, w.Last)
			return nil
		})
		if err != nil || head || len(r.places) == w.Last {
			return r.inOrder(), err
		}
	}
}

// before returns a time so long before the end; the zero time, and that it is the head of the log, where there is none.
func before(end time.Time, span time.Duration) (since time.Time, head bool) {
	if end.IsZero() || span >= 1<<61 || end.Add(-span).Unix() <= 0 {
		return time.Time{}, true
	}
	return end.Add(-span), false
}

// end returns when the newest entry can be that is wanted; zero if that is not known.
func (w *Choice) end(ctx context.Context, log pump.Log) (time.Time, error) {
	meter, ok := log.(pump.Meter)
	if !ok {
		return time.Time{}, nil
	}
	lag, err := meter.Lag(ctx, pump.Position{})
	if err != nil {
		return time.Time{}, err
	}
	end := time.UnixMicro(int64(min(lag.Tail.Realtime, 1<<62)))
	if !w.Until.IsZero() && w.Until.Before(end) {
		end = w.Until
	}
	return end, nil
}
