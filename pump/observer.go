package pump

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"journalpump/internal/backoff"
)

// patience is how long the observer leaves reading to the lanes before it reads by itself.
const patience = 500 * time.Millisecond

// observer is the reader's own lane. It sees every chunk once, whatever the number of senders: it counts lines and bytes,
// searches' hits and secrets. While a lane is at its position it looks at the chunks that the lane fetched; when they all
// lag, it reads by itself.
type observer struct {
	metrics Metrics
	log     *slog.Logger
	tags    map[string]string
	initial Start
	secrets bool
	work    activity

	mu        sync.Mutex
	inspector Inspector
	pos       Position
	started   bool
	led       time.Time // when a lane last brought it a chunk
	lastRead  time.Time // when the last entry was seen
	searches  map[string]int64
	lines     int64
	bytes     int64
	secret    int64 // matches since they were last reported
	corrupted int64
	stalls    int64
	gaps      GapTotals
}

func newObserver(spec ReaderSpec, before ReaderSnapshot, opts *Options) *observer {
	o := &observer{
		metrics:   opts.Metrics,
		log:       opts.Logger,
		tags:      spec.Tags,
		initial:   spec.Initial,
		secrets:   spec.CountSecret,
		inspector: spec.Inspector,
		pos:       before.Position,
		started:   !before.Position.IsZero(),
		gaps:      before.Gaps,
		lastRead:  time.Now(),
		searches:  make(map[string]int64, len(spec.Searches)),
	}
	for _, name := range spec.Searches {
		o.searches[name] = 0
	}
	return o
}

// see looks at a chunk that a lane fetched, if it is the next one, or if the observer cannot meet it otherwise.
func (o *observer) see(c *Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.look(c) {
		o.led = time.Now()
	}
}

// look looks at a chunk and reports whether the observer has moved on by it. o.mu is held.
func (o *observer) look(c *Chunk) bool {
	if c.To == c.From { // it tells of what is missing only, wherever the observer is by now
		if !c.again {
			o.seeLosses(c)
		}
		return false
	}
	if !o.started || c.From != o.pos {
		return false
	}
	o.work.begin()
	found := o.inspector.Inspect(c)
	o.work.end()
	o.pos = c.To
	if len(c.Entries) > 0 {
		o.lastRead = time.Now()
	}
	o.lines += found.Lines
	o.bytes += found.Bytes
	o.secret += found.SecretMatches
	for _, hit := range found.Hits {
		o.searches[hit.Search] += hit.Count
		o.metrics.Count(hit.Search, hit.Count, withTags(o.tags, hit.Tags))
	}
	for _, slow := range found.Slow {
		o.metrics.Gauge("journal.perform_search_regex_duration", slow.Took.Seconds(), withTags(o.tags, map[string]string{"regex": slow.Pattern}))
	}
	if found.TooLong > 0 {
		o.metrics.Count("journal.read_error", found.TooLong, withTags(o.tags, map[string]string{"error": "too_long"}))
		o.log.Warn("entries over the size limit were cut", "entries", found.TooLong)
	}
	o.seeLosses(c)
	return true
}

func (o *observer) seeLosses(c *Chunk) {
	if c.Corrupted > 0 {
		o.corrupted += int64(c.Corrupted)
		o.metrics.Count("journal.corrupted_log_entry", int64(c.Corrupted), o.tags)
		o.log.Warn("unreadable entries were passed over", "entries", c.Corrupted, "before", c.To.String())
	}
	o.gaps.add(c.Gaps)
	for _, g := range c.Gaps {
		o.metrics.Count("journal.gaps", 1, withTags(o.tags, map[string]string{"reason": g.Reason}))
		o.metrics.Count("journal.gap_entries", int64(min(g.Count, 1<<62)), o.tags)
		o.log.Warn("entries are missing in the journal", "reason", g.Reason, "count", g.Count, "first_seqnum", g.First, "last_seqnum", g.Last,
			"from", time.UnixMicro(int64(g.From)).UTC(), "to", time.UnixMicro(int64(g.To)).UTC()) //nolint:gosec // 292,000 years
	}
}

// run reads what the lanes do not. In once mode it ends with the log.
func (o *observer) run(ctx context.Context, f *feed, r *reader, seek seekFunc) {
	if o.start(ctx, seek) != nil {
		return
	}
	var wait backoff.Backoff
	heard := uint64(0)
	for ctx.Err() == nil {
		if lanes, ended := r.lanesRun(); lanes && o.untilTurn() > 0 {
			turn := time.NewTimer(o.untilTurn())
			select {
			case <-ended:
			case <-turn.C:
			case <-ctx.Done():
			}
			turn.Stop()
			continue
		}
		c, err := f.next(ctx, ctx, o.position(), heard)
		switch {
		case err == nil:
			wait.Reset()
			heard = max(heard, c.notice)
			r.begins(c)
			o.mu.Lock()
			o.look(c)
			o.mu.Unlock()
		case errors.Is(err, ErrNoMore), errors.Is(err, errUnreadable):
			return
		default:
			if !errors.Is(err, ErrNotYet) && ctx.Err() == nil {
				o.log.Warn("cannot read, trying again", "error", err)
			}
			if wait.Wait(ctx, 0) != nil {
				return
			}
		}
	}
}

func (o *observer) start(ctx context.Context, seek seekFunc) error {
	o.mu.Lock()
	started := o.started
	o.led = time.Now()
	o.mu.Unlock()
	if started {
		return nil
	}
	pos, err := seek(ctx, o.initial)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pos, o.started, o.led = pos, true, time.Now()
	return nil
}

func (o *observer) position() Position {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pos
}

// untilTurn returns how long the lanes may still bring the next chunk.
func (o *observer) untilTurn() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return patience - time.Since(o.led)
}

func (o *observer) snapshot() ReaderSnapshot {
	o.mu.Lock()
	defer o.mu.Unlock()
	return ReaderSnapshot{
		Position:  o.pos,
		Searches:  maps.Clone(o.searches),
		Lines:     o.lines,
		Bytes:     o.bytes,
		Gaps:      GapTotals{Count: o.gaps.Count, Entries: o.gaps.Entries, Last: slices.Clone(o.gaps.Last)},
		Corrupted: o.corrupted,
		Stalls:    o.stalls,
	}
}

func (o *observer) setInspector(i Inspector) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.inspector = i
}

func withTags(base, more map[string]string) map[string]string {
	all := maps.Clone(base)
	if all == nil {
		all = make(map[string]string, len(more))
	}
	maps.Copy(all, more)
	return all
}
