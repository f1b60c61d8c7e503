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
	begun  bool  // the first chunk of the walk was seen
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
	var gone []pump.Gap // since the mark
	for i := range s.Marks {
		c.mark = s.Marks[i]
		if c.startsUnknown() && s.Ledger.Read > c.mark.Ledger.Read && i+1 < len(s.Marks) {
			continue
		}
		var intact bool
		var err error
		if intact, gone, err = whole(ctx, log, &c.mark); err != nil {
			return err
		}
		if intact {
			break
		}
	}
	for i := range gone {
		c.missGap(&gone[i])
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
		if g := &chunk.Gaps[i]; c.begun || g.Reason != vacuumed { // what went after the mark is known: the walk may begin elsewhere
			c.missGap(g)
		}
	}
	c.begun = true
	c.missHead(chunk)
}

// startsUnknown reports whether counting began at the head of a log of which it was not noted what it had.
func (c *count) startsUnknown() bool { return c.mark.Position.IsZero() && c.mark.First.IsZero() }

// missGap notes how much of a gap lies between the mark and the sender's position, at most.
func (c *count) missGap(g *pump.Gap) {
	if g.First == 0 {
		c.miss(g.Count)
		return
	}
	first, last := g.First, g.Last
	if seen, ok := c.mark.Position.ReachedIn(g.SeqnumID); ok {
		first = max(first, seen+1)
	}
	reached, ok := c.sender.State.Position.ReachedIn(g.SeqnumID)
	if last == 0 || last > reached { // all of the sequence is gone, or more than the sender has come to
		last = reached
	}
	if !ok || first > last {
		return
	}
	entries := last - first + 1
	if g.Count > 0 {
		entries = min(entries, g.Count)
	}
	c.miss(entries)
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
		c.missGap(&pump.Gap{SeqnumID: first.SeqnumID, First: first.Seqnum, Last: now.Seqnum - 1})
	default:
		c.miss(0)
	}
}
