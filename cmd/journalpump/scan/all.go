package scan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"journalpump/pump"
)

// ErrEnough ends a scan early, without an error.
var ErrEnough = errors.New("enough was read")

// patience is how long entries are waited for that were written just now: readers let the newest rest for a moment.
const patience = 1500 * time.Millisecond

// All calls fn with all chunks that a log holds now after a position. An error of fn ends the scan and is returned, but for
// ErrEnough.
func All(ctx context.Context, log pump.Log, after pump.Position, fn func(*pump.Chunk) error) error {
	it, err := log.Open(ctx, after)
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	s := scan{log: log, it: it, at: after}
	err = s.run(ctx, fn)
	if errors.Is(err, ErrEnough) {
		err = nil
	}
	return errors.Join(err, it.Close())
}

type scan struct {
	log pump.Log
	it  pump.Iterator
	at  pump.Position
	end time.Time // when to give up waiting at the end
}

func (s *scan) run(ctx context.Context, fn func(*pump.Chunk) error) error {
	for {
		c, err := s.it.Next(ctx)
		switch {
		case err == nil:
			c.From, s.at = s.at, c.To
			err = fn(c)
		case errors.Is(err, pump.ErrNoMore):
			if !s.more(ctx) {
				return nil
			}
			err = nil
		default:
			err = fmt.Errorf("reading the journal: %w", err)
		}
		if err != nil {
			return err
		}
	}
}

// more waits a little at the end of the log if there are entries that only have to rest.
func (s *scan) more(ctx context.Context) bool {
	meter, ok := s.log.(pump.Meter)
	if !ok {
		return false
	}
	if lag, err := meter.Lag(ctx, s.at); err != nil || lag.Entries == 0 {
		return false
	}
	if s.end.IsZero() {
		s.end = time.Now().Add(patience)
	}
	wait, cancel := context.WithDeadline(ctx, s.end)
	defer cancel()
	return s.it.Wait(wait) == nil
}
