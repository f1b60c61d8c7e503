package pump

import (
	"sort"
	"time"
)

// A View is what one sender sees of the entries: which of them, which fields, redacted and encoded how.
// Senders with the same settings share one, and so its work. It is pure and may be used concurrently.
type View interface {
	// Render returns the records for the chunk's entries, in order. It works once a chunk (Chunk.Memo).
	Render(c *Chunk) *Rendered
}

// Rendered is what a view made of a chunk. It is immutable and shared.
type Rendered struct {
	Records []Record // of the entries that passed; Index never falls
	Bytes   int      // of all bodies together
}

// Find returns the index of the first record that is of entry i or of a later one, and whether it is of i itself.
func (r *Rendered) Find(i int) (at int, ok bool) {
	at = sort.Search(len(r.Records), func(k int) bool { return r.Records[k].Index >= i })
	return at, at < len(r.Records) && r.Records[at].Index == i
}

// recordsOf returns where the records of entry i begin and end; the end is the beginning if it has none.
func (r *Rendered) recordsOf(i int) (at, end int) {
	at, ok := r.Find(i)
	for end = at; ok && end < len(r.Records) && r.Records[end].Index == i; {
		end++
	}
	return at, end
}

// Of returns the records of entry i: none if it is not shown, with routes several.
func (r *Rendered) Of(i int) []Record {
	at, end := r.recordsOf(i)
	return r.Records[at:end]
}

// An Inspector is the reader's own look at a chunk: what is counted once, however many senders there are.
type Inspector interface {
	// Inspect is pure and may be used concurrently with the views, whose work it shares.
	Inspect(c *Chunk) Inspection
}

// Inspection is what an Inspector found in a chunk.
type Inspection struct {
	Lines         int64 // entries that at least one sender gets; of a reader without senders, all that match
	Bytes         int64 // the sum of their largest encodings
	Hits          []SearchHit
	SecretMatches int64 // messages that the secret filters changed
	TooLong       int64 // entries over the size limit, whose JSON was cut
	Slow          []SlowSearch
}

// SearchHit counts the entries that a search matched with the same tags.
type SearchHit struct {
	Search string
	Tags   map[string]string // sanitised for statsd, the reader's own tags left out
	Count  int64
}

// SlowSearch is a search that took longer than the reader's threshold_for_metric_emit.
type SlowSearch struct {
	Pattern string
	Took    time.Duration
}
