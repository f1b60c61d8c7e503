package audit

import (
	"context"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
)

// memLog is a log of chunks; after a position come the chunks whose entries it does not cover. Who begins at the head is told of no gaps.
type memLog struct{ chunks []*pump.Chunk }

func (l *memLog) Seek(context.Context, pump.Start) (pump.Position, error) {
	return pump.Position{}, nil
}
func (l *memLog) Close() error { return nil }

func (l *memLog) Open(_ context.Context, after pump.Position) (pump.Iterator, error) {
	it := &memIterator{}
	for _, c := range l.chunks {
		next := &pump.Chunk{Gaps: c.Gaps, To: c.To}
		if after.IsZero() {
			next.Gaps = nil
		}
		for _, e := range c.Entries {
			if !after.Covers(&e.Position) {
				next.Entries = append(next.Entries, e)
			}
		}
		if len(next.Entries) > 0 {
			it.chunks = append(it.chunks, next)
		}
	}
	return it, nil
}

type memIterator struct{ chunks []*pump.Chunk }

func (it *memIterator) Next(context.Context) (*pump.Chunk, error) {
	if len(it.chunks) == 0 {
		return nil, pump.ErrNoMore
	}
	c := it.chunks[0]
	it.chunks = it.chunks[1:]
	return c, nil
}

func (it *memIterator) Wait(ctx context.Context) error { return ctx.Err() }
func (it *memIterator) Close() error                   { return nil }

// odd is a view that leaves out even numbers.
type odd struct{}

func (odd) Render(c *pump.Chunk) *pump.Rendered {
	out := &pump.Rendered{}
	for i := range c.Entries {
		if c.Entries[i].Position.Seqnum%2 == 1 {
			out.Records = append(out.Records, pump.Record{Chunk: c, Index: i})
		}
	}
	return out
}

func at(seqnum uint64) pump.Position {
	return pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: seqnum, Parts: pump.HasSeqnum}}
}

// entriesFrom returns a log of the entries from first to last, three a chunk.
func entriesFrom(first, last uint64) *memLog {
	var l memLog
	for n := first; n <= last; n += 3 {
		c := &pump.Chunk{To: at(min(n+2, last))}
		for k := n; k <= min(n+2, last); k++ {
			c.Entries = append(c.Entries, pump.Entry{Position: at(k).Cursor})
		}
		l.chunks = append(l.chunks, c)
	}
	return &l
}

// ledger counts the entries from 1 to last as a sender with the view odd does.
func ledger(last int64) pump.Ledger {
	return pump.Ledger{Read: last, Accepted: (last + 1) / 2, Filtered: last / 2}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	head := pump.Mark{First: at(1)}
	later := pump.Mark{Position: at(10), Ledger: ledger(10)}
	vacuumed := entriesFrom(5, 20)
	gapped := entriesFrom(15, 20)
	gapped.chunks[0].Gaps = []pump.Gap{{SeqnumID: pump.ID128{1}, First: 11, Last: 14, Count: 4, Reason: "vacuumed"}}
	broken := ledger(20)
	broken.Filtered--
	inFlight := ledger(20)
	inFlight.Read, inFlight.InFlight = 25, 5
	moved := ledger(20)
	moved.Accepted, moved.Filtered = moved.Accepted+1, moved.Filtered-1
	for _, c := range []struct {
		name  string
		log   *memLog
		state pump.SenderSnapshot
		want  Verdict
		why   string
		read  int64 // in the journal
	}{
		{"all", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{head}}, AddsUp, "", 20},
		{"some in flight", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(20), Ledger: inFlight, Marks: []pump.Mark{head}}, AddsUp, "", 20},
		{"a few that were never read", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(22), Ledger: ledger(20), Marks: []pump.Mark{head}}, Wrong, "the ledger has 2 fewer than the journal", 22},
		{"more than there are", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(20), Ledger: ledger(22), Marks: []pump.Mark{head}}, Wrong, "the journal does not have 2, and at most 0 were deleted", 20},
		{"filtered otherwise", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(20), Ledger: moved, Marks: []pump.Mark{head}}, Wrong, "of 11 entries accepted or dead letters in the ledger the journal does not have 1", 20},
		{"no balance", entriesFrom(1, 30), pump.SenderSnapshot{Position: at(20), Ledger: broken, Marks: []pump.Mark{head}}, Wrong, "read is not", 20},
		{"vacuumed at the head", vacuumed, pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{head}}, SoFar, "4 entries that were counted", 16},
		{"vacuumed, from a later mark", vacuumed, pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{head, later}}, AddsUp, "10 entries that were read before", 10},
		{"vacuumed after the mark", gapped, pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{later}}, SoFar, "4 entries that were counted", 6},
		{"vacuumed beyond the position", gapped, pump.SenderSnapshot{Position: at(12), Ledger: ledger(12), Marks: []pump.Mark{later}}, SoFar, "2 entries that were counted", 0},
		{"more than was vacuumed up to the position", gapped, pump.SenderSnapshot{Position: at(12), Ledger: ledger(14), Marks: []pump.Mark{later}}, Wrong, "at most 2 were deleted", 0},
		{"nothing accepted, vacuumed at the head", vacuumed, pump.SenderSnapshot{Marks: []pump.Mark{head}}, AddsUp, "", 0},
		{"vacuumed, the beginning unknown", vacuumed, pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{{}}}, SoFar, "4 entries that were counted", 16},
		{"the beginning unknown, from a later mark", vacuumed, pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{{}, later}}, AddsUp, "10 entries that were read before", 10},
		{"missing then and now", gapped, pump.SenderSnapshot{
			Position: at(20), Marks: []pump.Mark{later}, Gaps: pump.GapTotals{Entries: 4},
			Ledger: pump.Ledger{Read: 16, Accepted: 8, Filtered: 8},
		}, AddsUp, "", 6},
		{"missing then, there now", entriesFrom(1, 20), pump.SenderSnapshot{
			Position: at(20), Marks: []pump.Mark{later}, Gaps: pump.GapTotals{Entries: 4},
			Ledger: pump.Ledger{Read: 16, Accepted: 8, Filtered: 8},
		}, AddsUp, "4 entries of recorded gaps can be read now", 10},
		{"dead letters", entriesFrom(1, 20), pump.SenderSnapshot{Position: at(20), Marks: []pump.Mark{head}, Ledger: pump.Ledger{Read: 20, Accepted: 7, DeadLettered: 3, Filtered: 10}}, AddsUp, "", 20},
		{"no marks", entriesFrom(1, 20), pump.SenderSnapshot{Position: at(20), Ledger: ledger(20)}, Unknown, "where counting began", 0},
		{"other settings", entriesFrom(1, 20), pump.SenderSnapshot{Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{head}, Sees: "x"}, Unknown, "another one", 0},
	} {
		c.state.Started = true
		results, err := Reader(t.Context(), "r", c.log, []Sender{{Name: "s", Known: true, State: c.state, View: odd{}}}, func(int64) {})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := results[0]
		if r.Verdict != c.want || !strings.Contains(r.Why, c.why) || (c.why == "") != (r.Why == "") || r.Journal.Read != c.read {
			t.Errorf("%s: %+v", c.name, r)
		}
		var out strings.Builder
		if err := Write(&out, results, false); err != nil || !strings.Contains(out.String(), string(c.want)) || strings.Contains(out.String(), "\x1b") {
			t.Errorf("%s: %v:\n%s", c.name, err, out.String())
		}
	}
}

// What a flight recorder sends beside what was read, and what it sends of what the view leaves out, is no mismatch; nothing else passes
// because there is one.
func TestFlightRecorders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ledger   pump.Ledger
		recorded bool
		want     Verdict
	}{
		"a dump":                 {pump.Ledger{Read: 20, Recalled: 5, Accepted: 16, Filtered: 9}, true, AddsUp},
		"no recorder":            {pump.Ledger{Read: 20, Recalled: 5, Accepted: 16, Filtered: 9}, false, Wrong},
		"fewer than it gets":     {pump.Ledger{Read: 20, Recalled: 5, Accepted: 14, Filtered: 11}, true, Wrong},
		"fewer than the journal": {pump.Ledger{Read: 19, Recalled: 5, Accepted: 15, Filtered: 9}, true, Wrong},
	} {
		s := Sender{Name: "s", Known: true, View: odd{}, Recorded: c.recorded, State: pump.SenderSnapshot{
			Started: true, Position: at(20), Ledger: c.ledger, Marks: []pump.Mark{{First: at(1)}},
		}}
		results, err := Reader(t.Context(), "r", entriesFrom(1, 30), []Sender{s}, func(int64) {})
		if err != nil || results[0].Verdict != c.want {
			t.Errorf("%s: %v, %+v", name, err, results)
		}
	}
}

// What was deleted since a sender's mark is known also when the walk begins elsewhere, for another sender.
func TestVacuumedTogether(t *testing.T) {
	t.Parallel()
	log := entriesFrom(15, 20)
	log.chunks[0].Gaps = []pump.Gap{{SeqnumID: pump.ID128{1}, First: 11, Last: 14, Count: 4, Reason: vacuumed}}
	one := func(name string, m pump.Mark) Sender {
		return Sender{Name: name, Known: true, View: odd{}, State: pump.SenderSnapshot{Started: true, Position: at(20), Ledger: ledger(20), Marks: []pump.Mark{m}}}
	}
	senders := []Sender{one("head", pump.Mark{First: at(1)}), one("later", pump.Mark{Position: at(10), Ledger: ledger(10)})}
	results, err := Reader(t.Context(), "r", log, senders, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, missing := range []int64{14, 4} {
		if r := results[i]; r.Verdict != SoFar || r.Journal.Missing != missing {
			t.Errorf("%+v, want %s and %d missing", r, SoFar, missing)
		}
	}
}

// Senders at different places are counted in one go, and those of which nothing is known are left out.
func TestSendersTogether(t *testing.T) {
	t.Parallel()
	known := func(name string, from, to uint64) Sender {
		m := pump.Mark{Position: at(from), Ledger: ledger(int64(from))}
		return Sender{Name: name, Known: true, View: odd{}, State: pump.SenderSnapshot{Started: true, Position: at(to), Ledger: ledger(int64(to)), Marks: []pump.Mark{m}}}
	}
	senders := []Sender{known("a", 10, 20), {Name: "new"}, known("b", 2, 7), {Name: "waiting", Known: true}, known("c", 10, 10)}
	var progress int64
	results, err := Reader(t.Context(), "r", entriesFrom(1, 30), senders, func(n int64) { progress += n })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, r.Sender+": "+string(r.Verdict))
	}
	want := []string{"a: adds up", "new: unknown", "b: adds up", "waiting: unknown", "c: adds up"}
	if !slices.Equal(got, want) || results[0].Journal.Read != 10 || results[2].Journal.Read != 5 || results[4].Journal.Read != 0 || progress != 28 {
		t.Errorf("%v: %+v, %d", got, results, progress)
	}
}
