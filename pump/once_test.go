package pump_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

func TestOnceDeliversEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1234)
		var all, odd testSender
		r.add("all", &all, nil)
		r.add("odd", &odd, &testView{keep: func(n uint64) bool { return n%2 == 1 }})
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "all", &all, upTo(1, 1234))
		if n := len(odd.received()); n != 617 {
			t.Errorf("odd got %d entries", n)
		}
		snap := r.last().Readers["r"]
		for name, want := range map[string]pump.Ledger{
			"all": {Read: 1234, Accepted: 1234},
			"odd": {Read: 1234, Accepted: 617, Filtered: 617},
		} {
			s := snap.Senders[name]
			if s.Ledger != want {
				t.Errorf("%s: ledger %+v, want %+v", name, s.Ledger, want)
			}
			if s.Position != at(1234) {
				t.Errorf("%s: at %v", name, s.Position)
			}
		}
		if snap.Lines != 1234 || snap.Position != at(1234) || snap.Searches["hundred"] != 12 {
			t.Errorf("the observer saw %d lines, %d hits, is at %v", snap.Lines, snap.Searches["hundred"], snap.Position)
		}
		if hits, ok := snap.Searches["never"]; hits != 0 || !ok {
			t.Error("a search without a hit is not shown")
		}
		if n := r.metrics.count("hundred"); n != 12 {
			t.Errorf("%d hits were counted", n)
		}
		if n := r.metrics.count("journal.secret_filter_match"); n != 12 {
			t.Errorf("%d secrets were counted", n)
		}
		if all.closes != 1 {
			t.Errorf("the sender was closed %d times", all.closes)
		}
	})
}

func TestOnceSaysWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 10)
		r.opts.Timeout = 5 * time.Second
		var good testSender
		bad := testSender{script: func(*testSender, pump.Batch) error { return errors.New("connection refused") }}
		r.add("good", &good, nil)
		r.add("bad", &bad, nil)
		err := r.once()
		if err == nil || !strings.Contains(err.Error(), "r/bad") || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "good") {
			t.Errorf("got error %v", err)
		}
		wantReceived(t, "good", &good, upTo(1, 10))
	})
}

// Who is in trouble for too long is given up; who is not, be it slow, refused now and then, or another reader's, finishes.
func TestOnceGivesUpOneSenderOnly(t *testing.T) {
	refused := errors.New("connection refused")
	for name, c := range map[string]struct {
		spoil func(*rig)
		want  string
	}{
		"it cannot be opened": {func(r *rig) {
			r.add("bad", &testSender{}, nil).Open = func(context.Context) (pump.Sender, error) { return nil, refused }
		}, "r/bad (about 200 entries), given up: refused for 5s: connection refused"},
		"it refuses": {func(r *rig) {
			r.add("bad", &testSender{script: func(*testSender, pump.Batch) error { return refused }}, nil)
		}, "r/bad (about 200 entries), given up: refused for 5s: connection refused"},
		"it refuses after a while": {func(r *rig) {
			bad := &testSender{script: func(s *testSender, _ pump.Batch) error {
				if len(s.got) >= 50 {
					return refused
				}
				return nil
			}}
			r.add("bad", bad, nil).Limits.Records = 10
		}, "r/bad (about 150 entries), given up: refused for 5s: connection refused"},
		"it takes and cannot commit": {func(r *rig) {
			s := &diskSender{failCommit: func() bool { return true }}
			r.addDisk(s).Name = "bad"
		}, "r/bad (about 200 entries), given up: refused for 5s: input/output error"},
		"its dead letters cannot be kept": {func(r *rig) {
			spec := r.add("bad", &testSender{script: dead}, nil)
			spec.DeadLetters = &grave{fail: true}
		}, "r/bad (about 191 entries), given up: refused for 5s: no space left on device"},
		"it does not answer": {func(r *rig) {
			r.add("bad", &testSender{block: make(chan struct{})}, nil)
		}, "r/bad (about 200 entries), given up: refused for 5s: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 200)
				r.opts.Timeout = 5 * time.Second
				slow := testSender{script: slowly(4 * time.Second)} // 80 s in all
				moody := testSender{script: everyOther(refused)}
				r.add("slow", &slow, nil).Limits.Records = 10
				r.add("moody", &moody, nil).Limits.Records = 10
				c.spoil(r)
				other := r.spec
				other.Name, other.Senders = "other", nil
				var apart testSender
				other.Senders = []pump.SenderSpec{{Name: "apart", Type: "TestSender", Open: apart.openFunc(), View: &testView{}}}

				r.opts.Once = true
				err := pump.New(r.opts).Run(t.Context(), []pump.ReaderSpec{r.spec, other})
				if want := "not everything was delivered: " + c.want; err == nil || err.Error() != want {
					t.Errorf("got error %v, want %s", err, want)
				}
				wantReceived(t, "slow", &slow, upTo(1, 200))
				wantReceived(t, "moody", &moody, upTo(1, 200))
				wantReceived(t, "apart", &apart, upTo(1, 200))
			})
		})
	}
}

// However soon it is over, what is left is counted.
func TestOnceCountsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200)
		r.add("bad", &testSender{}, nil).Open = func(context.Context) (pump.Sender, error) {
			return nil, pump.Permanent(errors.New("no such codec"))
		}
		r.startAt("bad", 20)
		err := r.once()
		if want := "not everything was delivered: r/bad (about 180 entries): no such codec"; err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	})
}

// Who is in trouble once, and then takes a batch in parts, slowly, is not given up: it accepts something.
func TestOnceWaitsForWhoGetsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200)
		r.log.chunk = 200
		r.opts.Timeout = 5 * time.Second
		calls := 0
		s := testSender{script: func(s *testSender, b pump.Batch) error {
			if calls++; calls == 1 {
				return errors.New("connection refused")
			}
			if len(b.Records) > 10 {
				return pump.ErrTooLarge
			}
			return slowly(2*time.Second)(s, b)
		}}
		r.add("s", &s, nil)
		if err := r.once(); err != nil {
			t.Error(err)
		}
		wantReceived(t, "s", &s, upTo(1, 200))
	})
}

// A call that nothing can end does not hold up the others, and is left behind.
func TestOnceLeavesBehindWhatDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200)
		r.opts.Timeout = 5 * time.Second
		never := make(chan struct{})
		defer close(never)
		slow := testSender{script: slowly(30 * time.Second)} // ten minutes in all
		r.add("slow", &slow, nil).Limits.Records = 10
		r.add("hung", &testSender{}, nil).Open = func(context.Context) (pump.Sender, error) {
			<-never
			return nil, errors.New("too late")
		}
		err := r.once()
		if err == nil || !strings.Contains(err.Error(), "r/hung (about 200 entries), given up: refused for 5s") {
			t.Errorf("got error %v", err)
		}
		wantReceived(t, "slow", &slow, upTo(1, 200))
	})
}

// slowly accepts all, after a while.
func slowly(d time.Duration) func(*testSender, pump.Batch) error {
	return func(s *testSender, _ pump.Batch) error {
		s.mu.Unlock()
		time.Sleep(d)
		s.mu.Lock()
		return nil
	}
}

// everyOther refuses each batch once, with the error.
func everyOther(err error) func(*testSender, pump.Batch) error {
	refused := false
	return func(*testSender, pump.Batch) error {
		refused = !refused
		if refused {
			return err
		}
		return nil
	}
}

// startAt gives the rig's sender a position, as if it had run before.
func (r *rig) startAt(sender string, n uint64) {
	r.opts.State.Readers = map[string]pump.ReaderSnapshot{"r": {Position: at(n), Senders: map[string]pump.SenderSnapshot{
		sender: {Started: true, Position: at(n)},
	}}}
}

var errDenied = fmt.Errorf("%w: %w", pump.ErrNotYet, &fs.PathError{Op: "open", Path: "/var/log/journal/x", Err: fs.ErrPermission})

func TestOnceWithoutALog(t *testing.T) {
	for _, position := range []uint64{0, 5} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 10)
			r.log.fails = func() error { return fmt.Errorf("mem: %w", pump.ErrNotYet) }
			var s testSender
			r.add("s", &s, nil)
			if position > 0 {
				r.startAt("s", position)
			}
			if err := r.once(); err != nil {
				t.Errorf("from position %d: %v", position, err)
			}
			if got := r.last().Readers["r"].Senders["s"].Position; got != at(position) {
				t.Errorf("the position went from %d to %v", position, got)
			}
		})
	}
}

// That a log may not be read is not that there is none.
func TestOnceWithALogThatMayNotBeRead(t *testing.T) {
	for name, prepare := range map[string]func(*rig, *testSender){
		"a new sender":  func(r *rig, s *testSender) { r.add("s", s, nil) },
		"a known one":   func(r *rig, s *testSender) { r.add("s", s, nil); r.startAt("s", 5) },
		"no sender":     func(*rig, *testSender) {},
		"no sender yet": func(r *rig, _ *testSender) { r.startAt("gone", 5) },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 10)
			r.log.fails = func() error { return errDenied }
			var s testSender
			prepare(r, &s)
			begun := time.Now()
			err := r.once()
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "/var/log/journal/x") {
				t.Errorf("%s: got error %v", name, err)
			}
			if took := time.Since(begun); took > time.Second {
				t.Errorf("%s: it was tried for %v", name, took)
			}
		})
	}
}

// What may pass is tried again, but not for ever.
func TestOnceWithALogThatFails(t *testing.T) {
	broken := errors.New("input/output error")
	for name, c := range map[string]struct {
		works time.Duration // when it works again
		want  error
	}{
		"for a while": {5 * time.Second, nil},
		"for ever":    {time.Hour, broken},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 10)
			begun := time.Now()
			r.log.fails = func() error {
				if time.Since(begun) < c.works {
					return broken
				}
				return nil
			}
			r.opts.Timeout = 20 * time.Second
			var s testSender
			r.add("s", &s, nil)
			r.startAt("s", 5)
			if err := r.once(); !errors.Is(err, c.want) {
				t.Errorf("%s: got error %v", name, err)
			}
			if c.want == nil {
				wantReceived(t, name, &s, upTo(6, 10))
			}
		})
	}
}
