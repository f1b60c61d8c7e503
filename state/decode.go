package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"journalpump/pump"
)

var errNotObject = errors.New("not a JSON object")

// Decode returns what a state file says, and its format: 0 for the original's, a number above 1 for one from a newer
// journalpump, of which only what is understood is returned. It takes the whole of data or nothing: an error means
// that it is no intact state file.
func Decode(data []byte) (s pump.Snapshot, format int, err error) {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return pump.Snapshot{}, 0, errNotObject // such as null, which decodes into anything
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return pump.Snapshot{}, d.Format, err
	}
	s, err = d.snapshot()
	return s, d.Format, err
}

func (d *document) snapshot() (pump.Snapshot, error) {
	s := pump.Snapshot{
		StartTime: time.Time(d.StartTime),
		Readers:   make(map[string]pump.ReaderSnapshot, len(d.Readers)),
	}
	for name, r := range d.Readers {
		if r == nil {
			return pump.Snapshot{}, fmt.Errorf("reader %q: %w", name, errNotObject)
		}
		reader, err := r.snapshot()
		if err != nil {
			return pump.Snapshot{}, fmt.Errorf("reader %q: %w", name, err)
		}
		s.Readers[name] = reader
	}
	return s, nil
}

func (d *readerDoc) snapshot() (pump.ReaderSnapshot, error) {
	r := pump.ReaderSnapshot{
		Position:  d.Sequences.position(d.Cursor),
		Searches:  d.Searches,
		Lines:     d.TotalLines,
		Bytes:     d.TotalBytes,
		Gaps:      d.Gaps.totals(),
		Corrupted: d.Corrupted,
		Spooled:   pump.Spooled(d.Spooled),
		Stalls:    d.Stalls,
		Senders:   make(map[string]pump.SenderSnapshot, len(d.Senders)),
	}
	if d.Waiting != nil {
		r.Waiting = *d.Waiting
	}
	for name, s := range d.Senders {
		if s == nil {
			return pump.ReaderSnapshot{}, fmt.Errorf("sender %q: %w", name, errNotObject)
		}
		r.Senders[name] = s.snapshot()
	}
	return r, nil
}

func (d *senderDoc) snapshot() pump.SenderSnapshot {
	s := pump.SenderSnapshot{
		Type:        d.Type,
		Position:    d.Sent.Sequences.position(d.Sent.Cursor),
		First:       pump.Position(d.First),
		Ledger:      d.Ledger.ledger(),
		Recorder:    d.Recorder.state(),
		Gaps:        d.Gaps.totals(),
		Read:        pump.Position(d.Buffer.Cursor),
		ReadEntries: d.Buffer.EntryNum,
		ReadBytes:   d.Buffer.TotalSize,
		Queued:      d.Buffer.CurrentQueue,
		SentRecords: d.Sent.Count,
		SentBytes:   d.Sent.Bytes,
		Health:      pump.Health(d.Health.Status),
		HealthSince: time.Time(d.Health.Since),
		LastSent:    time.Time(d.LastSent),
		Stalls:      d.Stalls,
		Errors:      d.Health.Errors,
		Lag: pump.Lag{
			Entries: d.Lag.Entries,
			Age:     time.Duration(math.Round(d.Lag.Seconds * float64(time.Second))),
			Tail:    pump.Position(d.Lag.Tail),
		},
	}
	// The original has no "started". There a null cursor means that nothing has been sent since it was started: the
	// sender then begins at the reader's initial position.
	s.Started = !s.Position.IsZero() || d.Started != nil && *d.Started
	if edited := len(d.Sent.Sequences) > 0 && !s.Position.Whole; !edited {
		s.Sees, s.Marks = d.Sees, marksOf(d.Marks)
	}
	if d.Vacuum != nil {
		s.Loss = pump.Loss{In: time.Duration(math.Round(d.Vacuum.Seconds * float64(time.Second))), Known: true}
	}
	if d.LastError != nil {
		s.LastError, s.LastErrorTime = d.LastError.Text, time.Time(d.LastError.Time)
	}
	return s
}

func marksOf(docs []markDoc) []pump.Mark {
	if len(docs) == 0 {
		return nil
	}
	marks := make([]pump.Mark, len(docs))
	for i := range docs {
		d := &docs[i]
		marks[i] = pump.Mark{
			Time: time.Time(d.Time), Position: d.Sequences.position(d.Cursor), First: pump.Position(d.First),
			Ledger: d.Ledger.ledger(), Gaps: d.Gaps,
		}
	}
	return marks
}

func (d *ledgerDoc) ledger() pump.Ledger {
	return pump.Ledger{
		Read: d.Read, Filtered: d.Filtered, Accepted: d.Accepted, DeadLettered: d.DeadLettered, InFlight: d.InFlight,
		Recalled: d.Recalled,
	}
}

func (d *gapsDoc) totals() pump.GapTotals {
	t := pump.GapTotals{Count: d.Count, Entries: d.Entries}
	for _, g := range d.Last {
		t.Last = append(t.Last, pump.Gap{
			SeqnumID: pump.ID128(g.SeqnumID), First: g.First, Last: g.Last, Count: g.Count, From: g.From, To: g.To,
			Reason: g.Reason,
		})
	}
	return t
}
