package pump

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// Recall asks for what a log holds before a place.
type Recall struct {
	Before Position // entries up to it, the one that its cursor names left out
	// Any says which entries are meant: those that have all the fields of one of these at least. None has no fields.
	Any   [][]Field
	Since time.Time // none that are older
	Limit int       // the newest so many
}

// A Recaller is a Log that can look back without reading everything in between.
type Recaller interface {
	// Recall returns the entries in the order of the log, in a chunk of its own: what it says beside its entries means
	// nothing. Its work is bounded by the limit, whatever the log's size. What cannot be read is left out, but where that is a
	// shortage (IsShortage) it fails: what there is to be found is not known. ErrNoRecall when it cannot look back. It may be
	// called concurrently with everything but Close.
	Recall(ctx context.Context, what Recall) (*Chunk, error)
}

// ErrNoRecall says that a log has no index to look back with: scanning is all that is left.
var ErrNoRecall = errors.New("this log has no index")

// EntryRef is an entry of a chunk.
type EntryRef struct {
	Chunk *Chunk
	Index int
}

// Bounds of looking back by scanning.
const (
	firstScan  = time.Second // how far back to begin
	scanGrowth = 8           // how much farther each time
	maxScan    = 1 << 18     // entries
)

// recall looks back, by the log's index if it has one.
func recall(ctx context.Context, log Log, what Recall) ([]EntryRef, error) {
	if r, ok := log.(Recaller); ok {
		c, err := r.Recall(ctx, what)
		if err == nil {
			found := make([]EntryRef, len(c.Entries))
			for i := range found {
				found[i] = EntryRef{c, i}
			}
			return found, nil
		}
		if !errors.Is(err, ErrNoRecall) {
			return nil, err
		}
	}
	return scanBack(ctx, log, what)
}

// scanBack reads what lies before the place, from farther and farther back, until enough is found, all that is wanted was
// read, or maxScan entries were.
func scanBack(ctx context.Context, log Log, what Recall) (found []EntryRef, err error) {
	at := time.UnixMicro(int64(what.Before.Realtime)) //nolint:gosec // 292,000 years
	most := at.Sub(what.Since)
	for span, left := min(firstScan, most), maxScan; ; span = min(span*scanGrowth, most) {
		next, read, err := scan(ctx, log, what, at.Add(-span), left)
		if err != nil || read > left {
			return found, err // rather too little than the wrong end of it
		}
		found, left = next, left-read
		if len(found) >= what.Limit || span >= most {
			return found, nil
		}
	}
}

// scan reads from a time up to the place. read is how many entries that were.
func scan(ctx context.Context, log Log, what Recall, from time.Time, most int) (found []EntryRef, read int, err error) {
	pos, err := log.Seek(ctx, Start{Kind: StartRealtime, Time: from})
	if err != nil {
		return nil, 0, err
	}
	it, err := log.Open(ctx, pos)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for read <= most {
		c, err := it.Next(ctx)
		if errors.Is(err, ErrNoMore) {
			break
		}
		if err != nil {
			return nil, read, err
		}
		for i := range c.Entries {
			if c.Entries[i].Position == what.Before.Cursor {
				return newest(found, what.Limit), read, nil
			}
			if read++; what.Wants(c, i) {
				found = append(found, EntryRef{c, i})
			}
		}
		found = newest(found, what.Limit)
	}
	return found, read, nil
}

// newest returns the last ones, at most limit.
func newest(found []EntryRef, limit int) []EntryRef {
	return slices.Delete(found, 0, max(0, len(found)-limit))
}

// SinceRealtime is Since in microseconds; 0 if it is before 1970.
func (r *Recall) SinceRealtime() uint64 { return uint64(max(0, r.Since.UnixMicro())) }

// IsBefore reports whether an entry comes before the place to look back from.
func (r *Recall) IsBefore(c *Cursor) bool {
	if r.Before.Parts&c.Parts&HasSeqnum != 0 && r.Before.SeqnumID == c.SeqnumID {
		return c.Seqnum < r.Before.Seqnum
	}
	return r.Before.Covers(c)
}

// Wants reports whether an entry is one of those that are meant, wherever in the log it is.
func (r *Recall) Wants(c *Chunk, i int) bool {
	if time.UnixMicro(int64(c.Entries[i].Position.Realtime)).Before(r.Since) { //nolint:gosec // 292,000 years
		return false
	}
	return slices.ContainsFunc(r.Any, func(all []Field) bool {
		for k := range all {
			if !c.has(i, &all[k]) {
				return false
			}
		}
		return len(all) > 0
	})
}

// has reports whether an entry has a field with that name and value.
func (c *Chunk) has(i int, want *Field) bool {
	return slices.ContainsFunc(c.Fields(i), func(r Ref) bool {
		f := c.Field(r)
		return f.Name == want.Name && bytes.Equal(f.Value, want.Value)
	})
}
