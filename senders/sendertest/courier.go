package sendertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"journalpump/pump"
)

// maxAttempts is how often the courier tries before it says that a sender does not recover.
const maxAttempts = 20

// attemptLimit is how long an attempt may take. On a busy machine one that was to hang may have been given up before it came to the
// destination, and the next one hangs.
const attemptLimit = 30 * time.Second

// courier sends batches by the engine's rules, without its waits.
type courier struct {
	t      *testing.T
	h      *Harness
	dest   Destination
	sender pump.Sender
	errs   []error // all that the sender returned

	wanted [][]byte       // what was delivered and not refused for good
	sent   []pump.Record  // to a Committer, and not committed
	tries  map[string]int // how often Send was given what the destination is to hold, by that
	open   bool
}

// start opens a sender; it is closed at the end of the test.
func start(t *testing.T, h *Harness) *courier {
	t.Helper()
	c := &courier{t: t, h: h, dest: h.New(t), tries: map[string]int{}}
	c.restart()
	t.Cleanup(c.close)
	return c
}

func (c *courier) restart() {
	c.t.Helper()
	s, err := c.dest.Open(c.t.Context())
	if err != nil {
		c.t.Fatalf("opening: %v", err)
	}
	c.sender, c.open = s, true
}

func (c *courier) close() {
	if !c.open {
		return
	}
	c.open = false
	within(c.t, c.h.soon(), "Close", func() {
		if err := c.sender.Close(); err != nil {
			c.t.Errorf("closing: %v", err)
		}
	})
}

// within fails the test if f takes longer than soon.
func within(t *testing.T, soon time.Duration, what string, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if took := time.Since(begin); took > soon {
		t.Errorf("%s took %v, want at most %v", what, took, soon)
	}
}

// deliver has all records accepted, or refused for good.
func (c *courier) deliver(b pump.Batch) {
	c.t.Helper()
	c.hand(b)
	c.commit()
}

// hand sends the records, and again what has to be sent again. A Committer has not committed them then.
func (c *courier) hand(b pump.Batch) {
	c.t.Helper()
	for i := range b.Records {
		c.wanted = append(c.wanted, bytes.Clone(c.h.want(&b.Records[i])))
	}
	c.send(b.Records)
}

func (c *courier) send(records []pump.Record) {
	c.t.Helper()
	for range maxAttempts {
		if len(records) == 0 {
			return
		}
		err := c.try(stop(c.t, attemptLimit), records)
		if err == nil {
			c.took(records)
			return
		}
		records = c.again(records, err)
	}
	c.t.Fatalf("not accepted after %d attempts, at last for: %v", maxAttempts, c.errs[len(c.errs)-1])
}

// try calls Send once.
func (c *courier) try(ctx context.Context, records []pump.Record) error {
	for i := range records {
		c.tries[string(c.h.want(&records[i]))]++
	}
	return c.sender.Send(ctx, batchOf(records))
}

// took notes what a Committer has taken and not committed.
func (c *courier) took(records []pump.Record) {
	if _, ok := c.sender.(pump.Committer); ok {
		c.sent = append(c.sent, records...)
	}
}

// again returns what has to be sent after an error of Send.
func (c *courier) again(records []pump.Record, err error) []pump.Record {
	c.t.Helper()
	c.errs = append(c.errs, err)
	var partial *pump.PartialError
	switch {
	case errors.As(err, &partial):
		return c.rest(records, partial)
	case (errors.Is(err, pump.ErrTooLarge) || pump.IsPermanent(err)) && len(records) > 1: // which of them is it?
		half := len(records) / 2
		c.send(records[:half])
		return records[half:]
	case errors.Is(err, pump.ErrTooLarge), pump.IsPermanent(err):
		c.bury(records)
		return nil
	}
	return append(c.uncommitted(), records...)
}

// uncommitted returns what has to be sent again when something fails.
func (c *courier) uncommitted() []pump.Record {
	sent := c.sent
	c.sent = nil
	return sent
}

func (c *courier) rest(records []pump.Record, partial *pump.PartialError) []pump.Record {
	c.t.Helper()
	if len(partial.Errs) == 0 {
		c.t.Error("a PartialError without a record in it")
	}
	var again []pump.Record
	for i := range records {
		switch err, refused := partial.Errs[i]; {
		case !refused:
			c.took(records[i : i+1])
		case pump.IsPermanent(err) || errors.Is(err, pump.ErrTooLarge):
			c.bury(records[i : i+1])
		default:
			again = append(again, records[i])
		}
	}
	for i := range partial.Errs {
		if i < 0 || i >= len(records) {
			c.t.Errorf("a PartialError about record %d of %d", i, len(records))
		}
	}
	return again
}

func (c *courier) bury(records []pump.Record) {
	for i := range records {
		want := c.h.want(&records[i])
		for k, w := range c.wanted {
			if bytes.Equal(w, want) {
				c.wanted = append(c.wanted[:k:k], c.wanted[k+1:]...)
				break
			}
		}
	}
}

func (c *courier) commit() {
	c.t.Helper()
	committer, ok := c.sender.(pump.Committer)
	if !ok {
		return
	}
	for range maxAttempts {
		err := committer.Commit(c.t.Context())
		if err == nil {
			c.sent = nil
			return
		}
		c.errs = append(c.errs, err)
		c.send(c.uncommitted())
	}
	c.t.Fatalf("not committed after %d attempts, at last for: %v", maxAttempts, c.errs[len(c.errs)-1])
}

// check compares what the destination holds with what was delivered: all of it, in order, nothing else. What may be there
// twice is so because it was sent twice.
func (c *courier) check(mayDouble bool) {
	c.t.Helper()
	got := c.dest.Accepted()
	if mayDouble {
		c.checkDoubles(got)
		got = firsts(got)
	}
	if diff := difference(c.wanted, got); diff != "" {
		c.t.Error(diff)
	}
}

func (c *courier) checkDoubles(got [][]byte) {
	c.t.Helper()
	times := map[string]int{}
	for _, b := range got {
		times[string(b)]++
	}
	for b, n := range times {
		if n > max(c.tries[b], 1) {
			c.t.Errorf("a record is there %d times, and Send was given it %d times: %.200q", n, c.tries[b], b)
		}
	}
}

// firsts returns the first of each.
func firsts(bodies [][]byte) [][]byte {
	seen := map[string]bool{}
	var unique [][]byte
	for _, b := range bodies {
		if !seen[string(b)] {
			seen[string(b)] = true
			unique = append(unique, b)
		}
	}
	return unique
}

func difference(want, got [][]byte) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%d of %d records are missing, the first of them %.200q", len(want)-i, len(want), want[i])
		case i >= len(want):
			return fmt.Sprintf("%d records too many, the first of them %.200q", len(got)-i, got[i])
		case !bytes.Equal(want[i], got[i]):
			return fmt.Sprintf("record %d of %d (want %d) is %.200q, want %.200q", i, len(got), len(want), got[i], want[i])
		}
	}
	return ""
}

func batchOf(records []pump.Record) pump.Batch {
	b := pump.Batch{Records: records}
	for i := range records {
		b.Bytes += len(records[i].Body)
	}
	return b
}

// stop returns a context that has ended, or ends while Send is at work.
func stop(t *testing.T, after time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	if after == 0 {
		cancel()
		return ctx
	}
	timer := time.AfterFunc(after, cancel)
	t.Cleanup(func() { timer.Stop(); cancel() })
	return ctx
}
