package pump_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"journalpump/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a pump with one reader over a memLog.
type rig struct {
	t       *testing.T
	log     *memLog
	metrics *testMetrics
	opts    pump.Options
	spec    pump.ReaderSpec
	pump    *pump.Pump

	mu     sync.Mutex
	saved  []pump.Snapshot
	refuse error // what saving fails with
}

func newRig(t *testing.T, entries uint64) *rig {
	t.Helper()
	r := &rig{t: t, log: newMemLog(entries), metrics: newTestMetrics()}
	r.opts = pump.Options{
		Logger:  slog.New(slog.DiscardHandler),
		Metrics: r.metrics,
		Save:    r.save,
	}
	r.spec = pump.ReaderSpec{
		Name:        "r",
		Fingerprint: "r1",
		Open:        func(context.Context) (pump.Log, error) { return r.log, nil },
		Inspector:   testInspector{},
		Searches:    []string{"hundred", "never"},
		CountSecret: true,
	}
	return r
}

// save checks what has to hold at every save.
func (r *rig) save(s pump.Snapshot) error {
	for name, sender := range s.Readers["r"].Senders {
		l := sender.Ledger
		if l.Balanced() != nil {
			r.t.Errorf("%s: the ledger does not balance: %+v", name, l)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	r.saved = append(r.saved, s)
	return nil
}

func (r *rig) last() pump.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.saved) == 0 {
		r.t.Fatal("nothing was saved")
	}
	return r.saved[len(r.saved)-1]
}

func (r *rig) add(name string, s *testSender, view pump.View) *pump.SenderSpec {
	if view == nil {
		view = &testView{}
	}
	r.spec.Senders = append(r.spec.Senders, pump.SenderSpec{Name: name, Type: "TestSender", Fingerprint: name + "1", Open: s.openFunc(), View: view})
	return &r.spec.Senders[len(r.spec.Senders)-1]
}

func (r *rig) once() error {
	r.opts.Once = true
	r.pump = pump.New(r.opts)
	return r.pump.Run(r.t.Context(), []pump.ReaderSpec{r.spec})
}

// start runs the pump; the returned function stops it and waits.
func (r *rig) start() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.pump = pump.New(r.opts)
	done := make(chan error, 1)
	go func() { done <- r.pump.Run(ctx, []pump.ReaderSpec{r.spec}) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

func upTo(first, last uint64) []uint64 {
	var s []uint64
	for n := first; n <= last; n++ {
		s = append(s, n)
	}
	return s
}

func wantReceived(t *testing.T, name string, s *testSender, want []uint64) {
	t.Helper()
	if got := s.received(); !slices.Equal(got, want) {
		t.Errorf("%s got %d entries %v, want %d %v", name, len(got), ends(got), len(want), ends(want))
	}
}

func ends(s []uint64) string {
	if len(s) <= 40 {
		return fmt.Sprint(s)
	}
	return fmt.Sprintf("%v...%v", s[:20], s[len(s)-20:])
}

func TestLanesInStepShareChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var senders [4]testSender
		for i := range senders {
			r.add(fmt.Sprint(i), &senders[i], nil)
		}
		stop := r.start()
		for range 50 {
			r.log.append(10)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		stop()
		for i := range senders {
			wantReceived(t, fmt.Sprint(i), &senders[i], upTo(1, 500))
		}
		if r.log.decoded != 50 {
			t.Errorf("50 chunks were decoded %d times", r.log.decoded)
		}
	})
}

func TestBatchesKeepTheirLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		var s testSender
		r.add("s", &s, nil).Limits = pump.BatchLimits{Records: 7, Bytes: 15, Age: time.Second}
		r.opts.Once = true
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 1000))
		for i, n := range s.sizes {
			if n > 7 || (i > 20 && i < 190 && n != 5) { // three digits each: five fit into 15 bytes
				t.Errorf("batch %d has %d records", i, n)
			}
		}
	})
}

func TestABatchWaitsNoLongerThanItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var s testSender
		r.add("s", &s, nil).Limits.Age = 2 * time.Second
		stop := r.start()
		defer stop()
		synctest.Wait()
		r.log.append(3)
		time.Sleep(2*time.Second - time.Millisecond)
		wantReceived(t, "early", &s, nil)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		wantReceived(t, "s", &s, upTo(1, 3))
	})
}

func TestTransientErrorsAreRetriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 500)
		calls := 0
		s := testSender{script: func(*testSender, pump.Batch) error {
			if calls++; calls%3 != 0 {
				return errors.New("connection refused")
			}
			return nil
		}}
		r.add("s", &s, nil).Limits.Records = 20
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 500))
		if s.opens != 1 {
			t.Errorf("opened %d times", s.opens)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.opts.Timeout = time.Hour
		var calls []time.Time
		s := testSender{script: func(*testSender, pump.Batch) error {
			if calls = append(calls, time.Now()); len(calls) == 1 {
				return pump.RetryAfter(errors.New("429"), 10*time.Minute)
			}
			return nil
		}}
		r.add("s", &s, nil)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if d := calls[1].Sub(calls[0]); d != 10*time.Minute {
			t.Errorf("waited %v", d)
		}
	})
}

// dead refuses every multiple of 10 for good.
func dead(_ *testSender, b pump.Batch) error {
	for i := range b.Records {
		if b.Records[i].Position().Seqnum%10 == 0 {
			return pump.Permanent(errors.New("mapper_parsing_exception"))
		}
	}
	return nil
}

func TestPoisonIsFoundByHalving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		s := testSender{script: dead}
		r.add("s", &s, nil).Limits.Records = 33
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		var want []uint64
		for n := uint64(1); n <= 100; n++ {
			if n%10 != 0 {
				want = append(want, n)
			}
		}
		wantReceived(t, "s", &s, want)
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 100, Accepted: 90, DeadLettered: 10}) {
			t.Errorf("ledger %+v", l)
		}
		if n := r.metrics.count("journal.dead_letters"); n != 10 {
			t.Errorf("%d dead letters were counted", n)
		}
	})
}

func TestTooLargeIsHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		s := testSender{script: func(_ *testSender, b pump.Batch) error {
			size := 0
			for i := range b.Records {
				size += len(b.Records[i].Body)
			}
			if size != b.Bytes {
				return fmt.Errorf("batch of %d bytes says %d", size, b.Bytes)
			}
			if size > 30 {
				return pump.ErrTooLarge
			}
			return nil
		}}
		r.add("s", &s, nil).Limits.Records = 100
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 1000))
	})
}

func TestPartialErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		tried := map[uint64]int{}
		var accepted []uint64
		s := testSender{script: func(_ *testSender, b pump.Batch) error {
			errs := map[int]error{}
			for i := range b.Records {
				n := b.Records[i].Position().Seqnum
				tried[n]++
				switch {
				case n%10 == 0:
					errs[i] = pump.Permanent(errors.New("400"))
				case n%7 == 0 && tried[n] < 3:
					errs[i] = pump.RetryAfter(errors.New("429"), time.Second)
				default:
					accepted = append(accepted, n)
				}
			}
			if len(errs) == 0 {
				return nil
			}
			return &pump.PartialError{Errs: errs}
		}}
		r.add("s", &s, nil).Limits.Records = 50
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(accepted)
		if len(accepted) != 90 || len(slices.Compact(accepted)) != 90 {
			t.Errorf("%d entries were accepted, want 90 different ones", len(accepted))
		}
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 100, Accepted: 90, DeadLettered: 10}) {
			t.Errorf("ledger %+v", l)
		}
	})
}

func TestADeadDestinationHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		hole := testSender{block: make(chan struct{})}
		var good testSender
		r.add("hole", &hole, nil)
		r.add("good", &good, nil)
		stop := r.start()
		for range 100 {
			r.log.append(10)
			time.Sleep(time.Second)
		}
		wantReceived(t, "good", &good, upTo(1, 1000))
		wantReceived(t, "hole", &hole, nil)
		snap := r.pump.Snapshot(t.Context()).Readers["r"]
		if lag := snap.Senders["hole"].Lag; lag.Entries != 1000 {
			t.Errorf("the lag is %+v", lag)
		}
		if snap.Lines != 1000 {
			t.Errorf("the observer saw %d lines", snap.Lines)
		}
		close(hole.block)
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		wantReceived(t, "hole", &hole, upTo(1, 1000))
	})
}

func TestTheObserverReadsByItselfWhenAllLanesLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100_000)
		hole := testSender{block: make(chan struct{})}
		r.add("hole", &hole, nil)
		stop := r.start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := r.pump.Snapshot(t.Context()).Readers["r"].Lines; n != 100_000 {
			t.Errorf("the observer saw %d lines", n)
		}
		stop()
	})
}

func TestAReaderWithoutSendersObserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1000)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if snap := r.last().Readers["r"]; snap.Lines != 1000 || snap.Position != at(1000) {
			t.Errorf("saw %d lines, is at %v", snap.Lines, snap.Position)
		}
	})
}

func TestARestartGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 95)
		var s testSender
		r.add("s", &s, nil)
		stop := r.start()
		time.Sleep(time.Minute)
		stop()
		r.log.append(10)
		r.opts.State = r.last()
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, upTo(1, 105))
		snap := r.last().Readers["r"]
		if l := snap.Senders["s"].Ledger; l != (pump.Ledger{Read: 105, Accepted: 105}) {
			t.Errorf("ledger %+v", l)
		}
		if snap.Lines != 10 {
			t.Errorf("the observer saw %d lines since the restart", snap.Lines)
		}
	})
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

func TestASenderThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var good, late testSender
		r.add("good", &good, nil)
		r.spec.Senders = append(r.spec.Senders,
			pump.SenderSpec{Name: "never", Fingerprint: "n", View: &testView{}, Open: func(context.Context) (pump.Sender, error) {
				return nil, pump.Permanent(errors.New("no such certificate"))
			}},
			pump.SenderSpec{Name: "late", Fingerprint: "l", View: &testView{}, Open: func(ctx context.Context) (pump.Sender, error) {
				if late.opens++; late.opens < 4 {
					return nil, errors.New("no such host")
				}
				return late.openFunc()(ctx)
			}})
		stop := r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantReceived(t, "good", &good, upTo(1, 10))
		wantReceived(t, "late", &late, upTo(1, 10))
		snap := r.pump.Snapshot(t.Context()).Readers["r"]
		if s := snap.Senders["never"]; s.Health != pump.Disconnected || s.LastError != "no such certificate" {
			t.Errorf("never: %+v", s)
		}
		if n := r.metrics.gauges["sender.failed_to_start,"]; n != 1 {
			t.Errorf("sender.failed_to_start is %v", n)
		}
		stop()
	})
}

func TestALogThatComesLater(t *testing.T) {
	for _, notYet := range []error{fmt.Errorf("/var/log/journal: %w", pump.ErrNotYet), errDenied} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 10)
			var s testSender
			r.add("s", &s, nil)
			opens := 0
			r.spec.Open = func(context.Context) (pump.Log, error) {
				if opens++; opens < 5 {
					return nil, notYet
				}
				return r.log, nil
			}
			stop := r.start()
			time.Sleep(time.Second)
			synctest.Wait()
			if w := r.pump.Snapshot(t.Context()).Readers["r"].Waiting; w != notYet.Error() {
				t.Errorf("waiting for %q", w)
			}
			time.Sleep(time.Minute)
			stop()
			wantReceived(t, "s", &s, upTo(1, 10))
			if w := r.last().Readers["r"].Waiting; w != "" {
				t.Errorf("still waiting for %q", w)
			}
		})
	}
}

func TestTheStateIsSavedAsSoonAsAPositionMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.opts.SaveEvery = time.Minute
		var s testSender
		r.add("s", &s, nil).Limits.Age = time.Millisecond
		stop := r.start()
		defer stop()
		time.Sleep(10*time.Minute + 30*time.Second)
		r.log.append(3)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if pos := r.last().Readers["r"].Senders["s"].Position; pos != at(3) {
			t.Errorf("saved with %v", pos)
		}
		r.log.append(3)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if pos := r.last().Readers["r"].Senders["s"].Position; pos != at(3) {
			t.Errorf("saved with %v a moment later, before SaveEvery", pos)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if pos := r.last().Readers["r"].Senders["s"].Position; pos != at(6) {
			t.Errorf("saved with %v after SaveEvery", pos)
		}
	})
}

func TestTheTailIsWhereItWasAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		r.spec.Initial.Kind = pump.StartTail
		var s testSender
		spec := r.add("s", &s, nil)
		open, tries := spec.Open, 0
		spec.Open = func(ctx context.Context) (pump.Sender, error) {
			if tries++; tries < 5 {
				return nil, errors.New("no such host")
			}
			return open(ctx)
		}
		stop := r.start()
		synctest.Wait()
		r.log.append(5)
		time.Sleep(time.Minute)
		stop()
		wantReceived(t, "s", &s, upTo(11, 15))
	})
}

func TestAChunkThatDoesNotMoveOnIsSeenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		r.log.damaged = 5
		var a, b testSender
		r.add("a", &a, nil)
		r.add("b", &b, nil)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "a", &a, upTo(1, 100))
		wantReceived(t, "b", &b, upTo(1, 100))
		if n := r.last().Readers["r"].Corrupted; n != 5 {
			t.Errorf("%d unreadable entries were counted, want 5", n)
		}
	})
}

func TestInitialPositions(t *testing.T) {
	for name, c := range map[string]struct {
		start pump.Start
		state pump.Snapshot
		want  []uint64
	}{
		"head": {start: pump.Start{Kind: pump.StartHead}, want: upTo(1, 30)},
		"tail": {start: pump.Start{Kind: pump.StartTail}, want: upTo(21, 30)},
		"the original's state: never sent, head": {
			start: pump.Start{Kind: pump.StartHead},
			state: pump.Snapshot{StartTime: time.Unix(15, 0), Readers: map[string]pump.ReaderSnapshot{"r": {Senders: map[string]pump.SenderSnapshot{"s": {}}}}},
			want:  upTo(1, 30),
		},
		"the original's state: never sent, tail": {
			start: pump.Start{Kind: pump.StartTail},
			state: pump.Snapshot{StartTime: time.Unix(15, 0), Readers: map[string]pump.ReaderSnapshot{"r": {Senders: map[string]pump.SenderSnapshot{"s": {}}}}},
			want:  upTo(15, 30),
		},
		"the original's state: sent": {
			start: pump.Start{Kind: pump.StartTail},
			state: pump.Snapshot{StartTime: time.Unix(15, 0), Readers: map[string]pump.ReaderSnapshot{"r": {Senders: map[string]pump.SenderSnapshot{"s": {Started: true, Position: at(7)}}}}},
			want:  upTo(8, 30),
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 20)
				var s testSender
				r.add("s", &s, nil)
				r.spec.Initial, r.opts.State = c.start, c.state
				stop := r.start()
				time.Sleep(time.Second)
				r.log.append(10)
				time.Sleep(time.Second)
				stop()
				wantReceived(t, "s", &s, c.want)
			})
		})
	}
}

// Where the log began is recorded like a position, so that it is known after a kill, too, even if the sender cannot be opened.
func TestTheBeginningIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 50)
		var mu sync.Mutex
		recorded := map[string]pump.SenderSnapshot{}
		r.opts.Record = func(_, sender string, s pump.SenderSnapshot) {
			mu.Lock()
			defer mu.Unlock()
			recorded[sender] = s
		}
		r.add("down", &testSender{}, nil).Open = func(context.Context) (pump.Sender, error) { return nil, errors.New("down") }
		var up testSender
		r.add("up", &up, nil)
		stop := r.start()
		time.Sleep(10 * time.Second)
		stop()
		mu.Lock()
		defer mu.Unlock()
		if s := recorded["down"]; !s.Position.IsZero() || s.First != at(1) {
			t.Errorf("of the sender that cannot be opened: position %v, first %v", s.Position, s.First)
		}
		if s := recorded["up"]; s.Position != at(50) || !s.First.IsZero() {
			t.Errorf("of the other one: position %v, first %v", s.Position, s.First)
		}
	})
}
