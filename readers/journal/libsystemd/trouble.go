package libsystemd

import (
	"context"
	"errors"
	"fmt"

	"journalpump/pump"
)

// What is done about a child that crashes or hangs again and again without getting on, by how often it has.
const (
	troubleAgain  = 2  // read single entries, so that those before a bad one are not lost
	troubleProbe  = 2  // look for files that it does not survive opening
	troubleSkip   = 3  // pass over the next entry, then two, four, …
	troubleLeap   = 7  // pass over a millisecond, then four, sixteen, …
	troubleEnough = 22 // give up: the engine opens the log anew, later
)

// trouble counts crashes at one position. What crashes a child is mostly passing, such as a file that is being truncated: a
// new child then simply goes on. Otherwise the bad entry is closed in on, and passed over in the end; that is a gap.
type trouble struct {
	crashes int
	careful int // so many entries are still to be read one by one
}

// note is called after a crash and prepares the next attempt. Its error is the iterator's end.
func (t *trouble) note(ctx context.Context, it *iterator, why error) error {
	t.crashes++
	if t.crashes >= troubleAgain {
		t.careful = batchEntries // the bad one is among those
	}
	if t.crashes > troubleEnough {
		return fmt.Errorf("reading the journal: %d attempts failed at %s: %w", t.crashes, it.at, why)
	}
	if t.crashes == troubleProbe {
		if err := it.session.probe(ctx); err != nil && !errors.Is(err, errChild) {
			return err
		}
	}
	return ctx.Err()
}

// survived is called after a batch that was read.
func (t *trouble) survived(it *iterator, b batch) {
	it.session.survived()
	if len(b.chunk.Entries) > 0 {
		t.crashes = 0
	}
	if t.careful > 0 {
		t.careful--
	}
}

// batch returns how many entries may be read at once.
func (t *trouble) batch() uint64 {
	if t.careful > 0 {
		return 1
	}
	return batchEntries
}

// leap returns what is to be passed over after the position.
func (t *trouble) leap(at pump.Position) leap {
	switch {
	case t.crashes >= troubleLeap && at.Parts&pump.HasRealtime != 0:
		return leap{realtime: at.Realtime + 1000<<(2*(t.crashes-troubleLeap))}
	case t.crashes >= troubleSkip:
		return leap{entries: 1 << (min(t.crashes, troubleLeap) - troubleSkip)}
	}
	return leap{}
}
