package pump_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// grave keeps dead letters, unless it fails.
type grave struct {
	mu   sync.Mutex
	fail bool
	got  []uint64
}

func (g *grave) Bury(letters []pump.DeadLetter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail {
		return errors.New("no space left on device")
	}
	for _, l := range letters {
		if l.Time.IsZero() || !strings.Contains(fmt.Sprint(l.Reason), "mapper_parsing_exception") || len(l.Record.Body) == 0 {
			return fmt.Errorf("an odd letter: %+v", l)
		}
		g.got = append(g.got, l.Record.Position().Seqnum)
	}
	return nil
}

func (g *grave) set(fail bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fail = fail
}

func (g *grave) buried() []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got)
}

func tens(last uint64) []uint64 {
	var s []uint64
	for n := uint64(10); n <= last; n += 10 {
		s = append(s, n)
	}
	return s
}

func TestDeadLettersAreKeptInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		s := testSender{script: dead}
		var g grave
		spec := r.add("s", &s, nil)
		spec.Limits.Records, spec.DeadLetters = 33, &g
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if got := g.buried(); !slices.Equal(got, tens(100)) {
			t.Errorf("kept %v", got)
		}
	})
}

// The position never lies behind a dead letter that is not kept: while it cannot be, the lane waits, and other lanes don't.
func TestALaneWaitsForItsDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 100)
		s, good := testSender{script: dead}, testSender{}
		g := grave{fail: true}
		spec := r.add("s", &s, nil)
		spec.Limits.Records, spec.DeadLetters = 33, &g
		r.add("good", &good, nil)
		stop := r.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		snap := r.pump.Snapshot(t.Context()).Readers["r"].Senders["s"]
		if !snap.Position.IsZero() || snap.Ledger.DeadLettered != 0 || snap.Health != pump.Disconnected || snap.LastError != "no space left on device" {
			t.Errorf("with nothing kept: at %v, %+v, %s, %q", snap.Position, snap.Ledger, snap.Health, snap.LastError)
		}
		wantReceived(t, "good", &good, upTo(1, 100))
		sent := len(s.received())
		stop() // gives up what follows the first letter, without waiting for the disk
		r.opts.State = r.last()
		g.set(false)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if got := g.buried(); !slices.Equal(got, tens(100)) {
			t.Errorf("kept %v", got)
		}
		if n := len(s.received()); n != sent+90-9 { // what lies before the first letter is settled
			t.Errorf("%d were accepted, want %d twice and all others once", n, sent-9)
		}
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != (pump.Ledger{Read: 100, Accepted: 90, DeadLettered: 10}) {
			t.Errorf("ledger %+v", l)
		}
	})
}

// With a Committer dead letters are kept when their batch is committed: what fails before that keeps none of them.
func TestDeadLettersOfACommitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200)
		r.opts.Timeout = time.Hour
		failures := 3
		s := diskSender{failCommit: func() bool { failures--; return failures >= 0 }}
		s.script = dead
		var g grave
		spec := r.addDisk(&s)
		spec.Limits.Records, spec.CommitEvery, spec.DeadLetters = 50, time.Second, &g
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		if got := g.buried(); !slices.Equal(got, tens(200)) {
			t.Errorf("kept %v", got)
		}
		if n := r.metrics.count("journal.dead_letters"); n != 20 {
			t.Errorf("%d dead letters were counted", n)
		}
	})
}
