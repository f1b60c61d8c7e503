package sendertest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"journalpump/pump"
)

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Harness)
	}{
		{"order", order},
		{"durable", durable},
		{"unusual bodies", unusualBodies},
		{"keeps no memory", keepsNoMemory},
		{"changes no batch", changesNoBatch},
		{"ended context", endedContext},
		{"closed after Send", closedAfterSend},
		{"reopen", reopen},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "_"), func(t *testing.T) {
			noLeaks(t)
			test.run(t, &h)
		})
	}
	for _, f := range Faults() {
		t.Run("fault/"+strings.ReplaceAll(string(f), " ", "_"), func(t *testing.T) {
			if why := h.Lacks[f]; why != "" {
				t.Logf("not applicable: %s", why)
				return
			}
			noLeaks(t)
			fault(t, &h, f)
		})
	}
}

// noLeaks checks at the end of the test, when everything else has been cleaned up, that no goroutine is left.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func order(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	from := 0
	for _, n := range []int{1, 2, 100, 1, 1000, 7} {
		c.deliver(Batch(from, n))
		from += n
	}
	c.check(false)
}

// durable: what Send (and Commit) said is accepted is there, at once and without a Close.
func durable(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	for i := range 5 {
		c.deliver(Batch(10*i, 10))
		c.check(false)
	}
	c.close()
	c.check(false)
	c.restart()
	c.deliver(Batch(50, 10))
	c.check(false)
}

func unusualBodies(t *testing.T, h *Harness) {
	t.Helper()
	bodies := [][]byte{
		[]byte(`{}`),
		[]byte(`{"MESSAGE": "ünï ☃ \u001b[31m \n \\ \" \u0000 %s {}"}`),
		[]byte(`{"MESSAGE": "` + strings.Repeat("x", 1<<20-100) + `"}`),
		[]byte(`{"MESSAGE": ["a", "b"], "n": -1.5e300, "x": null}`),
	}
	c := start(t, h)
	c.deliver(Batch(0, len(bodies), Bodies(func(number int) []byte { return bodies[number] })))
	for i := range bodies {
		c.deliver(Batch(len(bodies)+i, 1, Bodies(func(int) []byte { return append(slices.Clip(bodies[i]), ' ') })))
	}
	c.check(false)
}

// keepsNoMemory: the engine uses a batch's memory again as soon as Send has returned.
func keepsNoMemory(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	for i := range 3 {
		b := Batch(100*i, 100)
		for k := range b.Records {
			c.wanted = append(c.wanted, bytes.Clone(h.want(&b.Records[k])))
		}
		if err := c.sender.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for k := range b.Records {
			for j := range b.Records[k].Body {
				b.Records[k].Body[j] = '!'
			}
		}
		clear(b.Records)
	}
	c.commit()
	c.check(false)
}

// changesNoBatch: the bodies and chunks are shared with other senders.
func changesNoBatch(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	b := Batch(0, 100)
	before := digest(b)
	c.deliver(b)
	if digest(b) != before {
		t.Error("the batch is not what it was before Send")
	}
}

func digest(b pump.Batch) string {
	hash := sha256.New()
	for _, r := range b.Records {
		fmt.Fprintf(hash, "%d %p %q ", r.Index, r.Chunk, r.Body)
		fmt.Fprint(hash, r.Position())
		for _, ref := range r.Chunk.Fields(r.Index) {
			fmt.Fprintf(hash, "%v", *r.Chunk.Field(ref))
		}
	}
	return string(hash.Sum(nil))
}

// endedContext: Send with a context that has ended returns soon; what it says holds.
func endedContext(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	c.deliver(Batch(0, 10))
	c.hand(Batch(10, 10)) // a Committer has to take this back too
	b := Batch(20, 10)
	var err error
	within(t, h.soon(), "Send", func() { err = c.try(stop(t, 0), b.Records) })
	if err == nil {
		t.Error("Send returned nil although its context had ended")
	}
	c.send(c.uncommitted())
	c.deliver(b)
	c.check(h.replays())
}

// closedAfterSend: Close gives up on what was not accepted. The next sender is sent it again.
func closedAfterSend(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	c.deliver(Batch(0, 10))
	c.hand(Batch(10, 10))
	c.close()
	c.restart()
	c.send(c.uncommitted())
	c.deliver(Batch(20, 10))
	c.check(h.replays())
}

func reopen(t *testing.T, h *Harness) {
	t.Helper()
	c := start(t, h)
	r, ok := c.sender.(pump.Reopener)
	if !ok {
		t.Log("not applicable: the sender is no Reopener")
		return
	}
	c.deliver(Batch(0, 10))
	for i, commit := range []bool{true, false} {
		c.hand(Batch(10+10*i, 10))
		if commit {
			c.commit()
		}
		if err := r.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.deliver(Batch(30, 10))
	c.check(false)
}

// fault lets the destination misbehave in the middle of things.
func fault(t *testing.T, h *Harness, f Fault) {
	t.Helper()
	c := start(t, h)
	c.deliver(Batch(0, 10))
	c.hand(Batch(10, 10))
	c.dest.Script(f)
	b := Batch(20, 20)
	if f == Hang {
		hang(t, c, b)
	} else {
		c.hand(b)
	}
	c.commit()
	c.deliver(Batch(40, 10))
	checkErrors(t, c, f)
	if f == RefusePart { // those that were refused come after the others
		sortBodies(c.wanted)
		got := c.dest.Accepted()
		sortBodies(got)
		if diff := difference(c.wanted, got); diff != "" {
			t.Error(diff)
		}
		return
	}
	c.check(h.mayDouble(f))
}

// hang gives up on a destination that does not answer and sends again.
func hang(t *testing.T, c *courier, b pump.Batch) {
	t.Helper()
	for i := range b.Records {
		c.wanted = append(c.wanted, bytes.Clone(c.h.want(&b.Records[i])))
	}
	var err error
	const patience = 100 * time.Millisecond
	ctx := stop(t, patience)
	within(t, patience+c.h.soon(), "Send", func() { err = c.try(ctx, b.Records) })
	if err == nil {
		t.Fatal("Send returned nil although the destination did not answer")
	}
	c.send(c.again(b.Records, err))
}

// checkErrors checks that the sender said what it should have said about the fault.
func checkErrors(t *testing.T, c *courier, f Fault) {
	t.Helper()
	if f == Slow {
		if len(c.errs) > 0 {
			t.Errorf("a slow destination is none that fails: %v", c.errs)
		}
		return
	}
	if len(c.errs) == 0 {
		t.Fatal("the sender returned no error")
	}
	err := c.errs[0]
	if f == Throttle && pump.RetryDelay(err) <= 0 {
		t.Errorf("the error doesn't say how long to wait: %v", err)
	}
	if f != RefuseForever && pump.IsPermanent(err) {
		t.Errorf("an error that will go away was called permanent: %v", err)
	}
	if f == RefuseForever && len(c.wanted) != 49 {
		t.Errorf("%d records were buried, want 1", 50-len(c.wanted))
	}
	if strings.TrimSpace(err.Error()) == "" {
		t.Error("the error says nothing")
	}
}

func sortBodies(bodies [][]byte) {
	slices.SortFunc(bodies, bytes.Compare)
}
