package libsystemd

import (
	"context"
	"fmt"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// Lag implements pump.Meter. The number of entries is that of all, wanted or not, as far as headers tell it.
func (l *Log) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tail, err := l.control.place(ctx, askTail, nil)
	if err != nil {
		return pump.Lag{}, fmt.Errorf("how far the journal goes: %w", err)
	}
	lag := pump.Lag{Tail: tail}
	if tail.IsZero() || names(pos, tail) {
		return lag, nil
	}
	if pos.Parts&pump.HasRealtime != 0 && tail.Realtime > pos.Realtime {
		lag.Age = time.Duration(tail.Realtime-pos.Realtime) * time.Microsecond //nolint:gosec // 292,000 years
	}
	var same uint64 // in files that count on from pos
	for _, f := range l.control.files {
		n, counts := entriesAfter(f.path, pos)
		if counts {
			same += n
		} else {
			lag.Entries += int64(n) //nolint:gosec // bounded by the file's size
		}
	}
	if tail.Parts&pos.Parts&pump.HasSeqnum != 0 && tail.SeqnumID == pos.SeqnumID {
		if ahead := max(tail.Seqnum, pos.Seqnum) - pos.Seqnum; same == 0 || same > ahead {
			same = ahead
		}
	}
	lag.Entries += int64(same)
	return lag, nil
}

// entriesAfter returns about how many entries of a file come after pos; counts tells whether its sequence numbers go on
// from there. A file that is gone or that only libsystemd understands has none.
func entriesAfter(path string, pos pump.Position) (n uint64, counts bool) {
	f, err := journalfile.Open(path)
	if err != nil {
		return 0, false
	}
	h, err := f.Header()
	_ = f.Close() // only read
	if err != nil || h.NEntries == 0 {
		return 0, false
	}
	if pos.Parts&pump.HasSeqnum != 0 && h.SeqnumID == pos.SeqnumID {
		return min(h.NEntries, max(h.TailSeqnum, pos.Seqnum)-pos.Seqnum), true
	}
	if h.TailRealtime <= pos.Realtime {
		return 0, false
	}
	if h.HeadRealtime >= pos.Realtime {
		return h.NEntries, false
	}
	// As if they came evenly.
	share := float64(h.TailRealtime-pos.Realtime) / float64(h.TailRealtime-h.HeadRealtime)
	return uint64(share * float64(h.NEntries)), false
}
