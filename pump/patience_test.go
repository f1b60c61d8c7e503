package pump_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// Two lanes that overtake each other all the time, in a backlog whose end neither sees: iterators that are not used any
// more, which hold files open, don't pile up.
func TestIteratorsAreClosedInABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1_000_000)
		r.opts.StopTimeout = time.Minute // a sender sleeps for 10 s
		began := time.Now()
		var most int
		pace := func(slowFirst bool) func(*testSender, pump.Batch) error {
			return func(*testSender, pump.Batch) error {
				slow := int(time.Since(began)/(2*time.Minute))%2 == 0
				if slow == slowFirst {
					time.Sleep(10 * time.Second)
				} else {
					time.Sleep(time.Second)
				}
				r.log.mu.Lock()
				defer r.log.mu.Unlock()
				most = max(most, r.log.open)
				return nil
			}
		}
		first, second := testSender{script: pace(true)}, testSender{script: pace(false)}
		r.add("first", &first, nil).Limits.Records = 10
		r.add("second", &second, nil).Limits.Records = 10
		stop := r.start()
		time.Sleep(40 * time.Minute)
		stop()
		if most > 6 {
			t.Errorf("%d iterators were open at once", most)
		}
		if n := len(first.received()); n < 3_000 || n > 900_000 {
			t.Errorf("%d entries were read: too few, or the end was reached", n)
		}
	})
}

// slowMeter cannot tell the lag before it is released.
type slowMeter struct {
	*memLog
	release chan struct{}
}

func (l slowMeter) Lag(ctx context.Context, pos pump.Position) (pump.Lag, error) {
	select {
	case <-l.release:
		return l.memLog.Lag(ctx, pos)
	case <-ctx.Done():
		return pump.Lag{}, ctx.Err()
	}
}

func TestALogThatCannotTellTheLagHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		log := slowMeter{r.log, make(chan struct{})}
		r.spec.Open = func(context.Context) (pump.Log, error) { return log, nil }
		var s, added testSender
		r.add("s", &s, nil)
		stop := r.start()
		time.Sleep(1500 * time.Millisecond) // the state is being saved
		synctest.Wait()
		spec := r.spec
		r.add("added", &added, nil)
		began := time.Now()
		if err := r.pump.Reload(t.Context(), []pump.ReaderSpec{r.spec}); err != nil {
			t.Fatal(err)
		}
		if err := r.pump.Reload(t.Context(), []pump.ReaderSpec{spec}); err != nil {
			t.Fatal(err)
		}
		if r.pump.Stuck() || time.Since(began) > 0 {
			t.Errorf("reloading took %v; stuck: %t", time.Since(began), r.pump.Stuck())
		}
		time.Sleep(30 * time.Second)
		if lag := r.last().Readers["r"].Senders["s"]; lag.Position != at(10) || lag.Lag != (pump.Lag{}) {
			t.Errorf("saved %v with lag %+v", lag.Position, lag.Lag)
		}
		close(log.release)
		stop()
	})
}

// A destination that swallows what it is sent while a sender is opened is no reason for the watchdog to end the program.
func TestOpenTakesNoLongerThanSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var s testSender
		opens := 0
		r.add("s", &s, nil).Open = func(ctx context.Context) (pump.Sender, error) {
			if opens++; opens < 5 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &s, nil
		}
		stop := r.start()
		for range 10 * 60 {
			time.Sleep(time.Second)
			if r.pump.Stuck() {
				t.Fatal("stuck")
			}
		}
		stop()
		wantReceived(t, "s", &s, upTo(1, 10))
	})
}

func TestRetryAfterOfACommitterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.opts.Timeout = time.Hour
		var calls []time.Time
		var s diskSender
		s.script = func(*testSender, pump.Batch) error {
			if calls = append(calls, time.Now()); len(calls) == 1 {
				return pump.RetryAfter(errors.New("429"), 10*time.Minute)
			}
			return nil
		}
		r.addDisk(&s)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if d := calls[1].Sub(calls[0]); d != 10*time.Minute {
			t.Errorf("waited %v", d)
		}
	})
}

// brokenLog cannot be opened.
type brokenLog struct{ *memLog }

func (brokenLog) Open(context.Context, pump.Position) (pump.Iterator, error) {
	return nil, errors.New("bad message")
}

// buffer is a bytes.Buffer that may be used concurrently.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestAReaderWithoutSendersSaysThatItCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		var said buffer
		r.opts.Logger = slog.New(slog.NewTextHandler(&said, nil))
		r.spec.Open = func(context.Context) (pump.Log, error) { return brokenLog{r.log}, nil }
		stop := r.start()
		time.Sleep(10 * time.Second)
		stop()
		if !strings.Contains(said.String(), "bad message") {
			t.Errorf("it said %q", said.String())
		}
	})
}

// endless takes a batch and does not answer before it has to.
type endless struct{ took chan time.Duration }

func (s endless) Send(ctx context.Context, _ pump.Batch) error {
	began := time.Now()
	<-ctx.Done()
	select {
	case s.took <- time.Since(began):
	default:
	}
	return ctx.Err()
}

func (endless) Close() error { return nil }

// A call of a sender may take a minute, or as long as the sender says.
func TestSendLimit(t *testing.T) {
	for _, test := range []struct{ wants, may time.Duration }{{0, time.Minute}, {time.Second, time.Minute}, {5 * time.Minute, 5 * time.Minute}} {
		t.Run(test.wants.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, s := newRig(t, 5), endless{make(chan time.Duration, 1)}
				spec := r.add("slow", nil, nil)
				spec.Open, spec.SendLimit = func(context.Context) (pump.Sender, error) { return s, nil }, test.wants
				stop := r.start()
				time.Sleep(test.may - time.Second)
				if r.pump.Stuck() {
					t.Error("the watchdog would stop while the call may take longer")
				}
				if got := <-s.took; got != test.may {
					t.Errorf("a call that wants %v got %v", test.wants, got)
				}
				stop()
			})
		})
	}
}
