package audit

import (
	"context"
	"errors"

	"journalpump/cmd/journalpump/scan"
	"journalpump/pump"
)

// Sender is a sender to be audited: what the agent has saved of it, and what the configuration says it gets.
type Sender struct {
	Name  string
	Known bool // it is in the state file
	State pump.SenderSnapshot
	View  pump.View
	Sees  string // of the configuration, as pump.SenderSpec has it
	// Recorded says that a flight recorder may have sent what the view leaves out, which nobody can count afterwards.
	Recorded bool
}

// Reader audits the senders of one reader, whose log it reads once. progress is told, now and then, how many entries were
// read since it was told last.
func Reader(ctx context.Context, name string, log pump.Log, senders []Sender, progress func(entries int64)) ([]Result, error) {
	counts := make([]*count, len(senders))
	var running []*count
	for i := range senders {
		c := &count{sender: &senders[i], result: Result{Reader: name, Sender: senders[i].Name}}
		counts[i] = c
		begun, err := c.begin(ctx, log)
		if err != nil {
			return nil, err
		}
		if begun {
			running = append(running, c)
		}
	}
	if len(running) > 0 {
		err := scan.All(ctx, log, earliest(running), func(c *pump.Chunk) error {
			for _, r := range running {
				r.add(c)
			}
			progress(int64(len(c.Entries)))
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(counts))
	for i, c := range counts {
		c.judge()
		results[i] = c.result
	}
	return results, nil
}

// earliest returns the position from which all can count.
func earliest(counts []*count) pump.Position {
	first := counts[0].mark.Position
	for _, c := range counts[1:] {
		if p := c.mark.Position; p.IsZero() || first.Covers(&p.Cursor) {
			first = p
		}
	}
	return first
}

// Lag returns how many entries, about, Reader will read of a log.
func Lag(ctx context.Context, log pump.Log, senders []Sender) int64 {
	meter, ok := log.(pump.Meter)
	if !ok {
		return 0
	}
	var most int64
	for i := range senders {
		if marks := senders[i].State.Marks; len(marks) > 0 {
			if lag, err := meter.Lag(ctx, marks[0].Position); err == nil {
				most = max(most, lag.Entries)
			}
		}
	}
	return most
}

// whole reports whether the log still has all that came after a mark, and what it says that was deleted.
func whole(ctx context.Context, log pump.Log, m *pump.Mark) (intact bool, gone []pump.Gap, err error) {
	intact = true
	err = scan.All(ctx, log, m.Position, func(c *pump.Chunk) error {
		for i := range c.Gaps {
			if c.Gaps[i].Reason == vacuumed {
				intact, gone = false, append(gone, c.Gaps[i])
			}
		}
		if m.Position.IsZero() && len(c.Entries) > 0 {
			intact = intact && c.Entries[0].Position == m.First.Cursor
		}
		return scan.ErrEnough
	})
	if errors.Is(err, pump.ErrNotYet) {
		return false, nil, nil
	}
	return intact, gone, err
}

const vacuumed = "vacuumed"
