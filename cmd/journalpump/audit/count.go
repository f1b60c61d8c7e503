package audit

import (
	"context"

	"journalpump/pump"
)

// count counts what one sender should have got.
type count struct {
	sender *Sender
	mark   pump.Mark
	before int64 // entries read before the mark, and since the first one
	headed bool  // it counts from the head of the log, and the first chunk was seen
	result Result
}

// begin finds from where to count. begun is false if there is nothing to be held against the log.
func (c *count) begin(ctx context.Context, log pump.Log) (begun bool, err error) {
	s := &c.sender.State
	switch {
	case !c.sender.Known:
		c.unknown("the state file does not have it: it was not started yet")
	case !s.Started:
		c.unknown("it was not started yet: it has no position")
	case len(s.Marks) == 0:
		c.unknown("the state file does not say where counting began: it is from before there were audits, or its position was edited; it says so once the agent has been started again")
	case s.Sees != c.sender.Sees:
		c.unknown("the configuration is another one than the agent has counted with: reload or restart it first")
	default:
		return true, c.choose(ctx, log)
	}
	return false, nil
}

func (c *count) unknown(why string) { c.result.Verdict, c.result.Why = Unknown, why }

// choose takes the oldest mark after which nothing is missing, so that as much as can be is counted; the newest if there is none.
func (c *count) choose(ctx context.Context, log pump.Log) error {
	s := &c.sender.State
	for i := range s.Marks {
		c.mark = s.Marks[i]
		intact, err := whole(ctx, log, &c.mark)
		if err != nil {
			return err
		}
		if intact {
			break
		}
	}
	c.before = c.mark.Ledger.Read - s.Marks[0].Ledger.Read
	l, m := &s.Ledger, &c.mark.Ledger
	c.result.Since, c.result.From, c.result.To = c.mark.Time, c.mark.Position.String(), s.Position.String()
	c.result.Ledger = Ledger{
		Read:         l.Read - l.InFlight - m.Read,
		Filtered:     l.Filtered - m.Filtered,
		Accepted:     l.Accepted - m.Accepted,
		Recalled:     l.Recalled - m.Recalled,
		DeadLettered: l.DeadLettered - m.DeadLettered,
		InFlight:     l.InFlight,
		Gaps:         s.Gaps.Entries - c.mark.Gaps,
	}
	return nil
}

// add counts a chunk.
func (c *count) add(chunk *pump.Chunk) {
	j := &c.result.Journal
	records := c.sender.View.Render(chunk).Records
	for i := range chunk.Entries {
		gets := len(records) > 0 && records[0].Index == i
		for len(records) > 0 && records[0].Index == i {
			records = records[1:]
		}
		if !c.between(&chunk.Entries[i].Position) {
			continue
		}
		j.Read++
		if gets {
			j.Sent++
		} else {
			j.Filtered++
		}
	}
	for i := range chunk.Gaps {
		g := &chunk.Gaps[i]
		if g.First > 0 && !c.between(&pump.Cursor{SeqnumID: g.SeqnumID, Seqnum: g.Last, Parts: pump.HasSeqnum}) {
			continue
		}
		c.miss(g.Count)
	}
	c.missHead(chunk)
}

// between reports whether an entry lies between the mark and the sender's position.
func (c *count) between(at *pump.Cursor) bool {
	return c.sender.State.Position.Covers(at) && !c.mark.Position.Covers(at)
}

func (c *count) miss(entries uint64) {
	c.result.Journal.Missing += int64(min(entries, 1<<62))
	c.result.Journal.Unsized = c.result.Journal.Unsized || entries == 0
}

// missHead notes what is missing at the head of the log, of which the log itself does not know.
func (c *count) missHead(chunk *pump.Chunk) {
	if c.headed || !c.mark.Position.IsZero() || len(chunk.Entries) == 0 {
		return
	}
	c.headed = true
	first, now := &c.mark.First, &chunk.Entries[0].Position
	switch {
	case first.IsZero() || first.Cursor == *now:
	case first.SeqnumID == now.SeqnumID && now.Seqnum > first.Seqnum:
		c.miss(now.Seqnum - first.Seqnum)
	default:
		c.miss(0)
	}
}
