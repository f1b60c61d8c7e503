package journal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/program"
	"journalpump/test/torture"
)

type followOptions struct {
	replaced *rand.Rand // not nil: its iterator is replaced now and then
	back     bool       // not where it was, but somewhere before
	again    string     // a source whose messages may come again in another iterator
}

// follower follows a log and notes what it did not get.
type follower struct {
	log  *Log
	opts followOptions

	sent, stamped *torture.Latencies

	mu      sync.Mutex
	last    map[string]int // number by source
	changed chan struct{}  // closed, and replaced, when last has changed
	holes   []hole
	gaps    []pump.Gap
	wrong   []string
	failed  error

	start   pump.Position // where the iterator started
	places  []place       // where it could go back to
	entries int
	lastAt  pump.Cursor // the last message's position
	others  []other     // what is not the test's
	newest  uint64      // the time of the last one that is

	cancel context.CancelFunc
	done   chan struct{}
}

// hole is a run of messages that did not come.
type hole struct {
	source      string
	first, last int
	start       pump.Position // of the iterator
}

// other is an entry that journald wrote of its own accord.
type other struct {
	position pump.Cursor
	text     string
}

// place is a position and what was delivered until then.
type place struct {
	position pump.Position
	last     map[string]int
}

func startFollower(t *testing.T, l *Log, opts followOptions) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{
		log:     l,
		opts:    opts,
		sent:    &torture.Latencies{},
		stamped: &torture.Latencies{},
		last:    map[string]int{},
		changed: make(chan struct{}),
		cancel:  cancel,
		done:    make(chan struct{}),
	}
	go func() {
		defer close(f.done)
		if err := f.run(ctx); err != nil && ctx.Err() == nil {
			f.fail(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-f.done })
	return f
}

func (f *follower) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = err
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *follower) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	<-f.done
	if f.failed != nil {
		t.Error(f.failed)
	}
}

// run follows the log with one iterator after the other.
func (f *follower) run(ctx context.Context) error {
	at := pump.Position{}
	for {
		next, err := f.follow(ctx, at)
		if err != nil && !errors.Is(err, pump.ErrNotYet) {
			return err
		}
		at = next
		if errors.Is(err, pump.ErrNotYet) { // the directory is gone
			if err := sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
	}
}

// follow follows the log with one iterator and returns where the next one shall start.
func (f *follower) follow(ctx context.Context, at pump.Position) (next pump.Position, err error) {
	f.start = at
	it, err := f.log.Open(ctx, at)
	if err != nil {
		return at, err
	}
	defer func() {
		err = errors.Join(err, it.Close())
	}()
	for {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) {
			if err := it.Wait(ctx); err != nil {
				return at, err
			}
			continue
		}
		if err != nil {
			return at, err
		}
		if c.From != at {
			return at, fmt.Errorf("a chunk from %v follows one to %v", c.From, at)
		}
		n, again := len(c.Entries), false
		if r := f.opts.replaced; r != nil && n > 0 && r.IntN(30) == 0 {
			n, again = 1+r.IntN(n), true
		}
		f.take(c, n)
		at = c.To
		if again {
			return f.somewhere(c.PositionAfter(n - 1)), nil
		}
	}
}

// take notes the first n entries of a chunk.
func (f *follower) take(c *pump.Chunk, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.gaps = append(f.gaps, c.Gaps...)
	for i := range n {
		text, _ := c.Lookup(i, "MESSAGE")
		m, ok := torture.Parse(text)
		if !ok {
			f.others = append(f.others, other{c.Entries[i].Position, string(text)})
			continue
		}
		switch last := f.last[m.Source]; {
		case m.Number <= last && m.Source == f.opts.again:
			continue
		case m.Number <= last:
			f.wrong = append(f.wrong, fmt.Sprintf("%s: message %d came after %d (at %v), at %v; started after %v", m.Source, m.Number, last, f.lastAt, c.Entries[i].Position, f.start))
		case m.Number > last+1:
			f.holes = append(f.holes, hole{m.Source, last + 1, m.Number - 1, f.start})
		}
		f.last[m.Source] = m.Number
		f.lastAt = c.Entries[i].Position
		f.newest = c.Entries[i].Position.Realtime
		f.sent.Add(now.Sub(m.Sent))
		f.stamped.Add(now.Sub(time.UnixMicro(int64(c.Entries[i].Position.Realtime))))
	}
	if f.entries += n; f.opts.back && n > 0 && len(f.places) < 10_000 && f.opts.replaced.IntN(20) == 0 {
		f.places = append(f.places, place{c.PositionAfter(n - 1), maps.Clone(f.last)})
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// somewhere returns where to go on: at, or at a place from before.
func (f *follower) somewhere(at pump.Position) pump.Position {
	if !f.opts.back || len(f.places) == 0 {
		return at
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	recent := f.places[max(0, len(f.places)-20):] // all of it would take too long
	p := recent[f.opts.replaced.IntN(len(recent))]
	f.last = maps.Clone(p.last)
	return p.position
}

// await waits until the message was delivered.
func (f *follower) await(ctx context.Context, source string, number int) error {
	for {
		f.mu.Lock()
		last, changed, failed := f.last[source], f.changed, f.failed
		f.mu.Unlock()
		if failed != nil {
			return failed
		}
		if last >= number {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for message %d of %s: the last one was %d", number, source, last)
		}
	}
}

// followers follow one log in different ways.
type followers []*follower

// startFollowers starts one follower that goes on, one whose iterator is replaced, and one that also goes back.
func startFollowers(t *testing.T, s journaldir.Selection, seed uint64) followers {
	t.Helper()
	return startFollowersOf(t, s, seed, "")
}

// startFollowersOf is startFollowers for a log of which one source may come again after a restart.
func startFollowersOf(t *testing.T, s journaldir.Selection, seed uint64, again string) followers {
	t.Helper()
	l := openLog(t, Options{Selection: s, MemoryLimit: 4 << 20}) // so little that it is soon reached
	return followers{
		startFollower(t, l, followOptions{}),
		startFollower(t, l, followOptions{again: again, replaced: rand.New(rand.NewPCG(seed, 3))}),
		startFollower(t, l, followOptions{again: again, replaced: rand.New(rand.NewPCG(seed, 4)), back: true}),
	}
}

// await waits until all have the message.
func (fs followers) await(t *testing.T, source string, number int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	for i, f := range fs {
		if err := f.await(ctx, source, number); err != nil {
			t.Fatalf("follower %d: %v", i, err)
		}
	}
}

// check waits until all have all that is there, ends them, and holds what they got against what was stored.
func (fs followers) check(t *testing.T, dirs ...*torture.Directory) {
	t.Helper()
	stored := torture.NewStored()
	there := torture.NewStored()
	for _, d := range dirs {
		stored.Include(d.Stored)
		there.Look(t, d.Files(t)...)
	}
	for source, last := range there.Last() {
		fs.await(t, source, last)
	}
	for i, f := range fs {
		f.stop(t)
		f.check(t, fmt.Sprintf("follower %d", i), stored, there)
	}
	fs.compare(t)
	t.Logf("from sending to delivery: %v", fs[0].sent)
	t.Logf("from the entry's timestamp to delivery: %v", fs[0].stamped)
}

// compare holds what the first two got of journald's own entries against each other: only where files were deleted unread may
// one have had less.
func (fs followers) compare(t *testing.T) {
	t.Helper()
	if len(fs[0].gaps)+len(fs[1].gaps) > 0 || fs[1].opts.again != "" {
		return
	}
	counts := map[pump.Cursor]int{}
	same := func(p pump.Cursor) pump.Cursor { // however often it was stored
		p.SeqnumID, p.Seqnum = pump.ID128{}, 0
		return p
	}
	for i, sign := range []int{1, -1} {
		for _, o := range fs[i].others {
			counts[same(o.position)] += sign
		}
	}
	end := min(fs[0].newest, fs[1].newest) // of what came later, one was stopped before it
	for i, f := range fs[:2] {
		for _, o := range f.others {
			if counts[same(o.position)] != 0 && o.position.Realtime < end {
				t.Errorf("follower %d alone has %q at %v", i, o.text, o.position)
			}
		}
	}
}

// check holds what did not come against what was stored: it must be gone, and be in a gap.
func (f *follower) check(t *testing.T, name string, stored, there *torture.Stored) {
	t.Helper()
	lost, never := 0, 0
	for _, h := range f.holes {
		for n := h.first; n <= h.last; n++ {
			p, ok := stored.Where(h.source, n)
			_, present := there.Where(h.source, n)
			switch {
			case present:
				f.wrong = append(f.wrong, fmt.Sprintf("%s: message %d did not come, and is there: %v; started after %v", h.source, n, p, h.start))
			case !ok:
				never++
			case !f.inGap(p) && !f.opts.back: // what was vacuumed before an iterator was opened, it cannot always know of
				f.wrong = append(f.wrong, fmt.Sprintf("%s: message %d did not come, and is in no gap: %v; started after %v", h.source, n, p, h.start))
			default:
				lost++
			}
		}
	}
	for i, text := range f.wrong {
		if i == 10 {
			t.Errorf("%s: and %d more", name, len(f.wrong)-i)
			break
		}
		t.Errorf("%s: %s", name, text)
	}
	t.Logf("%s: %d entries, %d messages lost in %d gaps, %d never stored", name, f.entries, lost, len(f.gaps), never)
}

func (f *follower) inGap(p torture.Place) bool {
	for i := range f.gaps {
		g := &f.gaps[i]
		if hex.EncodeToString(g.SeqnumID[:]) == p.SeqnumID && g.First <= p.Seqnum && (p.Seqnum <= g.Last || g.Last == 0) {
			return true
		}
	}
	return false
}

// followed opens a log and reads it to its end.
func followed(t *testing.T, l *Log) (pump.Iterator, result) {
	t.Helper()
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	})
	return it, drain(t, it, pump.Position{})
}
