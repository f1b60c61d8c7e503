package main

import (
	"context"
	"testing"
	"time"

	"journalpump/pump"
)

// journalMeter is a journal that has the entries from first to last, one a second.
type journalMeter struct{ first, last uint64 }

func (j journalMeter) Lag(_ context.Context, p pump.Position) (pump.Lag, error) {
	behind := j.last - max(p.Seqnum, j.first-1)
	return pump.Lag{Entries: int64(behind), Age: time.Duration(behind) * time.Second, Tail: seqnum(j.last)}, nil
}

func seqnum(n uint64) (p pump.Position) {
	p.Seqnum, p.Parts = n, pump.HasSeqnum
	return p
}

// What only the spool holds counts as what a sender is behind, and so does what was logged since that was saved.
func TestLagNow(t *testing.T) {
	t.Parallel()
	saved := pump.Lag{Entries: 90, Age: 90 * time.Second, Tail: seqnum(100)} // of a sender that has 10
	for name, c := range map[string]struct {
		position uint64
		saved    pump.Lag
		spooled  bool
		want     int64
	}{
		"no spool":                             {10, saved, false, 31},
		"a spool":                              {10, saved, true, 95},
		"further than the journal's beginning": {80, pump.Lag{Entries: 20, Age: 20 * time.Second, Tail: seqnum(100)}, true, 25},
		"nothing saved":                        {10, pump.Lag{}, true, 31},
	} {
		s := pump.SenderSnapshot{Position: seqnum(c.position), Lag: c.saved}
		lag, err := lagNow(t.Context(), journalMeter{first: 75, last: 105}, &s, c.spooled)
		if err != nil || lag.Entries != c.want || lag.Age != time.Duration(c.want)*time.Second {
			t.Errorf("%s: %+v, %v; want %d", name, lag, err, c.want)
		}
	}
}
