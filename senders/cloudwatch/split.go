package cloudwatch

import (
	"cmp"
	"slices"
	"time"

	"journalpump/pump"
)

// The limits of PutLogEvents, see its page in the API reference. The bytes of a request are those of its messages and
// eventOverhead for each.
const (
	maxEvents     = 10000
	maxBytes      = 1 << 20
	eventOverhead = 26
	maxEvent      = maxBytes - eventOverhead
	maxSpan       = 24 * time.Hour
)

// event is a record of the batch.
type event struct {
	index int    // in the batch
	at    int64  // milliseconds since 1970
	to    string // the stream that its route leads to; "" is the sender's own
}

// inOrder appends the records that can be an event to events, by the streams they go to and in the order of their times.
func inOrder(events []event, records []pump.Record) []event {
	sorted, routed := true, false
	for i := range records {
		if len(records[i].Body) > maxEvent {
			continue
		}
		e := event{index: i, at: records[i].Time().UnixMilli(), to: records[i].To()}
		routed = routed || e.to != ""
		if n := len(events); n > 0 && events[n-1].at > e.at {
			sorted = false // the clock was set back, or journals of several machines are read
		}
		events = append(events, e)
	}
	if !sorted {
		slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	}
	if routed {
		slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.to, b.to) })
	}
	return events
}

// fit returns how many of the events, at least one, go into one request.
func fit(events []event, records []pump.Record) int {
	bytes := 0
	for n, e := range events {
		bytes += len(records[e.index].Body) + eventOverhead
		if n == maxEvents || e.to != events[0].to || n > 0 && (bytes > maxBytes || e.at-events[0].at >= maxSpan.Milliseconds()) {
			return n
		}
	}
	return len(events)
}
