package pump

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// ErrNoMore is returned by Iterator.Next when the log holds nothing after the iterator's position now. More may come.
var ErrNoMore = errors.New("no more entries for now")

// ErrNotYet is returned by Log.Seek and Log.Open while the log does not exist yet (no journal directory, no file in
// it). The engine waits and tries again. An error that wraps fs.ErrPermission too says that there is one, which may not be read.
var ErrNotYet = errors.New("not available yet")

// IsShortage reports whether an error of a log is for want of descriptors or memory: it says nothing of what the log has, which may be
// had later.
func IsShortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// A Log is an ordered, durable sequence of entries that can be read any number of times from any position.
// Its methods may be called concurrently.
type Log interface {
	// Seek turns a place where reading may start into a position. It does not wait for entries; ErrNotYet when
	// there is no log yet.
	Seek(ctx context.Context, start Start) (Position, error)
	// Open returns an iterator over what lies after the position. If the entry that the position names is gone, it
	// starts at the next one that survived and reports the gap with the first chunk. ErrNotYet when there is no log yet.
	Open(ctx context.Context, after Position) (Iterator, error)
	// Close frees what the log holds. All iterators must have been closed.
	Close() error
}

// An Iterator walks along a log. It is used by one goroutine at a time.
type Iterator interface {
	// Next returns the next chunk, or ErrNoMore at the end of the log. It does not wait for new entries. What cannot
	// be read is passed over and counted in the chunk (Corrupted, Gaps), which may then hold nothing else. Any other error is the log's as a whole; the
	// iterator is then useless and must be closed.
	Next(ctx context.Context) (*Chunk, error)
	// Wait returns nil once Next may have something new (it may be mistaken), or the context's error.
	Wait(ctx context.Context) error
	// Close frees what the iterator holds.
	Close() error
}

// A Meter is a Log that can tell how far behind a position is. It reads headers only, no entries.
type Meter interface {
	Lag(ctx context.Context, pos Position) (Lag, error)
}

// Lag is how far a position is behind the end of a log; an estimate.
type Lag struct {
	Entries int64         // entries after the position
	Age     time.Duration // between the position's entry and the log's last one
	Tail    Position      // the log's last entry
}

// StartKind says where reading starts.
type StartKind uint8

// Where reading starts.
const (
	StartHead     StartKind = iota // before the first entry
	StartTail                      // after the last entry there is now
	StartBoot                      // Offset after this boot began
	StartRealtime                  // at Time
)

// Start is a place in a log that is not tied to an entry.
type Start struct {
	Kind   StartKind
	Offset time.Duration // for StartBoot
	Time   time.Time     // for StartRealtime
}
