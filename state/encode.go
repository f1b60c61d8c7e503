package state

import (
	"cmp"
	"time"

	"journalpump/pump"
)

// newDocument returns what the file says about s when it is saved at now. With a zero now it leaves out what changes
// by the mere passing of time.
func newDocument(s pump.Snapshot, now time.Time) *document {
	d := &document{
		Format:    formatVersion,
		Readers:   make(map[string]*readerDoc, len(s.Readers)),
		SavedAt:   stamp(now),
		StartTime: pythonTime(s.StartTime),
	}
	for name, r := range s.Readers {
		d.Readers[name] = newReaderDoc(r, now)
	}
	return d
}

func newReaderDoc(r pump.ReaderSnapshot, now time.Time) *readerDoc {
	d := &readerDoc{
		Corrupted:  r.Corrupted,
		Cursor:     cursor(r.Position),
		Gaps:       newGapsDoc(r.Gaps),
		Searches:   r.Searches,
		Senders:    make(map[string]*senderDoc, len(r.Senders)),
		Sequences:  newSequences(r.Position),
		Spooled:    spooledDoc(r.Spooled),
		Stalls:     r.Stalls,
		TotalBytes: r.Bytes,
		TotalLines: r.Lines,
	}
	if d.Searches == nil {
		d.Searches = map[string]int64{}
	}
	if r.Waiting != "" {
		d.Waiting = &r.Waiting
	}
	for name, s := range r.Senders {
		d.Senders[name] = newSenderDoc(s, now)
	}
	return d
}

func newSenderDoc(s pump.SenderSnapshot, now time.Time) *senderDoc {
	d := &senderDoc{
		Buffer: bufferDoc{
			CurrentQueue: s.Queued, Cursor: cursor(s.Read), EntryNum: s.ReadEntries, TotalSize: s.ReadBytes,
		},
		DeadLetters: s.Ledger.DeadLettered,
		First:       cursor(s.First),
		Gaps:        newGapsDoc(s.Gaps),
		Health:      healthDoc{Errors: s.Errors, Since: stamp(s.HealthSince), Status: string(cmp.Or(s.Health, pump.Stopped))},
		Lag:         lagDoc{Entries: s.Lag.Entries, Seconds: s.Lag.Age.Seconds(), Tail: cursor(s.Lag.Tail)},
		LastSent:    stamp(s.LastSent),
		Ledger:      newLedgerDoc(s.Ledger),
		Recorder:    newRecorderDoc(s.Recorder),
		Marks:       newMarkDocs(s.Marks),
		Sees:        s.Sees,
		Sent: sentDoc{
			Bytes: s.SentBytes, Count: s.SentRecords, Cursor: cursor(s.Position), Sequences: newSequences(s.Position),
		},
		Stalls:  s.Stalls,
		Started: &s.Started,
		Type:    s.Type,
	}
	if d.Health.Errors == nil {
		d.Health.Errors = []string{}
	}
	if !now.IsZero() && !s.HealthSince.IsZero() {
		d.Health.Elapsed = max(0, now.Sub(s.HealthSince).Seconds()) // a clock may be set back
	}
	if s.Loss.Known {
		d.Vacuum = &vacuumDoc{}
		if !now.IsZero() { // it changes by the mere passing of time
			d.Vacuum.Seconds = s.Loss.In.Seconds()
		}
	}
	if s.LastError != "" {
		d.LastError = &lastErrorDoc{Text: s.LastError, Time: stamp(s.LastErrorTime)}
	}
	return d
}

func newMarkDocs(marks []pump.Mark) []markDoc {
	docs := make([]markDoc, len(marks))
	for i := range marks {
		m := &marks[i]
		docs[i] = markDoc{
			Cursor: cursor(m.Position), First: cursor(m.First), Gaps: m.Gaps, Ledger: newLedgerDoc(m.Ledger),
			Sequences: newSequences(m.Position), Time: stamp(m.Time),
		}
	}
	return docs
}

func newGapsDoc(g pump.GapTotals) gapsDoc {
	d := gapsDoc{Count: g.Count, Entries: g.Entries, Last: make([]gapDoc, len(g.Last))}
	for i, gap := range g.Last {
		d.Last[i] = gapDoc{
			Count: gap.Count, First: gap.First, From: gap.From, Last: gap.Last, Reason: gap.Reason,
			SeqnumID: id128(gap.SeqnumID), To: gap.To,
		}
	}
	return d
}

func newLedgerDoc(l pump.Ledger) ledgerDoc {
	return ledgerDoc{
		Accepted: l.Accepted, DeadLettered: l.DeadLettered, Filtered: l.Filtered, InFlight: l.InFlight, Read: l.Read, Recalled: l.Recalled,
	}
}
