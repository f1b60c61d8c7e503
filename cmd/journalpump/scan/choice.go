package scan

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"journalpump/filters/pattern"
	"journalpump/internal/glob"
	"journalpump/pump"
)

// Choice says which entries of a log are wanted. The zero Choice wants all.
type Choice struct {
	Since, Until time.Time     // zero: no bound
	Cursor       pump.Position // zero: any; else this one entry
	Units        []*glob.Glob  // of _SYSTEMD_UNIT; one has to match
	Grep         *pattern.Pattern
	Last         int // the newest so many; 0: all
}

// Units turns what follows --unit into what Choice.Units takes: as for journalctl, a name without a suffix is a service's.
func Units(names ...string) []*glob.Glob {
	globs := make([]*glob.Glob, 0, len(names))
	for _, name := range names {
		if !strings.Contains(name, ".") && !glob.IsPattern(name) {
			name += ".service"
		}
		globs = append(globs, glob.Compile(name))
	}
	return globs
}

// Grep compiles what follows --grep. As for journalctl, case matters only to a pattern that has upper-case letters.
func Grep(expr string) (*pattern.Pattern, error) {
	if !strings.ContainsFunc(expr, unicode.IsUpper) {
		expr = "(?i)" + expr
	}
	p, err := pattern.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("--grep: %w", err)
	}
	return p, nil
}

// Each calls fn with every entry of the log that is wanted, in order. found is how many there were.
func (w *Choice) Each(ctx context.Context, log pump.Log, fn func(c *pump.Chunk, i int) error) (found int, err error) {
	if !w.Cursor.IsZero() {
		return w.one(ctx, log, fn)
	}
	since, err := w.from(ctx, log, w.Since)
	if err != nil {
		return 0, err
	}
	if w.Last == 0 {
		err = w.scan(ctx, log, since, func(c *pump.Chunk, i int) error {
			found++
			return fn(c, i)
		})
		return found, err
	}
	last, err := w.last(ctx, log)
	if err != nil {
		return 0, err
	}
	for _, e := range last {
		if err := fn(e.chunk, e.index); err != nil {
			return found, err
		}
		found++
	}
	return found, nil
}

// from returns the position just before a time; that of the log's head for the zero time.
func (w *Choice) from(ctx context.Context, log pump.Log, since time.Time) (pump.Position, error) {
	start := pump.Start{Kind: pump.StartHead}
	if !since.IsZero() {
		start = pump.Start{Kind: pump.StartRealtime, Time: since}
	}
	pos, err := log.Seek(ctx, start)
	if err != nil {
		return pump.Position{}, fmt.Errorf("looking for a time in the journal: %w", err)
	}
	return pos, nil
}

// disorder is by how much entries may be out of order in time, when reading stops that goes beyond Until.
const disorder = time.Hour

func (w *Choice) scan(ctx context.Context, log pump.Log, after pump.Position, fn func(c *pump.Chunk, i int) error) error {
	return All(ctx, log, after, func(c *pump.Chunk) error {
		beyond := !w.Until.IsZero() && len(c.Entries) > 0
		for i := range c.Entries {
			at := time.UnixMicro(int64(min(c.Entries[i].Position.Realtime, 1<<62)))
			beyond = beyond && at.After(w.Until.Add(disorder))
			if !w.wants(c, i, at) {
				continue
			}
			if err := fn(c, i); err != nil {
				return err
			}
		}
		if beyond {
			return ErrEnough
		}
		return ctx.Err()
	})
}

func (w *Choice) wants(c *pump.Chunk, i int, at time.Time) bool {
	if !w.Since.IsZero() && at.Before(w.Since) || !w.Until.IsZero() && at.After(w.Until) {
		return false
	}
	return w.wantsUnit(c, i) && w.wantsText(c, i)
}

func (w *Choice) wantsUnit(c *pump.Chunk, i int) bool {
	if len(w.Units) == 0 {
		return true
	}
	unit, ok := c.Lookup(i, "SYSTEMD_UNIT")
	if !ok {
		return false
	}
	for _, g := range w.Units {
		if g.Match(unit) {
			return true
		}
	}
	return false
}

func (w *Choice) wantsText(c *pump.Chunk, i int) bool {
	if w.Grep == nil {
		return true
	}
	message, ok := c.Lookup(i, "MESSAGE")
	if !ok {
		return false
	}
	found, err := w.Grep.Match(message)
	return err == nil && found
}

// one finds the entry that the cursor names: near its time, or, as clocks may have been set back, anywhere.
func (w *Choice) one(ctx context.Context, log pump.Log, fn func(c *pump.Chunk, i int) error) (found int, err error) {
	var near time.Time
	if w.Cursor.Parts&pump.HasRealtime != 0 {
		near = time.UnixMicro(int64(min(w.Cursor.Realtime, 1<<62)))
	}
	look := Choice{Since: near, Until: near}
	search := func() error {
		after, err := w.from(ctx, log, look.Since)
		if err != nil {
			return err
		}
		return look.scan(ctx, log, after, func(c *pump.Chunk, i int) error {
			if !is(&c.Entries[i].Position, &w.Cursor.Cursor) {
				return nil
			}
			found++
			if err := fn(c, i); err != nil {
				return err
			}
			return ErrEnough
		})
	}
	if err := search(); err != nil || found > 0 || near.IsZero() {
		return found, err
	}
	look = Choice{}
	return found, search()
}

// is reports whether c is the cursor of the entry, by the parts that it has.
func is(entry, c *pump.Cursor) bool {
	return (c.Parts&pump.HasSeqnum == 0 || c.SeqnumID == entry.SeqnumID && c.Seqnum == entry.Seqnum) &&
		(c.Parts&pump.HasMonotonic == 0 || c.BootID == entry.BootID && c.Monotonic == entry.Monotonic) &&
		(c.Parts&pump.HasRealtime == 0 || c.Realtime == entry.Realtime) &&
		(c.Parts&pump.HasXorHash == 0 || c.XorHash == entry.XorHash)
}
