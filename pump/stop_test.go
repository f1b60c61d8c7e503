package pump_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// judge accepts each record, refuses it for good or refuses it for now, and remembers what it has accepted.
type judge struct {
	testSender
	refuses, hesitates func(n uint64) bool
}

func (s *judge) Send(_ context.Context, b pump.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := map[int]error{}
	for i := range b.Records {
		switch n := b.Records[i].Position().Seqnum; {
		case s.refuses(n):
			errs[i] = pump.Permanent(errors.New("mapper_parsing_exception"))
		case s.hesitates(n):
			errs[i] = errors.New("too many requests")
		default:
			s.got = append(s.got, n)
		}
	}
	if len(errs) > 0 {
		return &pump.PartialError{Errs: errs}
	}
	return nil
}

func (r *rig) addJudge(s *judge, g *grave, view pump.View) *pump.SenderSpec {
	spec := r.add("s", &s.testSender, view)
	spec.Open = func(context.Context) (pump.Sender, error) { return s, nil }
	spec.Limits.Records, spec.DeadLetters = 33, g
	return spec
}

// A batch is accepted in part when the lane is stopped: what lies before the first record that is neither accepted nor buried is
// settled, and only what was accepted behind it is sent again.
func TestAStopSettlesTheBeginningOfABatch(t *testing.T) {
	for _, test := range []struct {
		name     string
		hesitate uint64 // not accepted for now
		full     bool   // no dead letter can be kept
		settled  uint64
	}{
		{"dead letters cannot be kept", 0, true, 9},
		{"the rest is not accepted", 25, false, 24},
		{"the rest is not accepted before the first dead letter", 5, true, 4},
		{"both", 25, true, 9},
		{"nothing can be settled", 1, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 33)
				s := judge{refuses: func(n uint64) bool { return n%10 == 0 }, hesitates: func(n uint64) bool { return n == test.hesitate }}
				g := grave{fail: test.full}
				r.addJudge(&s, &g, nil)
				stop := r.start()
				time.Sleep(time.Minute)
				stop()
				snap := r.last().Readers["r"].Senders["s"]
				if snap.Position != at(test.settled) || snap.Ledger.Read-snap.Ledger.InFlight != int64(test.settled) {
					t.Errorf("stopped at %v with %+v, want %d", snap.Position, snap.Ledger, test.settled)
				}
				first := s.received()
				r.opts.State = r.last()
				g.set(false)
				s.hesitates = func(uint64) bool { return false }
				if err := r.once(); err != nil {
					t.Fatal(err)
				}
				for _, n := range s.received()[len(first):] {
					if n <= test.settled {
						t.Errorf("entry %d was sent again", n)
					}
				}
				if got := g.buried(); !slices.Equal(got, tens(33)) {
					t.Errorf("kept %v", got)
				}
				if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 33, Accepted: 30, DeadLettered: 3}) {
					t.Errorf("ledger %+v", l)
				}
			})
		})
	}
}

// The dead letters can be kept again at the moment of the stop: all is settled.
func TestAStopTriesToKeepDeadLettersOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 33)
		s := testSender{script: dead}
		g := grave{fail: true}
		spec := r.add("s", &s, nil)
		spec.DeadLetters = &g
		stop := r.start()
		time.Sleep(10 * time.Minute) // it waits a minute between its attempts by now
		synctest.Wait()
		g.set(false)
		stop()
		if snap := r.last().Readers["r"].Senders["s"]; snap.Position != at(33) || !slices.Equal(g.buried(), tens(33)) {
			t.Errorf("stopped at %v with %v kept", snap.Position, g.buried())
		}
	})
}

// With a Committer what was committed before the dead letter counts.
func TestAStopSettlesWhatACommitterHasCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		r.log.chunk = 100
		s := diskSender{}
		s.script = func(s *testSender, b pump.Batch) error {
			if b.Records[0].Position().Seqnum > 60 {
				return dead(s, b)
			}
			return nil
		}
		g := grave{fail: true}
		spec := r.addDisk(&s)
		spec.Limits.Records, spec.CommitEvery, spec.DeadLetters = 20, time.Hour, &g
		stop := r.start()
		time.Sleep(time.Minute)
		stop()
		if p := r.last().Readers["r"].Senders["disk"].Position; p != at(69) {
			t.Errorf("stopped at %v", p)
		}
		r.opts.State = r.last()
		g.set(false)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		twice := upTo(71, 79) // what was committed behind the first letter
		if !slices.Equal(g.buried(), []uint64{70, 80, 90, 100}) || len(s.durable) != 96+len(twice) {
			t.Errorf("kept %v, committed %d", g.buried(), len(s.durable))
		}
	})
}

// However lanes with routes and filters are stopped while things go wrong: what is settled was accepted or buried, the ledger is right
// in the end, and what comes again lies behind the place where the lane was stopped.
func TestStopsWhileMuchGoesWrong(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			rnd, moods := rand.New(rand.NewPCG(seed, 7)), rand.New(rand.NewPCG(seed, 8))
			var g grave
			s := judge{refuses: func(n uint64) bool { return n%10 == 0 }, hesitates: func(uint64) bool { return moods.IntN(8) == 0 }}
			view := pump.View(newRoutedView())
			if seed%2 == 0 {
				view = &testView{keep: func(n uint64) bool { return n%3 > 0 }}
			}
			var state pump.Snapshot
			for range 8 {
				r := newRig(t, 300)
				r.opts.State = state
				r.log.chunk = 1 + rnd.IntN(60)
				r.addJudge(&s, &g, view).Limits.Records = 1 + rnd.IntN(80)
				g.set(rnd.IntN(2) == 0)
				stop := r.start()
				time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
				if rnd.IntN(2) == 0 {
					pump.RestartSessions(r.pump)
				}
				stop()
				state = r.last()
				settled := state.Readers["r"].Senders["s"].Position.Seqnum
				for n := uint64(1); n <= settled; n++ {
					if shown(view, n) && !slices.Contains(s.got, n) && !slices.Contains(g.got, n) {
						t.Fatalf("seed %d: settled up to %d, and %d is neither accepted nor buried", seed, settled, n)
					}
				}
			}
			at := len(s.got)
			from := state.Readers["r"].Senders["s"].Position.Seqnum
			g.set(false)
			s.hesitates = func(uint64) bool { return false }
			r := newRig(t, 300)
			r.opts.State = state
			r.addJudge(&s, &g, view)
			if err := r.once(); err != nil {
				t.Fatal(err)
			}
			for _, n := range s.got[at:] {
				if n <= from {
					t.Errorf("seed %d: entry %d was sent again from %d", seed, n, from)
				}
			}
			var want pump.Ledger
			for n := uint64(1); n <= 300; n++ {
				want.Read++
				switch {
				case !shown(view, n):
					want.Filtered++
				case n%10 == 0:
					want.DeadLettered++
				default:
					want.Accepted++
				}
			}
			if l := r.last().Readers["r"].Senders["s"].Ledger; l != want {
				t.Errorf("seed %d: ledger %+v, want %+v", seed, l, want)
			}
		})
	}
}

func shown(view pump.View, n uint64) bool {
	if v, ok := view.(*routedView); ok {
		return len(v.routes(n)) > 0
	}
	return view.(*testView).keep(n)
}

func TestAStopSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		slow := testSender{script: func(s *testSender, _ pump.Batch) error {
			s.mu.Unlock()
			time.Sleep(3 * time.Second)
			s.mu.Lock()
			return nil
		}}
		r.add("slow", &slow, nil).Limits.Records = 10
		for i := range 20 {
			stop := r.start()
			time.Sleep(time.Duration(i) * 1700 * time.Millisecond)
			stop()
			r.opts.State = r.last()
		}
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "slow", &slow, upTo(1, 1000))
	})
}

func TestAStopGivesUpAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		r.opts.StopTimeout = 7 * time.Second
		hole := testSender{block: make(chan struct{})}
		r.add("hole", &hole, nil)
		stop := r.start()
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		if d := time.Since(begun); d < 5*time.Second || d > 7*time.Second {
			t.Errorf("the stop took %v", d)
		}
		if s := r.last().Readers["r"].Senders["hole"]; s.Ledger.InFlight != 10 || !s.Position.IsZero() {
			t.Errorf("saved %+v", s)
		}
	})
}

// deafSender ignores that its context has ended.
type deafSender struct {
	testSender
	release chan struct{}
}

func (s *deafSender) Send(ctx context.Context, b pump.Batch) error {
	<-s.release
	return s.testSender.Send(context.WithoutCancel(ctx), b)
}

func TestADeafSenderDoesNotHoldUpAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		r.opts.StopTimeout = 3 * time.Second
		deaf := deafSender{release: make(chan struct{})}
		var good testSender
		r.add("deaf", &deaf.testSender, nil).Open = func(context.Context) (pump.Sender, error) { return &deaf, nil }
		r.add("good", &good, nil)
		ctx, cancel := context.WithCancel(t.Context())
		r.pump = pump.New(r.opts)
		done := make(chan error, 1)
		go func() { done <- r.pump.Run(ctx, []pump.ReaderSpec{r.spec}) }()
		time.Sleep(time.Second)
		begun := time.Now()
		cancel()
		err := <-done
		if err == nil || !strings.Contains(err.Error(), "r/deaf") || strings.Contains(err.Error(), "good") {
			t.Errorf("got error %v", err)
		}
		if d := time.Since(begun); d > r.opts.StopTimeout {
			t.Errorf("the stop took %v", d)
		}
		senders := r.last().Readers["r"].Senders
		if senders["good"].Position != at(10) || !senders["deaf"].Position.IsZero() {
			t.Errorf("saved %v and %v", senders["good"].Position, senders["deaf"].Position)
		}
		close(deaf.release) // in a program it would end with it
	})
}
