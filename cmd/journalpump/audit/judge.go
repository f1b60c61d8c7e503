package audit

import (
	"fmt"
	"strings"

	"journalpump/cmd/journalpump/status"
)

// judge compares the ledger with the journal.
func (c *count) judge() {
	r := &c.result
	if err := c.sender.State.Ledger.Balanced(); c.sender.Known && err != nil {
		r.Verdict, r.Why = Wrong, "read is not filtered + accepted + dead letters + in flight"
		return
	}
	if r.Verdict == Unknown {
		return
	}
	l, j := &r.Ledger, &r.Journal
	sent, filtered := l.Accepted+l.DeadLettered-l.Recalled, l.Filtered
	if recorded := j.Filtered - filtered; c.sender.Recorded && recorded > 0 { // filtered at first, and sent all the same
		sent -= recorded
		filtered += recorded
	}
	for _, part := range []struct {
		name            string
		ledger, journal int64
	}{
		{"read", l.Read, j.Read},
		{"accepted or dead letters", sent, j.Sent},
		{"filtered", filtered, j.Filtered},
	} {
		fewer, more := part.journal-part.ledger, part.ledger-part.journal
		if fewer > l.Gaps {
			r.Verdict = Wrong
			r.Why = fmt.Sprintf("of %s the ledger has %s fewer than the journal", entries(part.journal, part.name), status.Grouped(fewer))
			return
		}
		if more > j.Missing && !j.Unsized && !c.fromHead() {
			r.Verdict = Wrong
			r.Why = fmt.Sprintf("of %s in the ledger the journal does not have %s, and at most %s were deleted since", entries(part.ledger, part.name), status.Grouped(more), status.Grouped(j.Missing))
			return
		}
	}
	c.adequate()
}

// fromHead reports whether it was counted from where the log began and that is gone, or not known: what other sequences had before
// nobody knows then.
func (c *count) fromHead() bool {
	j := &c.result.Journal
	return c.mark.Position.IsZero() && (j.Missing > 0 || j.Unsized || c.mark.First.IsZero())
}

// adequate words what adds up, and what cannot be told.
func (c *count) adequate() {
	r := &c.result
	l, j := &r.Ledger, &r.Journal
	r.Verdict = AddsUp
	var why []string
	if c.before > 0 {
		why = append(why, fmt.Sprintf("%s entries that were read before %s are not all in the journal any more: of them nothing can be told",
			status.Grouped(c.before), r.Since.Local().Format(timeLayout)))
	}
	switch {
	case l.Read < j.Read:
		why = append(why, status.Grouped(j.Read-l.Read)+" entries of recorded gaps can be read now")
	case l.Read > j.Read:
		r.Verdict = SoFar
		why = append(why, status.Grouped(l.Read-j.Read)+" entries that were counted are not in the journal any more: what became of them cannot be told")
	}
	r.Why = strings.Join(why, "; ")
}

func entries(n int64, what string) string {
	if n == 1 {
		return "1 entry " + what
	}
	return status.Grouped(n) + " entries " + what
}
