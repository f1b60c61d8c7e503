package guard

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

// recallLog is a memLog that looks back in what was not vacuumed.
type recallLog struct{ *memLog }

func (l recallLog) Recall(ctx context.Context, what pump.Recall) (*pump.Chunk, error) {
	it, err := l.Open(ctx, pos(l.first-1))
	if err != nil {
		return nil, err
	}
	out := &pump.Chunk{}
	for {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i := range c.Entries {
			if p := c.Entries[i].Position; p.Seqnum >= what.Before.Seqnum || !what.Wants(c, i) {
				continue
			}
			e := pump.Entry{Position: c.Entries[i].Position, First: uint32(len(out.Refs))}
			for _, ref := range c.Fields(i) {
				out.Own = append(out.Own, *c.Field(ref))
				out.Refs = append(out.Refs, pump.OwnRef(len(out.Own)-1))
			}
			e.Last = uint32(len(out.Refs))
			out.Entries = append(out.Entries, e)
		}
	}
	out.Entries = out.Entries[max(0, len(out.Entries)-what.Limit):]
	return out, it.Close()
}

// Wherever one looks back from, and however much of what the journal lacks is in the spool, and of what that has is in the journal,
// too: what is found is the newest there is of both, each once, in order.
func TestLookingBackIntoTheSpool(t *testing.T) {
	const last = 300
	rnd := rand.New(rand.NewPCG(3, 4))
	units := [][]pump.Field{{{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")}}, {{Name: "PRIORITY", Value: []byte("6")}}}
	fromSpool := 0
	for range 30 {
		r := newRig(t, rnd, 0, 1<<20)
		r.log.Log = recallLog{r.inner}
		r.inner.last = last
		kept := r.fill(rnd.Uint64N(last))
		r.inner.first = 1 + rnd.Uint64N(last)
		for range 20 {
			what := pump.Recall{Before: pos(1 + rnd.Uint64N(last)), Limit: 1 + rnd.IntN(60), Any: units[:1+rnd.IntN(2)]}
			oldest := uint64(1)
			if rnd.IntN(2) == 0 {
				oldest = 1 + rnd.Uint64N(last)
				what.Since = time.UnixMicro(int64(pos(oldest).Realtime))
			}
			var want []uint64
			for n := oldest; n < what.Before.Seqnum; n++ {
				if (len(what.Any) == 2 || n%2 == 0) && (n >= r.inner.first || n <= kept) {
					want = append(want, n)
				}
			}
			want = want[max(0, len(want)-what.Limit):]
			c, err := r.log.Recall(t.Context(), what)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for i := range c.Entries {
				n := c.Entries[i].Position.Seqnum
				got = append(got, n)
				if n < r.inner.first {
					fromSpool++
				}
				if text, _ := c.Lookup(i, "MESSAGE"); string(text) != messageOf(n) {
					t.Fatalf("entry %d is %q", n, text)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d are in the journal from %d on, and in the spool up to %d: looking back from %d to %d for %d found %v, want %v",
					last, r.inner.first, kept, what.Before.Seqnum, oldest, what.Limit, got, want)
			}
		}
	}
	if fromSpool < 1000 {
		t.Errorf("%d entries were from the spool: the test is no good", fromSpool)
	}
}

// fill puts the journal's first entries, at least so many, into the spool, and returns how many those are.
func (r *rig) fill(most uint64) uint64 {
	r.t.Helper()
	it, err := r.inner.Open(r.t.Context(), pump.Position{})
	if err != nil {
		r.t.Fatal(err)
	}
	at := uint64(0)
	for at < most {
		c, err := it.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if err := r.log.store.append(c); err != nil {
			r.t.Fatal(err)
		}
		at = c.To.Seqnum
	}
	if err := it.Close(); err != nil {
		r.t.Fatal(err)
	}
	return at
}

// recalled returns the numbers of the first and the last of all entries that are found before a place, and how many those are.
func (r *rig) recalled(before uint64) (first, last uint64, n int) {
	r.t.Helper()
	c, err := r.log.Recall(r.t.Context(), pump.Recall{Before: pos(before), Limit: 10_000, Any: [][]pump.Field{
		{{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")}}, {{Name: "PRIORITY", Value: []byte("6")}},
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	if n = len(c.Entries); n > 0 {
		first, last = c.Entries[0].Position.Seqnum, c.Entries[n-1].Position.Seqnum
	}
	return first, last, n
}

// What senders are past stays in the spool for as long as one may look back to it, and counts as delivered.
func TestWhatIsLookedBackToIsKept(t *testing.T) {
	r := newRig(t, nil, 2, 1<<20)
	r.log.Log = recallLog{r.inner}
	r.inner.last, r.danger = 1000, 1000
	r.keep()
	r.inner.first = 1001
	r.lanes[0].saved, r.lanes[0].lookBack = 600, 200*time.Millisecond
	r.lanes[1].saved = 700
	r.keep()
	if _, entries := r.log.store.size(); entries != 400 {
		t.Errorf("%d entries are lacked, want 400", entries)
	}
	if first, last, n := r.recalled(601); first > 400 || first < 380 || last != 600 || n != int(last-first+1) {
		t.Errorf("%d entries from %d to %d are found", n, first, last)
	}
	r.restart()
	r.log.Log = recallLog{r.inner}
	for _, l := range r.lanes {
		l.saved = 1000
	}
	r.keep()
	if bytes, entries := r.log.store.size(); bytes != 0 || entries != 0 {
		t.Errorf("%d entries in %d bytes are lacked, want none", entries, bytes)
	}
	if first, last, n := r.recalled(1001); first > 800 || first < 780 || last != 1000 || n != int(last-first+1) {
		t.Errorf("%d entries from %d to %d are found", n, first, last)
	}
	r.inner.last, r.danger = 2000, 2000
	r.lanes[0].saved, r.lanes[1].saved = 1100, 1150
	r.keep()
	if _, entries := r.log.store.size(); entries != 900 {
		t.Errorf("%d entries are lacked, want 900", entries)
	}
	if from := r.log.store.records[r.log.store.passed].from.Seqnum; from != 1100 {
		t.Errorf("what all have was put into the spool, from %d on", from)
	}
	r.lanes[0].saved, r.lanes[1].saved = 2000, 2000
	r.lanes[0].lookBack = 0
	r.keep()
	if n := len(r.log.store.records); n != 0 {
		t.Errorf("%d records are left that nobody looks back to", n)
	}
}

// What is only looked back to makes room in a full spool for what is lacked.
func TestWhatIsLookedBackToMakesRoom(t *testing.T) {
	r := newRig(t, nil, 1, 8000)
	r.inner.last, r.danger = 5000, 5000
	l := r.lanes[0]
	l.lookBack = time.Hour
	r.keep()
	_, kept := r.log.store.size()
	r.inner.first = uint64(kept) + 1
	for l.at < uint64(kept) && r.read(l) {
	}
	l.saved = l.at
	r.keep()
	if _, more := r.log.store.size(); more < kept/2 || r.log.store.passed != 0 {
		t.Errorf("%d entries are lacked of which the spool has %d, and %d records that are not", 5000-kept, more, r.log.store.passed)
	}
}

// A journal without an index is read; what of it is in the spool is not found then.
func TestLookingBackWithoutAnIndex(t *testing.T) {
	r := newRig(t, nil, 0, 1<<20)
	if _, err := r.log.Recall(t.Context(), pump.Recall{Limit: 1}); !errors.Is(err, pump.ErrNoRecall) {
		t.Errorf("got %v", err)
	}
}

// withoutDescriptors does something while the process cannot open a file. It is for tests that are not parallel.
func withoutDescriptors(t *testing.T, do func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	do()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
}

// Without descriptors nothing can be said of what the spool has: who looks back, or reads on where the journal has nothing any more, is
// told so, and finds all of it later.
func TestSpoolWithoutDescriptors(t *testing.T) {
	r := newRig(t, rand.New(rand.NewPCG(5, 6)), 0, 1<<20)
	r.log.Log = recallLog{r.inner}
	r.inner.last = 100
	kept := r.fill(50)
	r.inner.first = kept + 1
	what := pump.Recall{Before: pos(90), Limit: 1000, Any: [][]pump.Field{{{Name: "PRIORITY", Value: []byte("6")}}, {{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")}}}}
	next := func() (*pump.Chunk, error) {
		it, err := r.log.Open(t.Context(), pump.Position{})
		if err != nil {
			t.Fatal(err)
		}
		c, err := it.Next(t.Context())
		return c, errors.Join(err, it.Close())
	}
	withoutDescriptors(t, func() {
		if _, err := r.log.Recall(t.Context(), what); !pump.IsShortage(err) {
			t.Errorf("looking back: error %v, want one of descriptors", err)
		}
		if _, err := next(); !pump.IsShortage(err) {
			t.Errorf("reading: error %v, want one of descriptors", err)
		}
	})
	if c, err := r.log.Recall(t.Context(), what); err != nil || len(c.Entries) != 89 {
		t.Errorf("looking back later found %d entries, error %v", len(c.Entries), err)
	}
	if c, err := next(); err != nil || c.Entries[0].Position.Seqnum != 1 || len(c.Gaps) > 0 {
		t.Errorf("reading later: %+v, error %v", c, err)
	}
}
