package web

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"journalpump/cmd/journalpump/status"
	"journalpump/pump"
)

// So much is kept to be shown: a quarter of an hour.
const (
	pointEvery = 5 * time.Second
	keepPoints = 15 * 60 / 5
)

// point is how a sender was doing at a time. It becomes [Unix milliseconds, entries behind, seconds behind, entries/s],
// with null for what is not known.
type point struct {
	n       int // counts the times at which points were taken, from 1
	at      time.Time
	known   bool // whether it was known how far it was behind
	entries int64
	seconds *float64 // nil before it has a position
	rate    float64
}

// MarshalJSON implements json.Marshaler.
func (p point) MarshalJSON() ([]byte, error) {
	out := [4]any{p.at.UnixMilli(), nil, nil, tenths(p.rate)}
	if p.known {
		out[1] = p.entries
	}
	if p.known && p.seconds != nil {
		out[2] = tenths(*p.seconds)
	}
	return json.Marshal(out)
}

func tenths(f float64) float64 { return math.Round(f*10) / 10 }

// history is the last points of all senders there are. It is not safe for concurrent use.
type history struct {
	n       int // of the last point
	senders map[senderKey][]point
	last    *status.Report // at the last point
	before  *status.Report // at the one before it
}

type senderKey struct{ reader, name string }

// add takes a point for each sender of the report, and forgets senders that are gone.
func (h *history) add(r *status.Report, of pump.Snapshot) {
	h.n++
	next := make(map[senderKey][]point, len(r.Senders))
	for i := range r.Senders {
		s := &r.Senders[i]
		key := senderKey{s.Reader, s.Name}
		points := h.senders[key]
		if len(points) >= keepPoints {
			points = slices.Delete(points, 0, len(points)-keepPoints+1)
		}
		from := of.Readers[s.Reader].Senders[s.Name]
		next[key] = append(points, point{h.n, r.SavedAt, lagKnown(&from), s.Entries, s.Seconds, s.PerSecond})
	}
	h.senders = next
	h.before, h.last = h.last, r
}

// since returns the points of a sender after the nth.
func (h *history) since(n int, key senderKey) []point {
	points := h.senders[key]
	i := len(points)
	for i > 0 && points[i-1].n > n {
		i--
	}
	return append(make([]point, 0, len(points)-i), points[i:]...) // others are added while these are written
}

// rates gives the report the rates since the last point or, when that was just now, since the one before it.
func (h *history) rates(r *status.Report) {
	switch {
	case h.last != nil && (h.before == nil || r.SavedAt.Sub(h.last.SavedAt) > pointEvery/2):
		r.Since(h.last)
	case h.before != nil:
		r.Since(h.before)
	}
}
