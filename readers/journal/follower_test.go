package journal

import (
	"cmp"
	"context"
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

// mostIdle is how long a follower asks for nothing.
const mostIdle = 300 * time.Millisecond

type followOptions struct {
	replaced *rand.Rand // not nil: its iterator is replaced now and then
	every    int        // after so many chunks, about; 0: 30
	back     bool       // not where it was, but somewhere before
	again    string     // a source whose messages may come again in another iterator
	idle     *rand.Rand // not nil: it does not ask for more for a while, now and then
}

// follower follows a log and notes what it did not get.
type follower struct {
	log  *Log
	opts followOptions

	sent, stamped *torture.Latencies

	mu sync.Mutex
	account
	changed chan struct{} // closed, and replaced, when Last has changed
	failed  error

	start  pump.Position // where the iterator started
	places []place       // where it could go back to
	lastAt pump.Cursor   // the last message's position

	cancel context.CancelFunc
	done   chan struct{}
}

// account is what came to a follower, and what did not.
type account struct {
	Back    bool // it went back now and then
	Last    map[string]int
	At      map[string][]torture.Place // where each message was, by source and number
	Holes   []hole
	Gaps    []pump.Gap
	Wrong   []string
	Entries int
	Others  []other // what is not the test's
	Newest  uint64  // the time of the last one that is
}

// hole is a run of messages that did not come.
type hole struct {
	Source      string
	First, Last int
	Start       pump.Position // of the iterator
}

// other is an entry that journald wrote of its own accord.
type other struct {
	Position pump.Cursor
	Text     string
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
		account: account{Back: opts.back, Last: map[string]int{}, At: map[string][]torture.Place{}},
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
		if r := f.opts.replaced; r != nil && n > 0 && r.IntN(cmp.Or(f.opts.every, 30)) == 0 {
			n, again = 1+r.IntN(n), true
		}
		f.take(c, n)
		at = c.To
		if r := f.opts.idle; r != nil && r.IntN(20) == 0 {
			if err := sleep(ctx, time.Duration(r.Int64N(int64(mostIdle)))); err != nil {
				return at, err
			}
		}
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
	f.Gaps = append(f.Gaps, c.Gaps...)
	for i := range n {
		text, _ := c.Lookup(i, "MESSAGE")
		m, ok := torture.Parse(text)
		if !ok {
			f.Others = append(f.Others, other{c.Entries[i].Position, string(text)})
			continue
		}
		f.note(m, c.Entries[i].Position)
		switch last := f.Last[m.Source]; {
		case m.Number <= last && m.Source == f.opts.again:
			continue
		case m.Number <= last:
			f.Wrong = append(f.Wrong, fmt.Sprintf("%s: message %d came after %d (at %v), at %v; started after %v", m.Source, m.Number, last, f.lastAt, c.Entries[i].Position, f.start))
		case m.Number > last+1:
			f.Holes = append(f.Holes, hole{m.Source, last + 1, m.Number - 1, f.start})
		}
		f.Last[m.Source] = m.Number
		f.lastAt = c.Entries[i].Position
		f.Newest = c.Entries[i].Position.Realtime
		f.sent.Add(now.Sub(m.Sent))
		f.stamped.Add(now.Sub(time.UnixMicro(int64(c.Entries[i].Position.Realtime))))
	}
	if f.Entries += n; f.opts.back && n > 0 && len(f.places) < 10_000 && f.opts.replaced.IntN(20) == 0 {
		f.places = append(f.places, place{c.PositionAfter(n - 1), maps.Clone(f.Last)})
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// note notes where a message was said to be.
func (a *account) note(m torture.Message, at pump.Cursor) {
	places := a.At[m.Source]
	if more := m.Number + 1 - len(places); more > 0 {
		places = append(places, make([]torture.Place, more)...)
	}
	places[m.Number] = torture.PlaceOf(at.SeqnumID, at.Seqnum)
	a.At[m.Source] = places
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
	f.Last = maps.Clone(p.last)
	return p.position
}

// await waits until the message was delivered.
func (f *follower) await(ctx context.Context, source string, number int) error {
	for {
		f.mu.Lock()
		last, changed, failed := f.Last[source], f.changed, f.failed
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
	if err := fs.awaitAll(t.Context(), map[string]int{source: number}); err != nil {
		t.Fatal(err)
	}
}

// awaitAll waits until all have the messages, by source.
func (fs followers) awaitAll(ctx context.Context, messages map[string]int) error {
	ctx, cancel := context.WithTimeout(ctx, program.Patience)
	defer cancel()
	for source, number := range messages {
		for i, f := range fs {
			if err := f.await(ctx, source, number); err != nil {
				return fmt.Errorf("follower %d: %w", i, err)
			}
		}
	}
	return nil
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
