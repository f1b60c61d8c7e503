package pump

import (
	"context"
	"time"
)

// ReaderSpec is a configured reader.
type ReaderSpec struct {
	Name        string
	Fingerprint string // equal settings have equal fingerprints; what changes on reload is restarted
	Open        func(ctx context.Context) (Log, error)
	Initial     Start // where a lane without a position starts
	Inspector   Inspector
	Searches    []string          // names, so that those without a hit are shown too
	Tags        map[string]string // of every metric of the reader and its senders
	CountSecret bool              // secret_filter_metrics
	Senders     []SenderSpec
}

// SenderSpec is a configured sender.
type SenderSpec struct {
	Name        string
	Type        string // the original's class name, for the state file
	Fingerprint string
	Sees        string // likewise, of all that decides which entries there are for it and which of them it gets
	// Open connects. The engine calls it until it succeeds, unless its error is Permanent. Its context lasts as long as
	// the call, SendLimit at most.
	Open        func(ctx context.Context) (Sender, error)
	View        View
	Recorder    Recorder // nil: there is no flight recorder
	Limits      BatchLimits
	DeadLetters DeadLetters   // nil: they are only counted
	CommitEvery time.Duration // for a Committer: the most time between Send and Commit; 0: after every batch
	SendLimit   time.Duration // how long a call of the sender may take; at least a minute, whatever it says
}

// BatchLimits says when a batch is complete.
type BatchLimits struct {
	Records int           // at most so many
	Bytes   int           // at most so many, unless a single record is larger
	Age     time.Duration // sent when its first record has waited so long (max_send_interval)
}

// Metrics takes the engine's measurements; names and tags are the original's. Implementations must not block and may
// be called concurrently.
type Metrics interface {
	Count(name string, n int64, tags map[string]string)
	Gauge(name string, value float64, tags map[string]string)
}
