package pump

import "time"

// Snapshot is all that the engine wants to find again after a restart, and what people want to see of it meanwhile.
type Snapshot struct {
	StartTime time.Time
	Readers   map[string]ReaderSnapshot
}

// ReaderSnapshot is the state of one reader.
type ReaderSnapshot struct {
	Position  Position         // the observer's
	Searches  map[string]int64 // hits since start
	Lines     int64            // since start
	Bytes     int64            // since start
	Gaps      GapTotals
	Corrupted int64 // entries passed over as unreadable, since start
	Stalls    int64 // how often it was opened anew because the log had gone on without it, since start
	Spooled   Spooled
	Waiting   string // why there is nothing to read yet, "" when there is
	Senders   map[string]SenderSnapshot
}

// SenderSnapshot is the state of one sender and its lane.
type SenderSnapshot struct {
	Type     string   // the sender's type as the original names it, e.g. "FileSender"
	Position Position // everything up to here is accepted, filtered or a dead letter
	// Started is false while the lane has no position of its own yet: a zero Position then does not mean the head.
	Started bool
	First   Position // the first entry there was, as long as Position is zero
	Ledger  Ledger
	Gaps    GapTotals
	// Recorder is what the flight recorder knows at the position.
	Recorder RecorderState
	Sees     string // SenderSpec.Sees, with which it was counted since the first of the marks
	Marks    []Mark // where the ledger can be held against the log, oldest first

	Read          Position  // of the last record handed to the sender's batches
	ReadEntries   int64     // records handed to batches since start
	ReadBytes     int64     // and their bytes
	Queued        int64     // records of batches that are not accepted
	SentRecords   int64     // accepted since start
	SentBytes     int64     // and their bytes
	Health        Health    // see there
	HealthSince   time.Time // when Health last changed
	LastSent      time.Time // when a batch was last accepted; zero if none was
	LastError     string    // "" when there was none
	LastErrorTime time.Time
	Stalls        int64    // how often it was started over because it did nothing with what it had, since start
	Errors        []string // different errors since it was last connected, at most 8
	Lag           Lag
	Loss          Loss // of the first entry that it lacks
}

// Ledger accounts for every entry a lane has read. Read + Recalled = Filtered + Accepted + DeadLettered + InFlight at all times.
// It survives restarts: what was in flight is then read again.
type Ledger struct {
	Read         int64
	Recalled     int64 // sent beside that: what was filtered at first, and the flight recorder's own
	Filtered     int64
	Accepted     int64
	DeadLettered int64
	InFlight     int64
}

// GapTotals sums up the gaps that were passed.
type GapTotals struct {
	Count   int64 // gaps
	Entries int64 // entries in those of known size
	Last    []Gap // the newest few, oldest first
}

// Health is what a sender is doing, in the original's words.
type Health string

// The states of a sender. The original's statsd gauge journal.status maps them to 3, 2, 2 and 0.
const (
	Connected    Health = "connected"
	Disconnected Health = "disconnected"
	Stale        Health = "stale"
	Stopped      Health = "stopped"
)
