package main

import (
	"errors"
	"testing"
	"time"

	"journalpump/pump"
)

func TestStatusLine(t *testing.T) {
	sender := func(sent int64, s pump.SenderSnapshot) pump.SenderSnapshot {
		s.SentRecords = sent
		return s
	}
	reader := func(senders map[string]pump.SenderSnapshot) pump.Snapshot {
		return pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {Senders: senders}}}
	}
	for name, c := range map[string]struct {
		snapshot pump.Snapshot
		save     error
		want     string
	}{
		"nothing": {want: "0 entries sent by 0 senders, up to date"},
		"well": {
			snapshot: reader(map[string]pump.SenderSnapshot{"a": sender(1234567, pump.SenderSnapshot{Health: pump.Connected})}),
			want:     "1,234,567 entries sent by 1 sender, up to date",
		},
		"behind": {
			snapshot: reader(map[string]pump.SenderSnapshot{
				"a": sender(999, pump.SenderSnapshot{Health: pump.Connected}),
				"b": sender(1, pump.SenderSnapshot{Health: pump.Connected, Lag: pump.Lag{Entries: 5, Age: 90 * time.Second}}),
			}),
			want: "1,000 entries sent by 2 senders, up to 1m30s behind",
		},
		"in trouble": {
			snapshot: reader(map[string]pump.SenderSnapshot{"a": sender(1, pump.SenderSnapshot{Health: pump.Disconnected, LastError: "connection refused"})}),
			save:     errors.New("no space left on device"),
			want:     "the state cannot be saved: no space left on device; r/a: connection refused (1 entries sent by 1 sender, up to date)",
		},
		"waiting": {
			snapshot: pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {Waiting: "/var/log/journal: not available yet"}}},
			want:     "r is waiting: /var/log/journal: not available yet (0 entries sent by 0 senders, up to date)",
		},
	} {
		if got := statusLine(c.snapshot, c.save); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
