package pump_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"journalpump/pump"
)

// routedView gives every second entry a record of route a, every third one of b and every fifth one of c.
type routedView struct{ a, b, c pump.Route }

func newRoutedView() *routedView {
	return &routedView{a: pump.Route{Name: "a", Mark: "a"}, b: pump.Route{Name: "b", To: "elsewhere", Mark: "b"}, c: pump.Route{Name: "c", Mark: "c"}}
}

func (v *routedView) routes(n uint64) (routes []*pump.Route) {
	for r, every := range map[*pump.Route]uint64{&v.a: 2, &v.b: 3, &v.c: 5} {
		if n%every == 0 {
			routes = append(routes, r)
		}
	}
	return routes
}

func (v *routedView) Render(c *pump.Chunk) *pump.Rendered {
	return c.Memo(v, func() any {
		r := &pump.Rendered{}
		for i := range c.Entries {
			body, _ := c.Lookup(i, "MESSAGE")
			for _, route := range v.routes(c.Entries[i].Position.Seqnum) {
				r.Records = append(r.Records, pump.Record{Body: body, Chunk: c, Index: i, Route: route})
				r.Bytes += len(body)
			}
		}
		return r
	}).(*pump.Rendered)
}

// The ledger is one of entries, however many records they have; and no batch ends between the records of an entry, as there
// is no position between them.
func TestEntriesWithSeveralRecords(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 7, 1000} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 100)
			view := newRoutedView()
			batches := map[uint64]int{} // by entry: the batches that it was in
			s := testSender{script: func(_ *testSender, b pump.Batch) error {
				last := uint64(0)
				for i := range b.Records {
					if n := b.Records[i].Position().Seqnum; n != last {
						last = n
						batches[n]++
					}
				}
				return nil
			}}
			r.add("s", &s, view).Limits.Records = limit
			if err := r.once(); err != nil {
				t.Fatal(err)
			}
			var want []uint64
			shown := int64(0)
			for n := uint64(1); n <= 100; n++ {
				routes := view.routes(n)
				for range routes {
					want = append(want, n)
				}
				if len(routes) > 0 {
					shown++
				}
				if batches[n] > 1 {
					t.Errorf("limit %d: entry %d was in %d batches", limit, n, batches[n])
				}
			}
			wantReceived(t, "s", &s, want)
			snap := r.last().Readers["r"].Senders["s"]
			if l := snap.Ledger; l != (pump.Ledger{Read: 100, Filtered: 100 - shown, Accepted: shown}) {
				t.Errorf("limit %d: ledger %+v", limit, l)
			}
			if snap.SentRecords != int64(len(want)) || snap.Queued != 0 || snap.Position != at(100) {
				t.Errorf("limit %d: %d records, %d queued, at %v", limit, snap.SentRecords, snap.Queued, snap.Position)
			}
		})
	}
}

// An entry is a dead letter if one of its records is, and counts once.
func TestDeadRecordsOfRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 60)
		s := testSender{script: func(_ *testSender, b pump.Batch) error {
			partial := &pump.PartialError{Errs: map[int]error{}}
			for i := range b.Records {
				if b.Records[i].To() == "elsewhere" {
					partial.Errs[i] = pump.Permanent(errors.New("no such topic"))
				} else if b.Records[i].Route.Name == "c" {
					partial.Errs[i] = pump.Permanent(errors.New("no such topic either"))
				}
			}
			if len(partial.Errs) > 0 {
				return partial
			}
			return nil
		}}
		r.add("s", &s, newRoutedView()).Limits.Records = 7
		if err := r.once(); err != nil {
			t.Fatal(err)
		}
		want := pump.Ledger{Read: 60}
		records := int64(0)
		for n := 1; n <= 60; n++ {
			switch {
			case n%3 == 0 || n%5 == 0:
				want.DeadLettered++
			case n%2 == 0:
				want.Accepted++
			default:
				want.Filtered++
			}
			if n%3 == 0 {
				records++
			}
			if n%5 == 0 {
				records++
			}
		}
		if l := r.last().Readers["r"].Senders["s"].Ledger; l != want {
			t.Errorf("ledger %+v, want %+v", l, want)
		}
		if n := r.metrics.count("journal.dead_letters"); n != records {
			t.Errorf("%d dead letters were counted, want %d", n, records)
		}
	})
}

func TestTheRecordsOfAnEntryHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := &pump.Chunk{Entries: []pump.Entry{{Position: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: 1<<64 - 1, Realtime: 1<<64 - 1}}}}
	plain := pump.Record{Chunk: c}
	routed := pump.Record{Chunk: c, Route: &pump.Route{Name: "a", Mark: strings.Repeat("m", pump.MaxMark)}}
	only := pump.Record{Chunk: c, Route: &pump.Route{Name: "a"}}
	first, second := string(plain.AppendID(nil)), string(routed.AppendID(nil))
	if first == second || !strings.HasPrefix(second, first+"-") || len(second) != pump.MaxID {
		t.Errorf("%s, %s of %d bytes", first, second, len(second))
	}
	if third := string(only.AppendID(nil)); third != first {
		t.Errorf("the only route's is %s, want %s", third, first)
	}
}

// A journal that was set back gives new entries the numbers of old ones.
func TestIDsOfARestoredJournal(t *testing.T) {
	t.Parallel()
	at := pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: 7, Realtime: 8}
	later := at
	later.Realtime++
	c := &pump.Chunk{Entries: []pump.Entry{{Position: at}, {Position: later}}}
	old, is := pump.Record{Chunk: c}, pump.Record{Chunk: c, Index: 1}
	if bytes.Equal(old.AppendID(nil), is.AppendID(nil)) {
		t.Errorf("both are %s", is.AppendID(nil))
	}
}
