package pump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"journalpump/internal/backoff"
)

// delivery is the delivering half of a lane's session. It is the one place that retries.
type delivery struct {
	lane       *lane
	stop, hard context.Context //nolint:containedctx // the two ends of one session, see lane.run
	spare      chan<- []Record // record slices that the assembler may use again
	wait       backoff.Backoff
	left       []Record // what was neither accepted nor refused for good when send failed

	sent        outcome // sent to a Committer and not committed
	commitBy    time.Time
	commitEvery time.Duration
}

// run delivers parcels until the channel is closed or the session is stopped, then commits. Its error means that what was
// not committed has to be read and sent again.
func (d *delivery) run(parcels <-chan parcel) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if !d.sent.empty() {
			timer.Reset(time.Until(d.commitBy))
			due = timer.C
		}
		select {
		case p, ok := <-parcels:
			if !ok {
				return d.commit()
			}
			if err := d.deliver(&p); err != nil {
				return err
			}
		case <-due:
			if err := d.commit(); err != nil {
				return err
			}
		case <-d.lane.reopen:
			if err := d.reopen(); err != nil {
				return err
			}
		case <-d.stop.Done():
			return d.commit()
		}
	}
}

func (d *delivery) deliver(p *parcel) error {
	o := p.outcome()
	_, commits := d.lane.sender.(Committer)
	if len(p.records) > 0 {
		if err := d.send(p.records, p.bytes, &o); err != nil {
			if !commits {
				d.settleBeginning(p, &o)
			}
			return err
		}
	}
	if commits && len(o.letters) == 0 && (o.records > 0 || !d.sent.empty()) {
		d.recycle(p.records)
		return d.hold(&o)
	}
	if commits && len(o.letters) > 0 { // they are kept once the others are accepted
		if err := d.accept(); err != nil {
			return err
		}
	}
	if err := d.keep(o.letters); err != nil {
		d.settleBeginning(p, &o)
		return err
	}
	d.recycle(p.records)
	d.move(&o)
	return nil
}

// recycle lets the assembler use the slice again.
func (d *delivery) recycle(records []Record) {
	clear(records) // they hold chunks
	select {
	case d.spare <- records[:0]:
	default:
	}
}

// hold keeps the outcome of a parcel without dead letters until the next commit.
func (d *delivery) hold(o *outcome) error {
	if d.sent.empty() {
		d.commitBy = time.Now().Add(d.commitEvery)
	}
	d.sent.merge(*o)
	if time.Now().Before(d.commitBy) {
		return nil
	}
	return d.commit()
}

// move moves the position.
func (d *delivery) move(o *outcome) {
	l := d.lane
	if o.dead > 0 {
		l.metrics.Count("journal.dead_letters", o.dead, l.state.tags)
	}
	if o.recalled > 0 {
		l.metrics.Count("journal.flight_recorder.lines", o.recalled, l.state.tags)
	}
	l.settle(o)
	l.settled()
}

// keep keeps dead letters. While that fails, as on a full disk, the lane waits as for its destination: moving on would
// lose them.
func (d *delivery) keep(letters []DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	for {
		err := d.bury(letters)
		if err == nil {
			d.wait.Reset()
			d.lane.state.connected()
			return nil
		}
		if d.lane.waitBetween(func() error { return d.wait.Wait(d.stop, 0) }) != nil {
			return err
		}
	}
}

// bury tries to keep dead letters, where they are kept.
func (d *delivery) bury(letters []DeadLetter) error {
	l := d.lane
	if len(letters) == 0 || l.spec.DeadLetters == nil {
		return nil
	}
	l.send.begin()
	err := l.spec.DeadLetters.Bury(letters)
	l.send.end()
	if err != nil {
		d.fail("burying", err)
		return err
	}
	return nil
}

// send delivers the records, in order, until the destination has taken each or refused it for good.
func (d *delivery) send(records []Record, bytes int, o *outcome) error {
	for {
		err := d.attempt(records, bytes)
		if partial, ok := errors.AsType[*PartialError](err); ok {
			records, bytes, err = d.refused(records, partial, o)
		}
		switch {
		case err == nil:
			d.wait.Reset()
			d.lane.state.connected()
			if _, commits := d.lane.sender.(Committer); !commits {
				d.lane.state.accepting()
			}
			return nil
		case !errors.Is(err, ErrTooLarge) && !IsPermanent(err):
			if err := d.retry(err); err != nil {
				d.left = records
				return err
			}
		case len(records) == 1:
			d.dead(&records[0], err, o)
			return nil
		default: // which of them is it?
			half, size := records[:len(records)/2], 0
			for i := range half {
				size += len(half[i].Body)
			}
			if err := d.send(half, size, o); err != nil {
				d.left = slices.Concat(d.left, records[len(half):])
				return err
			}
			records, bytes = records[len(half):], bytes-size
		}
	}
}

func (d *delivery) attempt(records []Record, bytes int) error {
	ctx, cancel := context.WithTimeout(d.hard, d.lane.sendLimit)
	defer cancel()
	d.lane.send.begin()
	defer d.lane.send.end()
	return d.lane.sender.Send(ctx, Batch{Records: records, Bytes: bytes})
}

// refused makes dead letters of the records that the destination refused for good and returns those to be sent again, with the reason.
func (d *delivery) refused(records []Record, partial *PartialError, o *outcome) (again []Record, bytes int, err error) {
	var after time.Duration
	for i := range records {
		switch e, ok := partial.Errs[i]; {
		case !ok:
		case IsPermanent(e) || errors.Is(e, ErrTooLarge):
			d.dead(&records[i], e, o)
		default:
			after = max(after, RetryDelay(e))
			bytes += len(records[i].Body)
			again = append(again, records[i])
			err = e
		}
	}
	if err != nil && after > 0 {
		err = RetryAfter(err, after)
	}
	return again, bytes, err
}

// retry waits before the next attempt. It returns an error when there is to be none: the session is stopped, or starts over.
func (d *delivery) retry(err error) error {
	d.fail("sending", err)
	if _, ok := d.lane.sender.(Committer); ok || d.stop.Err() != nil {
		return err
	}
	if d.lane.waitBetween(func() error { return d.wait.Wait(d.stop, RetryDelay(err)) }) != nil {
		return err
	}
	return nil
}

// dead makes a record a dead letter.
func (d *delivery) dead(r *Record, err error, o *outcome) {
	o.addDead(r)
	o.letters = append(o.letters, DeadLetter{Record: *r, Reason: err, Time: time.Now()})
	d.lane.log.Warn("the destination refuses an entry for good, going on without it", "cursor", r.Position().String(), "error", err)
}

// commit makes what was sent accepted and moves the position.
func (d *delivery) commit() error {
	if d.sent.empty() {
		return nil
	}
	return d.accept()
}

// accept has the sender commit and moves the position past what was held.
func (d *delivery) accept() error {
	committer, ok := d.lane.sender.(Committer)
	if !ok {
		return fmt.Errorf("%s has something to commit and cannot", d.lane.spec.Type)
	}
	ctx, cancel := context.WithTimeout(d.hard, d.lane.sendLimit)
	defer cancel()
	d.lane.send.begin()
	err := committer.Commit(ctx)
	d.lane.send.end()
	if err != nil {
		d.fail("committing", err)
		return fmt.Errorf("committing: %w", err)
	}
	if !d.sent.empty() {
		d.move(&d.sent)
	}
	d.lane.state.connected()
	d.sent, d.commitEvery = outcome{}, d.lane.spec.CommitEvery
	return nil
}

func (d *delivery) reopen() error {
	r, ok := d.lane.sender.(Reopener)
	if !ok {
		return nil
	}
	if err := d.commit(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(d.hard, d.lane.sendLimit)
	defer cancel()
	d.lane.send.begin()
	err := r.Reopen(ctx)
	d.lane.send.end()
	if err != nil {
		d.fail("reopening", err)
	}
	return nil
}

func (d *delivery) fail(doing string, err error) {
	l := d.lane
	l.state.failed(err)
	l.metrics.Count("exception", 1, withTags(l.state.tags, map[string]string{"exception": kindOf(err), "where": doing}))
	l.log.Warn("the destination is in trouble, trying again", "doing", doing, "error", err, "attempts", d.wait.Attempts()+1)
}
