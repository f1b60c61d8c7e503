package pump_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// stallLog is a memLog some of whose iterators misbehave: those that misbehaves says, counted from 1.
type stallLog struct {
	*memLog
	misbehaves func(opened int) misbehaviour
	release    chan struct{} // ends calls that never return

	mu     sync.Mutex
	opened int
}

// misbehaviour is what is wrong with an iterator.
type misbehaviour int

const (
	behaves     misbehaviour = iota
	sleeps                   // Wait misses that the log has grown
	goesBlind                // Next finds nothing new, and so does Wait
	hangs                    // Next ends with its context only
	neverReturn              // Next does not even end with its context
	seesNothing              // Next finds nothing, because there is nothing for this reader
)

func (l *stallLog) Open(ctx context.Context, after pump.Position) (pump.Iterator, error) {
	it, err := l.memLog.Open(ctx, after)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened++
	return &stallIterator{it, l, l.misbehaves(l.opened)}, err
}

func (l *stallLog) opens() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

type stallIterator struct {
	pump.Iterator
	log *stallLog
	how misbehaviour
}

func (i *stallIterator) Next(ctx context.Context) (*pump.Chunk, error) {
	grown := i.log.size() > 100
	switch {
	case i.how == hangs && grown:
		<-ctx.Done()
		return nil, ctx.Err()
	case i.how == neverReturn && grown:
		<-i.log.release
	case (i.how == goesBlind || i.how == seesNothing) && grown:
		return nil, pump.ErrNoMore
	}
	return i.Iterator.Next(ctx)
}

func (i *stallIterator) Wait(ctx context.Context) error {
	if i.how == sleeps || i.how == goesBlind || i.how == seesNothing {
		<-ctx.Done()
		return ctx.Err()
	}
	return i.Iterator.Wait(ctx)
}

// stalling runs a pump over a log of 100 entries, to which 50 are then added, and returns it.
func stalling(t *testing.T, misbehaves func(opened int) misbehaviour) (r *rig, l *stallLog, s *testSender, said *buffer, stop func()) {
	t.Helper()
	r, s, said = newRig(t, 100), new(testSender), new(buffer)
	l = &stallLog{memLog: r.log, misbehaves: misbehaves, release: make(chan struct{})}
	r.spec.Open = func(context.Context) (pump.Log, error) { return l, nil }
	r.opts.Logger = slog.New(slog.NewTextHandler(said, nil))
	r.add("s", s, nil)
	stop = r.start()
	time.Sleep(time.Minute)
	wantReceived(t, "before", s, upTo(1, 100))
	r.log.append(50)
	return r, l, s, said, stop
}

func TestAReaderThatStandsStillIsOpenedAnew(t *testing.T) {
	for name, how := range map[string]misbehaviour{"sleeps": sleeps, "goes blind": goesBlind, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _, s, said, stop := stalling(t, func(opened int) misbehaviour {
					if opened == 1 {
						return how
					}
					return behaves
				})
				for range 10 {
					time.Sleep(20 * time.Second)
					if r.pump.Stuck() {
						t.Error("it is taken for stuck")
					}
				}
				wantReceived(t, "s", s, upTo(1, 150))
				stop()
				if n := r.last().Readers["r"].Stalls; n != 1 {
					t.Errorf("%d stalls", n)
				}
				if n := r.metrics.count("journal.stalls"); n != 1 {
					t.Errorf("%d stalls were counted", n)
				}
				if !strings.Contains(said.String(), "opened anew") {
					t.Errorf("it said %q", said.String())
				}
			})
		})
	}
}

// A log that goes on with what this reader leaves out is no stall, however long, and costs little.
func TestALogWithNothingForTheReaderIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l, s, said, stop := stalling(t, func(int) misbehaviour { return seesNothing })
		for range 24 * 6 {
			time.Sleep(10 * time.Minute)
			r.log.append(1)
			if r.pump.Stuck() {
				t.Fatal("it is taken for stuck")
			}
		}
		stop()
		wantReceived(t, "s", s, upTo(1, 100))
		if n := l.opens(); n > 24*6+10 {
			t.Errorf("opened %d times in a day", n)
		}
		if n := r.last().Readers["r"].Stalls; n != 0 || strings.Contains(said.String(), "opened anew") {
			t.Errorf("%d stalls; it said %q", n, said.String())
		}
	})
}

// Where opening anew does not help, the watchdog is no longer fed.
func TestAReaderThatCannotBeHelpedIsStuck(t *testing.T) {
	for name, how := range map[string]misbehaviour{"hangs": hangs, "never returns": neverReturn} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, l, _, _, stop := stalling(t, func(int) misbehaviour { return how })
				time.Sleep(50 * time.Second)
				if r.pump.Stuck() {
					t.Error("it is given up too soon")
				}
				time.Sleep(6 * time.Minute)
				if !r.pump.Stuck() {
					t.Error("nobody notices")
				}
				close(l.release)
				stop()
			})
		})
	}
}

// However often, and whenever, sessions are started over: nothing is missing, and nothing comes twice but what a Committer
// had not committed.
func TestRestartedSessionsLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		slow := testSender{script: func(s *testSender, _ pump.Batch) error {
			s.mu.Unlock()
			time.Sleep(70 * time.Millisecond)
			s.mu.Lock()
			return nil
		}}
		var disk diskSender
		spec := r.addDisk(&disk)
		spec.CommitEvery, spec.Limits.Age = 200*time.Millisecond, 30*time.Millisecond
		r.add("slow", &slow, nil).Limits = pump.BatchLimits{Records: 7, Age: 20 * time.Millisecond}
		stop := r.start()
		for range 300 {
			r.log.append(3)
			time.Sleep(13 * time.Millisecond)
			pump.RestartSessions(r.pump)
		}
		time.Sleep(time.Minute)
		stop()
		wantReceived(t, "slow", &slow, upTo(1, 900))
		if !slices.Equal(disk.durable, upTo(1, 900)) {
			t.Errorf("committed %v", ends(disk.durable))
		}
		if l := r.last().Readers["r"].Senders["slow"].Ledger; l != (pump.Ledger{Read: 900, Accepted: 900}) {
			t.Errorf("ledger %+v", l)
		}
	})
}
