package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"journalpump/pump"
)

// outcome is what has become of a group.
type outcome struct {
	refused map[int]error // for good, by index in the batch
	rest    []int         // indexes of what was not accepted because of err
	err     error
	smaller int // if not 0, how large record batches of the topic may be from now on, in bytes
}

// errSmaller says that a record batch was too large, and that the next ones of the topic will be smaller.
var errSmaller = errors.New("the broker takes only smaller record batches of this topic")

// worker produces one group after the other.
type worker struct {
	sender *sender
	batch  batchWriter
}

// produce sends the records of a group in one record batch after the other, each when the one before was accepted.
func (w *worker) produce(ctx context.Context, records []pump.Record, g *group) {
	rest, most := g.records, len(g.records)
	for len(rest) > 0 {
		n, size, err := w.send(ctx, records, g, rest[:min(most, len(rest))])
		var named *badRecordsError
		switch {
		case err == nil:
			rest, most = rest[n:], min(2*most, len(g.records))
		case w.sender.badRecords(err) && errors.As(err, &named) && g.refuse(rest[:n], named):
			rest = slices.DeleteFunc(slices.Clone(rest), func(i int) bool { return g.refused[i] != nil })
		case w.sender.badRecords(err) && n > 1: // which of them is it?
			most = n / 2
		case w.sender.badRecords(err):
			g.bury(rest[0], pump.Permanent(fmt.Errorf("the broker refuses the record: %w", err)))
			rest = rest[1:]
		case tooLarge(err) && n == 1:
			g.bury(rest[0], fmt.Errorf("%w: %w", pump.ErrTooLarge, err))
			rest = rest[1:]
		case tooLarge(err):
			g.smaller = size / 2
			g.rest, g.err = rest, fmt.Errorf("%w: %w", errSmaller, err)
			return
		default:
			g.rest, g.err = rest, fmt.Errorf("topic %q, partition %d: %w", g.topic.name, g.partition, err)
			return
		}
	}
}

// send sends as many of the records as go into one record batch, and says how many, and how large it was uncompressed.
func (w *worker) send(ctx context.Context, records []pump.Record, g *group, indexes []int) (n, size int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	sequence := int32(-1)
	if g.sequence != nil {
		sequence = g.sequence.next
	}
	n = w.fill(records, g, indexes)
	size = w.batch.size()
	batch, err := w.batch.finish(w.sender.producer, sequence)
	if err != nil {
		return 0, 0, err
	}
	err = w.sender.client.produce(ctx, g.topic.name, g.partition, batch)
	if alreadyThere(err) {
		err = nil
	}
	if g.sequence != nil {
		g.sequence.settle(records, indexes[:n], err, tooLarge(err) || w.sender.badRecords(err))
	}
	return n, size, err
}

// settle notes what the answer to a batch of these records means for their sequence. Of what was refused the broker has
// looked at the batch and stored nothing.
func (s *sequence) settle(records []pump.Record, indexes []int, err error, refused bool) {
	switch {
	case err == nil:
		s.advance(len(indexes))
	case refused:
		s.doubt = s.doubt[:0]
	default:
		s.remember(records, indexes)
	}
}

// fill writes records into the batch and returns how many.
func (w *worker) fill(records []pump.Record, g *group, indexes []int) int {
	s := w.sender
	limit := min(s.batchBytes, cmp.Or(g.topic.maxBytes, s.batchBytes))
	exactly := 0
	if g.sequence != nil {
		exactly = len(g.sequence.doubt)
	}
	now := time.Now()
	w.batch.begin()
	for n, i := range indexes {
		r, key := &records[i], s.router.keyOf(i)
		if exactly > 0 {
			if n == exactly {
				return n
			}
		} else if n > 0 && w.batch.size()+len(key)+len(r.Body)+recordOverhead > limit {
			return n
		}
		at := now
		if s.entryTimes && r.Time().Before(now) { // else a clock is wrong, and brokers refuse what is too far ahead
			at = r.Time()
		}
		w.batch.add(key, r, at)
	}
	return len(indexes)
}

// refuse gives up the records that the broker has named. It reports whether there were any.
func (g *group) refuse(indexes []int, named *badRecordsError) bool {
	found := false
	for k, why := range named.records {
		if k >= 0 && k < len(indexes) {
			found = true
			g.bury(indexes[k], pump.Permanent(fmt.Errorf("the broker refuses the record: %w: %w", named.err, why)))
		}
	}
	return found
}

func (g *group) bury(index int, err error) {
	if g.refused == nil {
		g.refused = map[int]error{}
	}
	g.refused[index] = err
}
