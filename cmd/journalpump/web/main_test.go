package web

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"journalpump/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent is an agent of which tests say what it is like.
type agent struct {
	mu       sync.Mutex
	snapshot pump.Snapshot
	stuck    bool
	asked    int
}

func (a *agent) Snapshot(context.Context) pump.Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	s := a.snapshot
	s.Readers = make(map[string]pump.ReaderSnapshot, len(a.snapshot.Readers))
	for name, r := range a.snapshot.Readers {
		r.Senders = maps.Clone(r.Senders)
		s.Readers[name] = r
	}
	return s
}

func (a *agent) Stuck() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stuck
}

// change changes a sender of the reader r.
func (a *agent) change(name string, f func(*pump.SenderSnapshot)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.snapshot.Readers["r"].Senders[name]
	f(&s)
	a.snapshot.Readers["r"].Senders[name] = s
}

var tail = pump.Position{Cursor: pump.Cursor{Parts: pump.HasRealtime, Realtime: 1}}

// newAgent returns an agent with one reader, r, and one sender, s, of which everything is known.
func newAgent() *agent {
	now := time.Now()
	return &agent{snapshot: pump.Snapshot{StartTime: now.Add(-time.Minute), Readers: map[string]pump.ReaderSnapshot{"r": {
		Searches: map[string]int64{"found": 3}, Lines: 100, Bytes: 5000, Corrupted: 1, Stalls: 2,
		Gaps:    pump.GapTotals{Count: 5, Entries: 50, Last: []pump.Gap{{Count: 7, From: 1e15, To: 2e15, Reason: "vacuumed"}}},
		Spooled: pump.Spooled{Bytes: 4096, Entries: 4},
		Senders: map[string]pump.SenderSnapshot{"s": {
			Type: "FileSender", Health: pump.Connected, Started: true,
			Ledger: pump.Ledger{Read: 1000, Filtered: 100, Accepted: 880, DeadLettered: 15, InFlight: 5},
			Gaps:   pump.GapTotals{Count: 3, Entries: 30}, SentRecords: 80, SentBytes: 4000, LastSent: now, Stalls: 1,
			LastError: "no route to host", LastErrorTime: now,
			Position: tail, Lag: pump.Lag{Entries: 9, Age: 1500 * time.Millisecond, Tail: tail}, Loss: pump.Loss{In: time.Hour, Known: true},
		}},
	}}}}
}

// newServer returns a server that is closed with the test.
func newServer(t *testing.T, a Agent) *Server {
	t.Helper()
	s, err := New(Options{Agent: a, Host: "host", Version: "v1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Context()) })
	return s
}
