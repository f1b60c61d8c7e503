// Package status says how the pump is doing, for people and for monitoring, out of what its state file says and, where it can
// be asked, its journal.
package status

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"journalpump/pump"
)

// State is how a sender is doing, in a word or two.
type State string

// The states. All but OK and CatchingUp are trouble.
const (
	OK         State = "ok"
	CatchingUp State = "catching up" // behind, but it was sending not long ago
	Behind     State = "behind"      // by more than it may be, and it has not sent for as long
	Failing    State = "failing"     // the destination refuses, or cannot be reached
	Waiting    State = "waiting"     // the reader has nothing to read from
	Stopped    State = "stopped"     // nobody runs it
)

// Healthy reports whether a state is no trouble.
func (s State) Healthy() bool { return s == OK || s == CatchingUp }

// Report is how all senders are doing.
type Report struct {
	Healthy bool      `json:"healthy"`
	SavedAt time.Time `json:"saved_at"` // when the state was saved
	Senders []Sender  `json:"senders"`  // by reader and name
}

// Sender is how one sender is doing.
type Sender struct {
	Reader      string    `json:"reader"`
	Name        string    `json:"sender"`
	Type        string    `json:"type"`
	State       State     `json:"state"`
	Entries     int64     `json:"lag_entries"` // behind the end of the log, an estimate
	Seconds     *float64  `json:"lag_seconds"` // nil for a sender without a position: it has accepted nothing yet
	Sent        int64     `json:"sent"`        // accepted since the agent was started
	PerSecond   float64   `json:"rate"`        // on the average since then or, watched, since the last look
	LastSent    time.Time `json:"last_sent"`
	DeadLetters int64     `json:"dead_letters"`
	Gaps        int64     `json:"gaps"`
	GapEntries  int64     `json:"gap_entries"`
	Recalled    int64     `json:"recalled"` // records that its flight recorder has added, ever
	Stalls      int64     `json:"stalls"`
	LossIn      *float64  `json:"loss_in_seconds"` // until the journal's oldest file with entries it lacks goes, if that is known
	Problem     string    `json:"problem"`         // in plain words, "" if there is none
}

// Limits say what trouble is.
type Limits struct {
	MaxLag time.Duration // how far behind a sender may be that has not sent for as long
}

// New makes a report of a state that was saved at savedAt.
func New(s pump.Snapshot, savedAt, now time.Time, limits Limits) *Report {
	r := &Report{Healthy: true, SavedAt: savedAt, Senders: []Sender{}}
	for _, reader := range slices.Sorted(maps.Keys(s.Readers)) {
		in := s.Readers[reader]
		for _, name := range slices.Sorted(maps.Keys(in.Senders)) {
			from := in.Senders[name]
			sender := describe(&in, &from, now, limits)
			sender.Reader, sender.Name = reader, name
			if ran := savedAt.Sub(s.StartTime).Seconds(); ran > 0 && !s.StartTime.IsZero() {
				sender.PerSecond = float64(sender.Sent) / ran
			}
			r.Healthy = r.Healthy && sender.State.Healthy()
			r.Senders = append(r.Senders, sender)
		}
	}
	return r
}

func describe(r *pump.ReaderSnapshot, s *pump.SenderSnapshot, now time.Time, limits Limits) Sender {
	out := Sender{
		Type:        s.Type,
		Entries:     s.Lag.Entries,
		Sent:        s.SentRecords,
		LastSent:    s.LastSent,
		DeadLetters: s.Ledger.DeadLettered,
		Gaps:        s.Gaps.Count,
		GapEntries:  s.Gaps.Entries,
		Recalled:    s.Ledger.Recalled,
		Stalls:      s.Stalls + r.Stalls,
	}
	if !s.Position.IsZero() {
		behind := s.Lag.Age.Seconds()
		out.Seconds = &behind
	}
	if s.Loss.Known {
		in := s.Loss.In.Seconds()
		out.LossIn = &in
	}
	idle := s.LastSent.IsZero() || now.Sub(s.LastSent) > limits.MaxLag
	switch {
	case s.Health == pump.Stopped || s.Health == pump.Stale:
		out.State = Stopped
		out.Problem = cmp.Or(s.LastError, "the agent was stopped")
	case s.Health == pump.Disconnected && s.LastError != "":
		out.State, out.Problem = Failing, s.LastError
	case r.Waiting != "":
		out.State, out.Problem = Waiting, r.Waiting
	case s.Lag.Entries > 0 && s.Lag.Age > limits.MaxLag && idle:
		out.State, out.Problem = Behind, "entries are waiting and nothing is being sent: does the agent run?"
	case s.Lag.Entries > 0 && s.Lag.Age > limits.MaxLag:
		out.State = CatchingUp
	default:
		out.State = OK
	}
	return out
}

// Since replaces the rates by those since an earlier report.
func (r *Report) Since(before *Report) {
	took := r.SavedAt.Sub(before.SavedAt).Seconds()
	for i := range r.Senders {
		s := &r.Senders[i]
		was := slices.IndexFunc(before.Senders, func(b Sender) bool { return b.Reader == s.Reader && b.Name == s.Name })
		switch {
		case was < 0 || before.Senders[was].Sent > s.Sent: // it is new, or was started anew
		case took <= 0:
			s.PerSecond = before.Senders[was].PerSecond
		default:
			s.PerSecond = float64(s.Sent-before.Senders[was].Sent) / took
		}
	}
}
