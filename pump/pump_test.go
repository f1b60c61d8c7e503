package pump_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

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
