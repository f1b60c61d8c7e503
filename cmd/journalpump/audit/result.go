package audit

import "time"

// Verdict says whether a ledger adds up.
type Verdict string

// The verdicts.
const (
	AddsUp  Verdict = "adds up"
	SoFar   Verdict = "adds up so far" // what was vacuumed since cannot be counted any more
	Unknown Verdict = "unknown"
	Wrong   Verdict = "does not add up"
)

// Result is what came out for one sender.
type Result struct {
	Reader  string    `json:"reader"`
	Sender  string    `json:"sender"`
	Verdict Verdict   `json:"verdict"`
	Why     string    `json:"why"`
	Since   time.Time `json:"since"` // when the agent was at From
	From    string    `json:"from"`  // the cursor after which was counted; "" for the journal's beginning
	To      string    `json:"to"`    // the sender's position
	Ledger  Ledger    `json:"ledger"`
	Journal Journal   `json:"journal"`
}

// Ledger is what the agent has counted between From and To.
type Ledger struct {
	Read         int64 `json:"read"`
	Filtered     int64 `json:"filtered"`
	Accepted     int64 `json:"accepted"`
	Recalled     int64 `json:"recalled,omitempty"` // of those: what the flight recorder sent beside what was read
	DeadLettered int64 `json:"dead_lettered"`
	InFlight     int64 `json:"in_flight"` // after To
	Gaps         int64 `json:"gaps"`      // entries that were gone when it came to them
}

// Journal is what the journal has between From and To.
type Journal struct {
	Read     int64 `json:"read"`
	Filtered int64 `json:"filtered"`
	Sent     int64 `json:"sent"`    // to be accepted, or to become dead letters
	Missing  int64 `json:"missing"` // entries, at most, that are not in it any more
	Unsized  bool  `json:"unsized"` // and more, of which it is not known how many
}
