package pump

import (
	"context"
	"fmt"
	"time"
)

// A Recorder lets a sender have entries that its view holds back: those that led to one that matters, and some that follow it.
// What it says depends on the log and its state alone, so that after a crash it says the same again. It may be used by one lane
// at a time.
type Recorder interface {
	// Record looks at what follows a place in the log and at what the view made of it. state is what the last Addition of what was
	// before said, "" if there was none. Its error is one of lookBack's.
	Record(c *Chunk, r *Rendered, state string, lookBack func(Recall) ([]EntryRef, error)) (Recording, error)
	// LookBack returns how far back it looks at most, by the entries' times.
	LookBack() time.Duration
}

// Recording is what a Recorder made of a chunk.
type Recording struct {
	Additions  []Addition // Entry rises
	Dumps      int64
	Suppressed int64 // dumps that there might have been, but for their number
}

// Addition is what is sent in the place of an entry, whether the view shows that or not. Until all of it and the entry are accepted,
// the lane's position is before the entry.
type Addition struct {
	Entry   int // its index in the chunk
	ID      string
	Records []Record // at least one, those of an entry one after the other; the last ones are always the same when it is made anew
	Own     int      // which of them is the first of the entry itself
	State   string   // the recorder's, once all of it was taken
}

// RecorderState is what is kept of a flight recorder beside the position.
type RecorderState struct {
	State string // what the last addition up to the position said
	// Of the addition that follows the position, if its ID is Of, all but the last Left records were accepted.
	Of   string
	Left int
}

// resume takes away what was accepted of the first of the additions.
func (s *RecorderState) resume(additions []Addition) {
	if len(additions) == 0 || s.Left == 0 {
		return
	}
	if first := &additions[0]; first.ID == s.Of && len(first.Records) > s.Left {
		done := len(first.Records) - s.Left
		first.Records = first.Records[done:]
		first.Own -= done
	}
}

// sizeOf returns the bytes of all bodies together.
func sizeOf(records []Record) (n int) {
	for i := range records {
		n += len(records[i].Body)
	}
	return n
}

// recallLimit bounds what looking back may take.
const recallLimit = 10 * time.Second

// additions returns what the lane's recorder adds to a chunk. Where the log could not be asked for the past for want of descriptors or memory
// it fails: the lane reads the chunk again later.
func (l *lane) additions(ctx context.Context, c *Chunk, r *Rendered, before *RecorderState) ([]Addition, error) {
	if l.spec.Recorder == nil {
		return nil, nil
	}
	found, err := l.spec.Recorder.Record(c, r, before.State, func(what Recall) ([]EntryRef, error) {
		limited, cancel := context.WithTimeout(ctx, recallLimit)
		defer cancel()
		entries, err := recall(limited, l.feed.log, what)
		switch {
		case err == nil || ctx.Err() != nil:
			return entries, err
		case IsShortage(err):
			return nil, l.feed.tolerate(fmt.Errorf("looking back for the flight recorder: %w", err))
		default: // better a dump without its past than none
			l.log.Warn("the flight recorder cannot look back", "before", what.Before.String(), "error", err)
			l.metrics.Count("journal.flight_recorder.failed", 1, l.state.tags)
			return nil, nil
		}
	})
	if err != nil {
		return nil, err
	}
	if found.Dumps > 0 {
		l.metrics.Count("journal.flight_recorder.dumps", found.Dumps, l.state.tags)
	}
	if found.Suppressed > 0 {
		l.metrics.Count("journal.flight_recorder.suppressed", found.Suppressed, l.state.tags)
	}
	before.resume(found.Additions)
	return found.Additions, nil
}
