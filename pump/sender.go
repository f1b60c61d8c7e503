package pump

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Sender delivers batches to one destination. The engine calls its methods from one goroutine at a time.
type Sender interface {
	// Send returns nil only once the destination has accepted the whole batch (for a Committer: has taken it; Commit
	// then makes it accepted). It neither retries nor buffers, ends soon after its context, and must not keep the
	// batch or anything in it. Its error says what to do: see Permanent, RetryAfter, PartialError and ErrTooLarge;
	// anything else is taken for transient and the batch is sent again.
	Send(ctx context.Context, b Batch) error
	// Close frees what the sender holds and gives up on what was not accepted.
	Close() error
}

// A Committer is a Sender whose Send only hands over: what was sent counts as accepted when Commit has returned nil.
// When Commit or a later Send fails, the engine goes back to the position of the last commit and sends again from
// there; the sender then first undoes what was sent and not committed, if its destination allows that.
type Committer interface {
	Commit(ctx context.Context) error
}

// A Reopener is a Sender that can let go of what it has open and open it anew (SIGHUP, log rotation).
type Reopener interface {
	Reopen(ctx context.Context) error
}

// DeadLetters keeps the records that a destination refuses for good.
type DeadLetters interface {
	// Bury returns nil once the letters would survive a power failure; after an error none was kept. What was kept before
	// a crash may be buried again after it. Several lanes may call it at once.
	Bury(letters []DeadLetter) error
}

// DeadLetter is a record that was refused for good.
type DeadLetter struct {
	Record Record
	Reason error     // the destination's
	Time   time.Time // when it was refused
}

// Record is an entry as one sender sees it. With routes an entry may have several, one after the other.
type Record struct {
	Body  []byte // as the sender's view encoded it; shared and immutable
	Chunk *Chunk // where the entry is from
	Index int    // which entry of the chunk it is
	Route *Route // which way it goes; nil where the sender has no routes
}

// Route is one of several ways that a sender's entries go, each to a place and in a form of its own. It is immutable.
type Route struct {
	Name string
	To   string // a topic, index or the like, as the sender's kind has it; "" is the sender's own
	// Mark is a part of the IDs of the route's records, so that an entry's records can be told apart. It is at most MaxMark
	// long, of letters, digits and . _ -; "" where the sender has but one route.
	Mark string
}

// MaxMark is how long a route's mark may be, in bytes.
const MaxMark = 40

// MaxID is how long what AppendID appends is at most, in bytes.
const MaxID = 32 + 1 + 16 + 1 + 16 + 1 + MaxMark

// To returns where the record goes instead of the sender's own place; "" if it doesn't.
func (r *Record) To() string {
	if r.Route == nil {
		return ""
	}
	return r.Route.To
}

// Position returns the entry's position.
func (r *Record) Position() Position { return Position{Cursor: r.Chunk.Entries[r.Index].Position} }

// Time returns the entry's own time.
func (r *Record) Time() time.Time {
	return time.UnixMicro(int64(r.Chunk.Entries[r.Index].Position.Realtime)) //nolint:gosec // 292,000 years
}

// Lookup returns the value of a field of the whole entry (before redaction and field filter), see Chunk.Lookup.
func (r *Record) Lookup(name string) ([]byte, bool) { return r.Chunk.Lookup(r.Index, name) }

// AppendID appends an ID that is the record's own for ever, so that a destination can recognise a record it already has:
// the sequence's ID, the number in it and the time, and the route's mark. The time is in it because a journal that is restored from
// a snapshot goes on with numbers that other entries have had.
func (r *Record) AppendID(b []byte) []byte {
	p := &r.Chunk.Entries[r.Index].Position
	b = append(b, p.SeqnumID.String()...)
	b = append(b, '-')
	b = strconv.AppendUint(b, p.Seqnum, 16)
	b = append(b, '-')
	b = strconv.AppendUint(b, p.Realtime, 16)
	if r.Route != nil && r.Route.Mark != "" {
		b = append(b, '-')
		b = append(b, r.Route.Mark...)
	}
	return b
}

// sameEntry reports whether both records are of one entry.
func (r *Record) sameEntry(other *Record) bool {
	return r.Chunk == other.Chunk && r.Index == other.Index
}

// entriesOf counts the entries that the records, in the order of the log, are of.
func entriesOf(records []Record) int64 {
	if len(records) == 0 || records[0].Route == nil { // each is of its own
		return int64(len(records))
	}
	n := int64(0)
	for i := range records {
		if i == 0 || !records[i].sameEntry(&records[i-1]) {
			n++
		}
	}
	return n
}

// Batch is what one call of Send gets: records in the order of the log, at least one.
type Batch struct {
	Records []Record
	Bytes   int // of all bodies together
}

// ErrTooLarge says that the destination refuses a batch for its size. The engine sends it in two halves; a single
// record that is too large becomes a dead letter.
var ErrTooLarge = errors.New("too large for the destination")

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that sending the same batch again cannot mend: its records become dead letters. Returned by
// an Open it says that trying again is useless until the configuration has changed.
func Permanent(err error) error { return &permanentError{err} }

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type retryAfterError struct {
	err   error
	after time.Duration
}

func (e *retryAfterError) Error() string { return e.err.Error() }
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter marks err as transient and says how long the destination wants to be left alone.
func RetryAfter(err error, after time.Duration) error { return &retryAfterError{err, after} }

// RetryDelay returns how long the destination wants to be left alone, as RetryAfter said; 0 when it did not.
func RetryDelay(err error) time.Duration {
	if r, ok := errors.AsType[*retryAfterError](err); ok {
		return r.after
	}
	return 0
}

// PartialError says that some records of a batch were not accepted; all others were. Records whose error is
// Permanent become dead letters, the rest is sent again, alone.
type PartialError struct {
	Errs map[int]error // by index in Batch.Records
}

func (e *PartialError) Error() string {
	for _, err := range e.Errs {
		return fmt.Sprintf("%d records of the batch were refused, one of them with: %v", len(e.Errs), err)
	}
	return "some records of the batch were refused"
}
