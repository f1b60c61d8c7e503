package guard

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"journalpump/pump"
)

// Bounds of looking back in the spool.
const (
	maxRecallEntries = 1 << 18  // that are read
	maxRecallBytes   = 16 << 20 // about, of those that are found
)

// Recall implements pump.Recaller. What the journal has no more is looked for in the spool, which has no index: its records are read,
// from the newest on.
func (l *Log) Recall(ctx context.Context, what pump.Recall) (*pump.Chunk, error) {
	r, ok := l.Log.(pump.Recaller)
	if !ok {
		return nil, pump.ErrNoRecall
	}
	c, err := r.Recall(ctx, what)
	if err != nil || l.store == nil {
		return c, err
	}
	s := spoolRecall{log: l, what: &what, since: what.SinceRealtime(), there: make(map[pump.Cursor]bool, len(c.Entries))}
	for i := range c.Entries {
		s.there[c.Entries[i].Position] = true
	}
	if n := len(c.Entries); n > 0 && n >= what.Limit { // what is older is not wanted
		s.since = max(s.since, c.Entries[0].Position.Realtime)
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return s.merge(c), nil
}

// spoolRecall looks back in the spool for what the journal did not have.
type spoolRecall struct {
	log   *Log
	what  *pump.Recall
	since uint64
	there map[pump.Cursor]bool // what the journal has
	dec   decoder
	found []spooledEntry // newest first
	bytes int
}

// spooledEntry is an entry that was found in the spool.
type spooledEntry struct {
	position pump.Cursor
	fields   []pump.Field
}

// run reads records until enough is found. One that cannot be read is left out.
func (s *spoolRecall) run(ctx context.Context) error {
	defer s.dec.close()
	read := 0
	for _, r := range s.log.store.newestFirst() {
		if len(s.found) >= s.what.Limit || read >= maxRecallEntries || s.bytes >= maxRecallBytes {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.to.Parts&pump.HasRealtime != 0 && r.to.Realtime < s.since || !s.reaches(&r.place) {
			continue
		}
		read += int(min(r.place.entries, maxRecallEntries))
		c, err := s.log.store.chunk(&r, r.from, &s.dec)
		switch {
		case pump.IsShortage(err):
			return fmt.Errorf("reading the spool: %w", err)
		case err != nil:
			s.log.log.Debug("what was kept in the spool cannot be read to look back", "error", err)
			continue
		}
		s.look(c)
	}
	return nil
}

// reaches reports whether a record may have entries before the place to look back from.
func (s *spoolRecall) reaches(p *place) bool {
	return len(p.spans) == 0 || slices.ContainsFunc(p.spans, func(span span) bool {
		first := pump.Cursor{SeqnumID: span.id, Seqnum: span.first, Realtime: p.from.Realtime, Parts: pump.HasSeqnum | p.from.Parts&pump.HasRealtime}
		return s.what.IsBefore(&first)
	})
}

// look takes what is wanted out of a record.
func (s *spoolRecall) look(c *pump.Chunk) {
	for i := len(c.Entries) - 1; i >= 0 && len(s.found) < s.what.Limit && s.bytes < maxRecallBytes; i-- {
		at := &c.Entries[i].Position
		if at.Realtime < s.since || !s.what.IsBefore(at) || s.there[*at] || !s.what.Wants(c, i) {
			continue
		}
		e := spooledEntry{position: *at}
		for _, ref := range c.Fields(i) {
			f := c.Field(ref)
			e.fields = append(e.fields, pump.Field{Name: f.Name, Value: bytes.Clone(f.Value)}) // not to hold on to the whole record
			s.bytes += len(f.Name) + len(f.Value)
		}
		s.found = append(s.found, e)
	}
}

// merge returns what was found in the order of the log, with what the journal has.
func (s *spoolRecall) merge(c *pump.Chunk) *pump.Chunk {
	if len(s.found) == 0 {
		return c
	}
	out := &pump.Chunk{Refs: c.Refs, Own: c.Own, Dict: c.Dict, Bytes: c.Bytes + s.bytes}
	rest := c.Entries
	for k := range slices.Backward(s.found) {
		e := &s.found[k]
		n := 0
		for n < len(rest) && compare(&rest[n].Position, &e.position) < 0 {
			n++
		}
		out.Entries = append(out.Entries, rest[:n]...)
		rest = rest[n:]
		first := len(out.Refs)
		for _, f := range e.fields {
			out.Refs = append(out.Refs, pump.OwnRef(len(out.Own)))
			out.Own = append(out.Own, f)
		}
		out.Entries = append(out.Entries, pump.Entry{Position: e.position, First: uint32(first), Last: uint32(len(out.Refs))}) //nolint:gosec // see maxRecallBytes
	}
	out.Entries = append(out.Entries, rest...)
	out.Entries = out.Entries[max(0, len(out.Entries)-s.what.Limit):]
	return out
}

// compare compares the places of two entries.
func compare(a, b *pump.Cursor) int {
	shared := a.Parts & b.Parts
	switch {
	case shared&pump.HasSeqnum != 0 && a.SeqnumID == b.SeqnumID:
		return cmp.Compare(a.Seqnum, b.Seqnum)
	case shared&pump.HasMonotonic != 0 && a.BootID == b.BootID:
		return cmp.Compare(a.Monotonic, b.Monotonic)
	}
	return cmp.Compare(a.Realtime, b.Realtime)
}
