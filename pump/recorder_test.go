package pump_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"journalpump/pump"
)

// testRecorder adds the two entries before each tenth one, and a mark behind it. Its state is the last of these.
type testRecorder struct{}

func (testRecorder) LookBack() time.Duration { return time.Hour }

const marks = 1_000_000 // mark of entry n: marks + n

func (testRecorder) Record(c *pump.Chunk, _ *pump.Rendered, state string, lookBack func(pump.Recall) ([]pump.EntryRef, error)) (out pump.Recording, err error) {
	for i := range c.Entries {
		n := c.Entries[i].Position.Seqnum
		if n%10 != 0 {
			continue
		}
		if last, _ := strconv.ParseUint(state, 10, 64); n > 10 && last != n-10 {
			return out, errors.New("the state is not that of the entry before: " + state)
		}
		what := pump.Recall{Before: c.PositionAfter(i), Limit: 2}
		for k := n - 5; k < n+5; k++ {
			what.Any = append(what.Any, []pump.Field{{Name: "MESSAGE", Value: strconv.AppendUint(nil, k, 10)}})
		}
		found, err := lookBack(what)
		if err != nil {
			return out, err
		}
		var x pump.Addition
		for _, e := range found {
			x.Records = append(x.Records, recordOf(e.Chunk, e.Index))
		}
		state = strconv.FormatUint(n, 10)
		x.Entry, x.ID, x.Own, x.State = i, state, len(x.Records), state
		mark := &pump.Chunk{Own: []pump.Field{{Name: "MESSAGE", Value: strconv.AppendUint(nil, marks+n, 10)}}, Refs: []pump.Ref{pump.OwnRef(0)}}
		mark.Entries = []pump.Entry{{Position: at(marks + n).Cursor, Last: 1}}
		x.Records = append(x.Records, recordOf(c, i), recordOf(mark, 0))
		out.Additions = append(out.Additions, x)
		out.Dumps++
	}
	return out, nil
}

func recordOf(c *pump.Chunk, i int) pump.Record {
	body, _ := c.Lookup(i, "MESSAGE")
	return pump.Record{Body: body, Chunk: c, Index: i}
}

// seldom lets every fifth entry pass, but not every tenth.
func seldom(n uint64) bool { return n%10 == 5 }

// wantRecorded is what a sender gets of n entries.
func wantRecorded(n uint64) (want []uint64) {
	for k := uint64(10); k <= n; k += 10 {
		want = append(want, k-5, k-2, k-1, k, marks+k)
	}
	return want
}

func (r *rig) addRecorder(s *testSender, batch int) *pump.SenderSpec {
	spec := r.add("s", s, &testView{keep: seldom})
	spec.Recorder = testRecorder{}
	spec.Limits = pump.BatchLimits{Records: batch, Age: time.Second}
	return spec
}

func TestWhatARecorderAddsIsInItsPlace(t *testing.T) {
	for batch := 1; batch < 12; batch++ {
		for chunk := 1; chunk < 40; chunk += 6 {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 100)
				r.log.chunk = chunk
				var s testSender
				r.addRecorder(&s, batch)
				if err := r.once(); err != nil {
					t.Fatal(err)
				}
				wantReceived(t, "s", &s, wantRecorded(100))
				if slices.Max(s.sizes) > batch {
					t.Errorf("a batch of %d", slices.Max(s.sizes))
				}
				got := r.last().Readers["r"].Senders["s"]
				if l := got.Ledger; l.Read != 100 || l.Accepted != 50 || l.Filtered+l.Accepted-l.Recalled != 100 || l.Balanced() != nil || got.Queued != 0 {
					t.Errorf("batches of %d: ledger %+v, %d queued", batch, l, got.Queued)
				}
				if got.Recorder != (pump.RecorderState{State: "100"}) || got.SentRecords != 50 {
					t.Errorf("batches of %d: %+v, %d records sent", batch, got.Recorder, got.SentRecords)
				}
				if n := r.metrics.count("journal.flight_recorder.dumps"); n != 10 {
					t.Errorf("%d dumps were counted", n)
				}
				if n := r.metrics.count("journal.flight_recorder.lines"); n != got.Ledger.Recalled {
					t.Errorf("%d lines were counted, want %d", n, got.Ledger.Recalled)
				}
			})
		}
	}
}

// twice is a recorder whose records go two ways, and so does what its view shows.
type twice struct{ pump.Recorder }

func (r twice) Record(c *pump.Chunk, shown *pump.Rendered, state string, lookBack func(pump.Recall) ([]pump.EntryRef, error)) (pump.Recording, error) {
	out, err := r.Recorder.Record(c, shown, state, lookBack)
	for i := range out.Additions {
		out.Additions[i].Records = twofold(out.Additions[i].Records)
		out.Additions[i].Own *= 2
	}
	return out, err
}

type twofoldView struct{ pump.View }

func (v twofoldView) Render(c *pump.Chunk) *pump.Rendered {
	r := v.View.Render(c)
	return &pump.Rendered{Records: twofold(r.Records), Bytes: 2 * r.Bytes}
}

func twofold(records []pump.Record) (all []pump.Record) {
	for _, r := range records {
		for _, name := range []string{"a", "b"} {
			r.Route = &pump.Route{Name: name, Mark: name}
			all = append(all, r)
		}
	}
	return all
}

// With routes the ledger is one of entries still, in what a recorder adds, too.
func TestWhatARecorderAddsToSeveralRoutes(t *testing.T) {
	for _, batch := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1000} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 100)
			r.log.chunk = 7
			var s testSender
			keep := func(n uint64) bool { return n%5 == 0 } // the entries in whose place something is added, too
			spec := r.add("s", &s, &testView{keep: keep})
			spec.View, spec.Recorder, spec.Limits.Records = twofoldView{spec.View}, twice{testRecorder{}}, batch
			if err := r.once(); err != nil {
				t.Fatal(err)
			}
			var want []uint64
			for _, n := range wantRecorded(100) {
				want = append(want, n, n)
			}
			wantReceived(t, "s", &s, want)
			got := r.last().Readers["r"].Senders["s"]
			if l := got.Ledger; l.Read != 100 || l.Accepted != 50 || l.Filtered+l.Accepted-l.Recalled != 100 || l.Balanced() != nil || got.Queued != 0 || got.SentRecords != 100 {
				t.Errorf("batches of %d: ledger %+v, %d queued, %d records sent", batch, l, got.Queued, got.SentRecords)
			}
			// Where a batch ends within what is added, an entry of its own may count as filtered and recalled.
			if l := got.Ledger; batch == 1000 && (l.Recalled != 30 || l.Filtered != 80) {
				t.Errorf("ledger %+v, want 30 recalled", l)
			}
		})
	}
}

// Wherever the lane is stopped, within what the recorder adds, too, the next one goes on from there.
func TestARecorderGoesOnAfterAStop(t *testing.T) {
	for batch := 1; batch < 8; batch++ {
		synctest.Test(t, func(t *testing.T) {
			var got []uint64
			var state pump.Snapshot
			for run := 0; len(got) < len(wantRecorded(60)); run++ {
				r := newRig(t, 60)
				r.opts.State = state
				var s testSender
				var stop func()
				s.script = func(s *testSender, _ pump.Batch) error { // the second batch is not accepted
					if len(s.sizes) == 0 {
						return nil
					}
					return errors.New("not now")
				}
				r.addRecorder(&s, batch)
				stop = r.start()
				time.Sleep(time.Hour)
				stop()
				got = append(got, s.received()...)
				state = r.last()
				if run > 100 {
					t.Fatal("it does not get on")
				}
			}
			if !slices.Equal(got, wantRecorded(60)) {
				t.Errorf("batches of %d: got %v, want %v", batch, got, wantRecorded(60))
			}
		})
	}
}

func TestARecorderWithCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		r := newRig(t, 500)
		s := diskSender{
			failSend:   func() bool { return rnd.IntN(10) == 0 },
			failCommit: func() bool { return rnd.IntN(5) == 0 },
		}
		spec := r.addRecorder(&s.testSender, 3)
		spec.Open = func(context.Context) (pump.Sender, error) { return &s, nil }
		spec.CommitEvery = 2 * time.Second
		stop := r.start()
		time.Sleep(10 * time.Hour)
		s.failSend, s.failCommit = nil, nil
		time.Sleep(time.Hour)
		stop()
		if want := wantRecorded(500); !slices.Equal(s.durable, want) {
			t.Errorf("committed %v, want %v", s.durable, want)
		}
	})
}

// failingRecall is a log that fails to look back while there is an error.
type failingRecall struct {
	*memLog
	failure func() error
}

func (l failingRecall) Recall(context.Context, pump.Recall) (*pump.Chunk, error) {
	if err := l.failure(); err != nil {
		return nil, err
	}
	return nil, pump.ErrNoRecall
}

func TestARecorderThatCannotLookBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 20)
		r.spec.Open = func(context.Context) (pump.Log, error) {
			return failingRecall{r.log, func() error { return errors.New("input/output error") }}, nil
		}
		var s testSender
		r.addRecorder(&s, 100)
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		wantReceived(t, "s", &s, []uint64{5, 10, marks + 10, 15, 20, marks + 20})
		if n := r.metrics.count("journal.flight_recorder.failed"); n != 2 {
			t.Errorf("%d failures were counted", n)
		}
	})
}

// Want of descriptors or memory says nothing of what there is to be found: the dump waits for it, and is whole. What comes before
// does not wait.
func TestARecorderThatCannotLookBackForNow(t *testing.T) {
	for name, shortage := range map[string]error{
		"descriptors of the process": &fs.PathError{Op: "open", Path: "system.journal", Err: syscall.EMFILE},
		"descriptors of the machine": syscall.ENFILE,
		"memory":                     fmt.Errorf("%w: mapping: %w", pump.ErrNotYet, syscall.ENOMEM),
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 20)
			r.log.chunk = 5
			begun, asked := time.Now(), 0
			r.spec.Open = func(context.Context) (pump.Log, error) {
				return failingRecall{r.log, func() error {
					if asked++; time.Since(begun) < time.Hour {
						return shortage
					}
					return nil
				}}, nil
			}
			var s testSender
			r.addRecorder(&s, 100)
			stop := r.start()
			time.Sleep(time.Hour - time.Second)
			synctest.Wait()
			wantReceived(t, name, &s, []uint64{5})
			if asked < 10 || asked > 1000 {
				t.Errorf("%s: it was tried %d times in an hour", name, asked)
			}
			if r.pump.Stuck() {
				t.Errorf("%s: waiting is taken for being stuck", name)
			}
			time.Sleep(10 * time.Minute)
			stop()
			wantReceived(t, name, &s, wantRecorded(20))
			got := r.last().Readers["r"].Senders["s"]
			if l := got.Ledger; got.Position != at(20) || l.Read != 20 || l.Accepted != 10 || got.Stalls != 0 {
				t.Errorf("%s: at %v with %+v, started over %d times", name, got.Position, l, got.Stalls)
			}
			if n := r.metrics.count("journal.flight_recorder.failed"); n != 0 {
				t.Errorf("%s: %d failures were counted", name, n)
			}
		})
	}
}

// With --once that has an end, and the others have all.
func TestOnceWithARecorderThatCannotLookBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200)
		r.log.chunk = 5
		r.opts.Timeout = 20 * time.Second
		r.spec.Open = func(context.Context) (pump.Log, error) {
			return failingRecall{r.log, func() error { return syscall.EMFILE }}, nil
		}
		var s testSender
		r.addRecorder(&s, 100)
		other := testSender{script: slowly(10 * time.Second)}
		r.add("other", &other, nil).Limits.Records = 10
		err := r.once()
		if want := "r/s (about 195 entries): the log cannot be read: looking back for the flight recorder: too many open files"; !errors.Is(err, syscall.EMFILE) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got error %v, want one that ends with %q", err, want)
		}
		wantReceived(t, "s", &s, []uint64{5})
		wantReceived(t, "other", &other, upTo(1, 200))
	})
}
