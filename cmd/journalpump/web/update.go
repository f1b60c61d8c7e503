package web

import (
	"maps"
	"slices"
	"time"

	"journalpump/cmd/journalpump/status"
	"journalpump/pump"
)

// update is what the page shows, and what it is sent as an event.
type update struct {
	Host    string       `json:"host"`
	Version string       `json:"version"`
	Full    bool         `json:"full"` // the points are all there are, else they are added
	Now     time.Time    `json:"now"`
	Started time.Time    `json:"started"`
	Healthy bool         `json:"healthy"`
	Notices []string     `json:"notices"` // what is wrong with the agent itself, in plain words
	Readers []readerView `json:"readers"` // by name
	Senders []senderView `json:"senders"` // by reader and name
}

type readerView struct {
	Name       string  `json:"reader"`
	Waiting    string  `json:"waiting"` // what for; "" when it reads
	Entries    int64   `json:"entries"` // read since start
	Bytes      int64   `json:"bytes"`
	Corrupted  int64   `json:"corrupted"`
	Restarts   int64   `json:"restarts"`
	Spooled    int64   `json:"spooled_bytes"`
	Gaps       int64   `json:"gaps"`
	GapEntries int64   `json:"gap_entries"`
	LastGaps   []gap   `json:"last_gaps"` // the newest first
	Hits       []count `json:"searches"`
}

type gap struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Entries uint64    `json:"entries"` // 0 where it is not known
	Reason  string    `json:"reason"`
}

type count struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

type senderView struct {
	status.Sender
	LagKnown      bool       `json:"lag_known"`
	Filtered      int64      `json:"filtered"` // since start
	InFlight      int64      `json:"in_flight"`
	Hint          string     `json:"hint"`       // what Problem may come from, "" if that is not known
	LastError     string     `json:"last_error"` // also one that is over
	LastErrorTime *time.Time `json:"last_error_time"`
	Points        []point    `json:"points"`
}

const shownGaps = 5

func newUpdate(s pump.Snapshot, r *status.Report, v *vital) *update {
	u := &update{
		Now: r.SavedAt, Started: s.StartTime, Healthy: r.Healthy && len(v.notices()) == 0,
		Notices: v.notices(), Readers: []readerView{}, Senders: []senderView{},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Readers)) {
		u.Readers = append(u.Readers, viewReader(name, s.Readers[name]))
	}
	for _, sender := range r.Senders {
		from := s.Readers[sender.Reader].Senders[sender.Name]
		view := senderView{
			Sender:   sender,
			LagKnown: lagKnown(&from),
			Filtered: from.Ledger.Filtered, InFlight: from.Ledger.InFlight,
			LastError: from.LastError,
			Hint:      status.Hint(sender.Problem),
		}
		if !from.LastErrorTime.IsZero() {
			view.LastErrorTime = &from.LastErrorTime
		}
		u.Senders = append(u.Senders, view)
	}
	return u
}

func viewReader(name string, r pump.ReaderSnapshot) readerView {
	v := readerView{
		Name: name, Waiting: r.Waiting, Entries: r.Lines, Bytes: r.Bytes, Corrupted: r.Corrupted, Restarts: r.Stalls,
		Spooled: r.Spooled.Bytes, Gaps: r.Gaps.Count, GapEntries: r.Gaps.Entries, LastGaps: []gap{}, Hits: []count{},
	}
	for _, g := range slices.Backward(r.Gaps.Last) {
		if len(v.LastGaps) < shownGaps {
			v.LastGaps = append(v.LastGaps, gap{realtime(g.From), realtime(g.To), g.Count, g.Reason})
		}
	}
	for _, search := range slices.Sorted(maps.Keys(r.Searches)) {
		v.Hits = append(v.Hits, count{search, r.Searches[search]})
	}
	return v
}

func realtime(micros uint64) time.Time {
	return time.UnixMicro(int64(min(micros, 1<<57))).UTC() // JSON has no year above 9999
}

// lagKnown reports whether the log could say where it ends.
func lagKnown(s *pump.SenderSnapshot) bool { return !s.Lag.Tail.IsZero() }
