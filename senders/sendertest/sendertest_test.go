package sendertest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"journalpump/pump"
)

// memory is a destination without a network in between: every fault can be had.
type memory struct {
	accepted [][]byte
	fault    Fault
	mistake  mistake
	commits  bool // the sender is a Committer
}

// mistake is what a bad sender does wrong.
type mistake string

const (
	none            mistake = ""
	loses           mistake = "loses the last record of a batch"
	swaps           mistake = "changes the order"
	lies            mistake = "says it was accepted when it wasn't"
	keeps           mistake = "keeps the batch until Commit"
	changes         mistake = "changes a body"
	blocks          mistake = "does not end with its context"
	leaks           mistake = "leaves a goroutine behind"
	doubles         mistake = "takes nothing back"
	insists         mistake = "sends again by itself, too"
	buriesTransient mistake = "calls everything permanent"
	forgetsDelay    mistake = "does not say how long to wait"
)

func (m *memory) Open(context.Context) (pump.Sender, error) {
	s := &sender{dest: m}
	if m.commits {
		return &committer{sender: s}, nil
	}
	return s, nil
}

func (m *memory) Script(f Fault) { m.fault = f }

func (m *memory) Accepted() [][]byte {
	return slices.Clone(m.accepted)
}

var errRefused = errors.New("refused")

// take does what a destination does with a request, with the fault it was told to have.
func (m *memory) take(ctx context.Context, bodies [][]byte) error {
	f := m.fault
	m.fault = ""
	n := len(bodies)
	switch f {
	case Refuse, BreakBefore, CommitFails:
		return errRefused
	case Throttle:
		if m.mistake == forgetsDelay {
			return errRefused
		}
		return pump.RetryAfter(errRefused, time.Second)
	case TooLarge:
		return pump.ErrTooLarge
	case RefusePart:
		m.accept(bodies[:n/2])
		return m.partial(n/2, n, errRefused)
	case RefuseForever:
		m.accept(bodies[:1])
		m.accept(bodies[2:])
		return m.partial(1, 2, pump.Permanent(errRefused))
	case BreakWithin:
		m.accept(bodies[:n/2])
		return m.partial(n/2, n, errRefused)
	case BreakAfter:
		m.accept(bodies)
		if m.mistake == insists {
			m.accept(bodies)
		}
		return errRefused
	case Hang:
		if m.mistake == blocks {
			<-time.NewTimer(3 * time.Second).C
			return errRefused
		}
		<-ctx.Done()
		return ctx.Err()
	}
	m.accept(bodies)
	return nil
}

func (m *memory) accept(bodies [][]byte) { m.accepted = append(m.accepted, bodies...) }

func (m *memory) partial(from, to int, err error) error {
	p := &pump.PartialError{Errs: map[int]error{}}
	for i := from; i < to; i++ {
		p.Errs[i] = err
	}
	return p
}

type sender struct{ dest *memory }

func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.dest.take(ctx, s.bodies(b))
	switch {
	case err != nil && s.dest.mistake == lies:
		return nil
	case err != nil && s.dest.mistake == buriesTransient:
		return pump.Permanent(err)
	}
	return err
}

func (s *sender) bodies(b pump.Batch) [][]byte {
	bodies := make([][]byte, len(b.Records))
	for i := range b.Records {
		bodies[i] = bytes.Clone(b.Records[i].Body)
		if s.dest.mistake == keeps {
			bodies[i] = b.Records[i].Body
		}
	}
	switch s.dest.mistake {
	case loses:
		return bodies[:len(bodies)-1]
	case swaps:
		bodies[0], bodies[len(bodies)-1] = bodies[len(bodies)-1], bodies[0]
	case changes:
		b.Records[0].Body[0] = '['
	case leaks:
		go func() { <-time.NewTimer(10 * time.Second).C }()
	}
	return bodies
}

func (s *sender) Close() error { return nil }

// committer hands over with Send; the destination accepts on Commit.
type committer struct {
	*sender
	staged [][]byte
}

func (c *committer) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		c.takeBack()
		return err
	}
	f := c.dest.fault
	if f == CommitFails || f == BreakAfter {
		f = ""
	}
	bodies := c.bodies(b)
	if f != "" {
		c.dest.fault = ""
		c.takeBack()
		return errRefused
	}
	c.staged = append(c.staged, bodies...)
	return nil
}

func (c *committer) takeBack() {
	if c.dest.mistake != doubles {
		c.staged = nil
	}
}

func (c *committer) Commit(ctx context.Context) error {
	if err := c.dest.take(ctx, c.staged); err != nil && c.dest.mistake != lies {
		c.takeBack()
		return err
	}
	c.staged = nil
	return nil
}

func TestSenderThatKeepsTheRules(t *testing.T) {
	Run(t, senderHarness(none))
}

func TestCommitterThatKeepsTheRules(t *testing.T) {
	Run(t, committerHarness(none))
}

func senderHarness(m mistake) Harness {
	return Harness{
		New:   func(*testing.T) Destination { return &memory{mistake: m} },
		Lacks: map[Fault]string{CommitFails: "the sender is no Committer"},
	}
}

func committerHarness(m mistake) Harness {
	lacks := map[Fault]string{}
	for _, f := range []Fault{RefusePart, RefuseForever, Throttle, TooLarge, Hang, Slow, BreakWithin} {
		lacks[f] = "tried with the sender that is no Committer"
	}
	return Harness{New: func(*testing.T) Destination { return &memory{mistake: m, commits: true} }, Lacks: lacks}
}

// A suite that nothing fails shows nothing: each mistake must be seen. The failing runs are in processes of their own.
func TestMistakesAreSeen(t *testing.T) {
	harnesses := map[string]func(mistake) Harness{"sender": senderHarness, "committer": committerHarness}
	const kind, wrong = "SENDERTEST_KIND", "SENDERTEST_MISTAKE"
	if h := harnesses[os.Getenv(kind)]; h != nil {
		Run(t, h(mistake(os.Getenv(wrong))))
		return
	}
	for k, mistakes := range map[string][]mistake{
		"sender":    {loses, swaps, lies, keeps, changes, blocks, leaks, insists, buriesTransient, forgetsDelay},
		"committer": {loses, swaps, lies, keeps, doubles},
	} {
		for _, m := range mistakes {
			t.Run(k+" that "+string(m), func(t *testing.T) {
				t.Parallel()
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMistakesAreSeen$", "-test.failfast")
				cmd.Env = append(os.Environ(), kind+"="+k, wrong+"="+string(m))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || !bytes.Contains(out, []byte("--- FAIL")) {
					t.Errorf("the suite passed: %v\n%s", err, out)
				}
			})
		}
	}
}

func TestBatch(t *testing.T) {
	b := Batch(5, 3, Size(200), Times(time.Unix(1000, 0), time.Second))
	if len(b.Records) != 3 || b.Bytes != 600 {
		t.Fatalf("%d records, %d bytes", len(b.Records), b.Bytes)
	}
	r := b.Records[2]
	if p := r.Position(); p.Seqnum != 7 || !r.Time().Equal(time.Unix(1007, 0)) {
		t.Errorf("position %v, time %v", p, r.Time())
	}
	if v, ok := r.Lookup("MESSAGE"); !ok || string(v) != "message 7" {
		t.Errorf("MESSAGE is %q", v)
	}
	if c := r.Chunk; c.From.Seqnum != 4 || c.To.Seqnum != 7 {
		t.Errorf("the chunk is from %d to %d", c.From.Seqnum, c.To.Seqnum)
	}
}
