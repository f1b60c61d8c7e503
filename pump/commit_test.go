package pump_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// diskSender accepts on Commit. What it got since then it takes back when something fails.
type diskSender struct {
	testSender
	failSend, failCommit func() bool
	durable              []uint64
	commits              int
}

func (s *diskSender) Send(ctx context.Context, b pump.Batch) error {
	if s.failSend != nil && s.failSend() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = slices.Clone(s.durable)
		return errors.New("no space left on device")
	}
	return s.testSender.Send(ctx, b)
}

func (s *diskSender) Commit(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failCommit != nil && s.failCommit() {
		s.got = slices.Clone(s.durable)
		return errors.New("input/output error")
	}
	s.commits++
	s.durable = slices.Clone(s.got)
	return nil
}

func (s *diskSender) committed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.durable)
}

func (r *rig) addDisk(s *diskSender) *pump.SenderSpec {
	spec := r.add("disk", &s.testSender, nil)
	spec.Open = func(context.Context) (pump.Sender, error) { return s, nil }
	return spec
}

func TestCommitIsGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var s diskSender
		spec := r.addDisk(&s)
		spec.CommitEvery = 5 * time.Second
		spec.Limits.Age = 100 * time.Millisecond
		stop := r.start()
		synctest.Wait()
		for range 40 {
			r.log.append(1)
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			snap := r.pump.Snapshot(t.Context()).Readers["r"].Senders["disk"]
			if n := s.committed(); int(snap.Position.Seqnum) != n {
				t.Fatalf("at %d with %d committed", snap.Position.Seqnum, n)
			}
		}
		if s.commits < 3 || s.commits > 5 {
			t.Errorf("%d commits in 20 s", s.commits)
		}
		stop()
		if want := upTo(1, 40); !slices.Equal(s.durable, want) {
			t.Errorf("committed %v", s.durable)
		}
	})
}

func TestWhatWasNotCommittedIsSentAgain(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			fail := func() bool { return rnd.IntN(4) == 0 }
			r := newRig(t, 2000)
			s := diskSender{failSend: fail, failCommit: fail}
			spec := r.addDisk(&s)
			spec.Limits.Records = 1 + rnd.IntN(50)
			spec.CommitEvery = time.Duration(rnd.IntN(3)) * time.Millisecond
			r.opts.Timeout = time.Hour
			if err := r.once(); err != nil {
				t.Fatal(err)
			}
			if want := upTo(1, 2000); !slices.Equal(s.durable, want) {
				t.Errorf("seed %d: committed %v", seed, ends(s.durable))
			}
			if l := r.last().Readers["r"].Senders["disk"].Ledger; l != (pump.Ledger{Read: 2000, Accepted: 2000}) {
				t.Errorf("seed %d: ledger %+v", seed, l)
			}
		})
	}
}
