package status

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func snapshotOf(r pump.ReaderSnapshot, s pump.SenderSnapshot) pump.Snapshot {
	r.Senders = map[string]pump.SenderSnapshot{"s": s}
	return pump.Snapshot{StartTime: now.Add(-101 * time.Second), Readers: map[string]pump.ReaderSnapshot{"r": r}}
}

func TestStates(t *testing.T) {
	t.Parallel()
	far := pump.Lag{Entries: 500, Age: time.Hour}
	for name, c := range map[string]struct {
		reader  pump.ReaderSnapshot
		sender  pump.SenderSnapshot
		want    State
		problem string
	}{
		"up to date":                  {sender: pump.SenderSnapshot{Health: pump.Connected}, want: OK},
		"a little behind":             {sender: pump.SenderSnapshot{Health: pump.Connected, Lag: pump.Lag{Entries: 9, Age: time.Second}}, want: OK},
		"behind and sending":          {sender: pump.SenderSnapshot{Health: pump.Connected, Lag: far, LastSent: now.Add(-time.Second)}, want: CatchingUp},
		"behind and not sending":      {sender: pump.SenderSnapshot{Health: pump.Connected, Lag: far, LastSent: now.Add(-time.Hour)}, want: Behind, problem: "does the agent run?"},
		"behind, has never sent":      {sender: pump.SenderSnapshot{Health: pump.Connected, Lag: far}, want: Behind, problem: "does the agent run?"},
		"old entries, none left":      {sender: pump.SenderSnapshot{Health: pump.Connected, Lag: pump.Lag{Age: time.Hour}}, want: OK},
		"refused":                     {sender: pump.SenderSnapshot{Health: pump.Disconnected, LastError: "connection refused"}, want: Failing, problem: "connection refused"},
		"not connected, no error":     {sender: pump.SenderSnapshot{Health: pump.Disconnected}, want: OK},
		"no journal":                  {reader: pump.ReaderSnapshot{Waiting: "no journal yet"}, sender: pump.SenderSnapshot{Health: pump.Disconnected}, want: Waiting, problem: "no journal yet"},
		"stopped":                     {sender: pump.SenderSnapshot{Health: pump.Stale}, want: Stopped, problem: "stopped"},
		"stopped when it was failing": {sender: pump.SenderSnapshot{Health: pump.Stopped, LastError: "no route"}, want: Stopped, problem: "no route"},
	} {
		r := New(snapshotOf(c.reader, c.sender), now, now, Limits{MaxLag: time.Minute})
		got := r.Senders[0]
		if got.State != c.want || !strings.Contains(got.Problem, c.problem) || (got.Problem == "") != (c.problem == "") {
			t.Errorf("%s: %s, %q; want %s, %q", name, got.State, got.Problem, c.want, c.problem)
		}
		if r.Healthy != (c.want == OK || c.want == CatchingUp) {
			t.Errorf("%s: healthy %t", name, r.Healthy)
		}
	}
}

// How late a sender is that has accepted nothing is not known, and not 0.
func TestLagInJSON(t *testing.T) {
	t.Parallel()
	for want, position := range map[string]pump.Position{
		`"lag_seconds":null`: {},
		`"lag_seconds":0`:    {Cursor: pump.Cursor{Seqnum: 1, Parts: pump.HasAll}},
	} {
		s := snapshotOf(pump.ReaderSnapshot{}, pump.SenderSnapshot{Started: true, Position: position})
		text, err := json.Marshal(New(s, now, now, Limits{}))
		if err != nil || !strings.Contains(string(text), want+",") {
			t.Errorf("at %v: %s, %v; want %s", position, text, err, want)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	at := func(sent int64, saved time.Time) *Report {
		return New(snapshotOf(pump.ReaderSnapshot{}, pump.SenderSnapshot{Health: pump.Connected, SentRecords: sent}), saved, saved, Limits{})
	}
	first := at(1000, now.Add(-time.Second))
	if got := first.Senders[0].PerSecond; got != 10 {
		t.Errorf("on the average %v/s, want 10", got)
	}
	next := at(1300, now)
	next.Since(first)
	if got := next.Senders[0].PerSecond; got != 300 {
		t.Errorf("since the last look %v/s, want 300", got)
	}
	again := at(1300, now) // nothing was saved since
	again.Since(next)
	if got := again.Senders[0].PerSecond; got != 300 {
		t.Errorf("without a new state %v/s, want 300", got)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	s := snapshotOf(pump.ReaderSnapshot{}, pump.SenderSnapshot{
		Health: pump.Disconnected, LastError: "connection refused", SentRecords: 1234567, LastSent: now.Add(-90 * time.Second),
		Position: pump.Position{Cursor: pump.Cursor{Seqnum: 1, Parts: pump.HasAll}}, Lag: pump.Lag{Entries: 2500, Age: 25 * time.Hour}, Ledger: pump.Ledger{DeadLettered: 2}, Stalls: 1,
		Loss: pump.Loss{In: 2 * time.Hour, Known: true},
	})
	s.Readers["a longer name"] = pump.ReaderSnapshot{Senders: map[string]pump.SenderSnapshot{"x": {Health: pump.Connected}}}
	var b strings.Builder
	if err := New(s, now.Add(-time.Second), now, Limits{MaxLag: time.Minute}).Write(&b, now, false); err != nil {
		t.Fatal(err)
	}
	want := `READER         SENDER  STATE    BEHIND  LAG    SENT       RATE      LAST SENT  DEAD  LOST
a longer name  x       ok       0       -      0          0.0/s     never      0     0
r              s       failing  2,500   1d01h  1,234,567  12,345/s  1m30s ago  2     0
r/s: connection refused
r/s: in about 2h00m journald deletes entries that it has not delivered
r/s: stood still and was started over, times: 1
The state was saved 1.0s ago.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	b.Reset()
	r := s.Readers["r"].Senders["s"]
	r.Loss.In = 300 * time.Millisecond
	s.Readers["r"].Senders["s"] = r
	if err := New(s, now, now, Limits{}).Write(&b, now, false); err != nil || !strings.Contains(b.String(), "r/s: journald is deleting entries that it has not delivered, or is about to\n") {
		t.Errorf("%v: %s", err, b.String())
	}
	b.Reset()
	if err := New(s, now, now, Limits{}).Write(&b, now, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\x1b[31mfailing\x1b[0m") {
		t.Errorf("trouble is not red: %q", b.String())
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 12: "12", 123: "123", 1234: "1,234", -1234: "-1,234", -123: "-123", 1234567890: "1,234,567,890"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
