package libsystemd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"journalpump/internal/backoff"
	"journalpump/pump"
)

const unitField = "_SYSTEMD_UNIT"

const (
	batchEntries     = 1000
	batchBytes       = 1 << 20
	waitLimit        = 250 * time.Millisecond // how long the child waits for a change at a time
	waitMicroseconds = uint64(waitLimit / time.Microsecond)
	listInterval     = time.Second          // how often the files are listed anew while there is enough to read
	maxReopens       = 50                   // in one Next, until the files there are no longer change
	reopenPause      = 5 * time.Millisecond // before the second of those, and so much longer before each more
)

// iterator implements pump.Iterator.
type iterator struct {
	session *session
	fields  *fields
	spoken  *process          // whose numbers fields has
	at      pump.Position     // everything up to here has been returned
	stale   bool              // there are other files now: open those before reading on
	wanted  map[pump.Ref]bool // which shared fields are the unit of an entry that is wanted
	wantIn  uint64            // the dictionary that these are of
	trouble trouble

	// anchored is false when it is not known yet whether entries are missing after at: the first one read tells.
	anchored bool
	leapt    leap      // why they may be missing, if it is that libsystemd does not survive them
	gap      *pump.Gap // found, but not reported yet
	refused  map[refusal]bool
	skipped  int // files newly found to be unreadable
}

func newIterator(l *Log, after pump.Position) *iterator {
	return &iterator{
		session: newSession(l), fields: newFields(), at: after, anchored: true,
		wanted: make(map[pump.Ref]bool), refused: make(map[refusal]bool),
	}
}

// open opens the files there are now and goes to the position.
func (it *iterator) open(ctx context.Context, l leap) error {
	reply, err := it.session.open(ctx, it.at, it.session.log.exact, l)
	if err != nil {
		return err
	}
	it.stale = false
	for _, r := range reply.refused {
		if !it.refused[r] {
			it.refused[r] = true
			it.skipped++
		}
	}
	it.anchored, it.leapt, it.gap = true, l, nil
	switch {
	case l != leap{}:
		it.anchored = false
	case it.at.IsZero():
	case reply.anchor == anchorNone:
		it.anchored = false
	case reply.anchor == anchorGone:
		it.missing(reply.next)
	}
	return nil
}

// missing notes what is missing between the position and the entry next.
func (it *iterator) missing(next pump.Position) {
	it.anchored = true
	reason := reasonVacuumed
	if it.leapt != (leap{}) {
		reason = reasonUnreadable
	}
	g, ok := gapBetween(it.at, next, reason)
	if !ok && it.leapt != (leap{}) { // at the head nothing says how much it is
		g, ok = pump.Gap{SeqnumID: next.SeqnumID, Count: it.leapt.entries, To: next.Realtime, Reason: reason}, true
	}
	if ok {
		it.gap = &g
	}
}

// Next implements pump.Iterator.
func (it *iterator) Next(ctx context.Context) (*pump.Chunk, error) {
	reopens := 0
	for {
		b, err := it.read(ctx)
		switch {
		case errors.Is(err, pump.ErrNotYet):
			return nil, pump.ErrNoMore // vanished; it may come back
		case errors.Is(err, errChild), errors.Is(err, errAnswer):
			if err := it.trouble.note(ctx, it, err); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
		it.trouble.survived(it, b)
		if it.overtaken(&b) && reopens < maxReopens {
			if err := backoff.Sleep(ctx, time.Duration(reopens)*reopenPause); err != nil {
				return nil, err
			}
			reopens++
			continue
		}
		if len(b.chunk.Entries) == 0 && b.chunk.Corrupted == 0 && it.skipped == 0 {
			return nil, pump.ErrNoMore
		}
		return it.deliver(b), nil
	}
}

// read opens what is not open and reads a batch.
func (it *iterator) read(ctx context.Context) (batch, error) {
	s := it.session
	if s.process == nil || s.files == nil || it.stale {
		if err := it.open(ctx, it.trouble.leap(it.at)); err != nil {
			return batch{}, err
		}
	}
	request := readRequest{entries: it.trouble.batch(), bytes: batchBytes}
	payload, err := s.call(ctx, askRead, request.append, sayEntries)
	if err != nil {
		return batch{}, err
	}
	if it.spoken != s.process { // a new child numbers fields anew
		it.spoken, it.fields = s.process, newFields()
	}
	b, err := it.fields.decode(payload, it.at)
	if err != nil {
		return batch{}, s.failed(fmt.Errorf("%w: %w", errChild, err))
	}
	return b, nil
}

// overtaken reports whether the batch must be read again because files appeared that it should have come from, too. It
// takes a jump for an entry to be missing, so that for most batches nobody has to look.
func (it *iterator) overtaken(b *batch) bool {
	s := it.session
	if !b.jumped && !b.end && time.Since(s.listed) < listInterval {
		return false
	}
	changed, err := s.changed()
	if err != nil || !changed {
		return false
	}
	it.stale = true
	return b.jumped || len(b.chunk.Entries) == 0
}

// deliver completes the chunk of a batch and moves on.
func (it *iterator) deliver(b batch) *pump.Chunk {
	c := b.chunk
	if !it.anchored && len(c.Entries) > 0 {
		it.missing(pump.Position{Cursor: c.Entries[0].Position})
	}
	if it.gap != nil {
		c.Gaps = append(c.Gaps, *it.gap)
		it.gap = nil
	}
	c.Corrupted += it.skipped
	it.skipped = 0
	it.at = c.To
	if it.session.log.wants != nil {
		it.keepWanted(c)
	}
	return c
}

// keepWanted removes the entries of units that are not wanted.
func (it *iterator) keepWanted(c *pump.Chunk) {
	if it.wantIn != c.Dict.ID {
		it.wantIn = c.Dict.ID
		clear(it.wanted)
	}
	kept := c.Entries[:0]
	for i := range c.Entries {
		for _, r := range c.Fields(i) {
			if it.wantsBy(c, r) {
				kept = append(kept, c.Entries[i])
				break
			}
		}
	}
	c.Entries = kept
}

func (it *iterator) wantsBy(c *pump.Chunk, r pump.Ref) bool {
	if _, shared := r.Dict(); !shared {
		f := c.Field(r)
		return f.Name == unitField && it.session.log.wants(f.Value)
	}
	wanted, known := it.wanted[r]
	if !known {
		f := c.Field(r)
		wanted = f.Name == unitField && it.session.log.wants(f.Value)
		it.wanted[r] = wanted
	}
	return wanted
}

// Wait implements pump.Iterator.
func (it *iterator) Wait(ctx context.Context) error {
	for s := it.session; ; {
		if s.process == nil || s.files == nil { // there is no journal, or nothing but what is being made
			if err := backoff.Sleep(ctx, waitLimit); err != nil {
				return err
			}
		}
		if time.Since(s.listed) >= listInterval || s.files == nil {
			if changed, err := s.changed(); err == nil && changed {
				return nil
			}
		}
		if s.files == nil {
			continue
		}
		changed, err := it.wait(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || changed: // Next will find out what is wrong
			return nil //nolint:nilerr // as it says
		}
	}
}

func (it *iterator) wait(ctx context.Context) (bool, error) {
	request := func(b []byte) []byte { return binary.AppendUvarint(b, waitMicroseconds) }
	payload, err := it.session.call(ctx, askWait, request, sayWait)
	if err != nil {
		return false, err
	}
	d := decoder{rest: payload}
	changed := d.octet() != 0
	return changed, d.end("reply about waiting")
}

// Close implements pump.Iterator.
func (it *iterator) Close() error {
	it.session.stop()
	return nil
}
