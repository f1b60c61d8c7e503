package pump_test

import (
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
