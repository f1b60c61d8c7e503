package pump

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// How much a feed keeps for lanes that come for the same chunk a little later. More would not help: lanes further
// apart than this are not in step.
const (
	memoChunks = 2
	memoBytes  = 8 << 20
	idleWalker = 30 * time.Second // a walker nobody used for so long is closed, and with it the files it holds
)

// feed hands the chunks of one log to its lanes. Lanes that ask for the same position get the same chunk, so that lanes
// in step decode (and, through Chunk.Memo, render) everything once. A lane that lags gets an iterator of its own.
type feed struct {
	log     Log
	once    *tolerance                             // not nil in once mode: do not wait at the end of the log
	failed  func(error)                            // told why it is not read on, in once mode
	stalled func(at Position, still time.Duration) // told when the log had gone on without an iterator

	mu      sync.Mutex
	memo    []kept
	walkers []*walker
	notices uint64     // chunks that did not move on
	barren  []Position // before which the log has nothing for the reader; the newest few, of each walk from the head on
	closed  bool
}

type kept struct {
	after   Position
	notices []*Chunk // that came before it
	chunk   *Chunk
}

// maxNotices is how many chunks that do not move on are kept for lanes that come later.
const maxNotices = 16

// unheard returns the first of the notices that whoever has heard those up to a number has not; nil if there is none.
func unheard(notices []*Chunk, heard uint64) *Chunk {
	for _, c := range notices {
		if c.notice > heard {
			return c
		}
	}
	return nil
}

// walker is an iterator and where it stands. Whoever holds sem may use it.
type walker struct {
	sem  chan struct{}
	it   Iterator
	call activity // of the iterator, waiting left out

	at      Position // guarded by feed.mu, as is what follows
	dead    bool
	used    time.Time
	since   time.Time // when it came to where it is
	notices []*Chunk  // of there
	watched
}

// next returns the chunk after the position. One that does not move on, as it only tells of what is missing, is given to every lane
// that is there, once: heard is the number of the last one that the lane has got. At the end of the log it waits for one to come, at
// most as long as the patient context lasts, whose error it then returns; in once mode it returns ErrNoMore instead, also where there
// is no log, and errUnreadable where it is no use to try again. ctx ends it at any point.
func (f *feed) next(ctx, patient context.Context, after Position, heard uint64) (*Chunk, error) {
	for {
		c, w, err := f.lookup(after, heard)
		if c != nil || err != nil {
			return c, err
		}
		if err := w.take(patient); err != nil {
			return nil, err
		}
		c, err = f.advance(ctx, patient, w, after, heard)
		<-w.sem
		if c != nil || err != nil {
			return c, err
		}
	}
}

// take takes hold of the walker. It waits for whoever has it, if anybody has, while the context lasts.
func (w *walker) take(ctx context.Context) error {
	select {
	case w.sem <- struct{}{}:
		return nil
	default:
	}
	select {
	case w.sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookup returns the chunk if it is kept, else the walker that stands at the position: an existing one, or a new one.
func (f *feed) lookup(after Position, heard uint64) (*Chunk, *walker, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, nil, errFeedClosed
	}
	for i := range f.memo {
		if m := &f.memo[i]; m.after == after {
			return cmp.Or(unheard(m.notices, heard), m.chunk), nil, nil
		}
	}
	for _, w := range f.walkers {
		if w.at == after {
			w.used = time.Now()
			return unheard(w.notices, heard), w, nil
		}
	}
	w := &walker{sem: make(chan struct{}, 1), at: after, used: time.Now(), since: time.Now()}
	f.walkers = append(f.walkers, w)
	return nil, w, nil
}

var errFeedClosed = errors.New("the reader was stopped")

// advance moves the walker, which the caller holds, by one chunk. It returns neither a chunk nor an error when the caller
// has to look again: somebody else moved the walker, or there may be something to read now.
func (f *feed) advance(ctx, patient context.Context, w *walker, after Position, heard uint64) (*Chunk, error) {
	f.mu.Lock()
	moved := w.dead || w.at != after || unheard(w.notices, heard) != nil
	f.mu.Unlock()
	if moved {
		return nil, nil
	}
	c, err := f.step(ctx, w, after)
	switch {
	case err == nil:
		c.From = after
		f.keep(w, c)
		return c, nil
	case errors.Is(err, ErrNoMore) && f.once != nil:
		return nil, ErrNoMore
	case errors.Is(err, ErrNoMore):
		f.sweep()
		err = f.wait(patient, w)
		if err == nil {
			return nil, nil
		}
		if patient.Err() != nil {
			return nil, patient.Err()
		}
	}
	if errors.Is(err, errStalled) && ctx.Err() == nil {
		return nil, nil // with an iterator of its own, next time
	}
	f.drop(w)
	if ctx.Err() == nil {
		err = f.tolerate(err)
	}
	return nil, err
}

// tolerate says what an error of the log means: in once mode see tolerance.judge, else it is tried again.
func (f *feed) tolerate(err error) error {
	if f.once == nil {
		return err
	}
	f.mu.Lock()
	verdict := f.once.judge(err, time.Now())
	f.mu.Unlock()
	switch {
	case errors.Is(verdict, ErrNoMore):
		f.failed(err)
	case errors.Is(verdict, errUnreadable):
		f.failed(verdict)
	}
	return verdict
}

// step opens the walker's iterator if need be, and moves it.
func (f *feed) step(ctx context.Context, w *walker, after Position) (c *Chunk, err error) {
	if f.suspected(w) && w.it != nil {
		_ = w.it.Close() // read-only: nothing can be lost any more
		w.it = nil
	}
	fresh := w.it == nil
	w.call.begin()
	defer w.call.end()
	err = f.interruptible(ctx, w, func(ctx context.Context) error {
		if w.it == nil {
			f.sweep() // while a backlog is worked off nobody comes to the end of the log
			if w.it, err = f.log.Open(ctx, after); err != nil {
				w.it = nil
				return err
			}
		}
		c, err = w.it.Next(ctx)
		return err
	})
	f.judge(w, fresh, c, err)
	return c, err
}

// keep remembers the chunk and forgets the oldest ones.
func (f *feed) keep(w *walker, c *Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.used = time.Now()
	if f.once != nil {
		f.once.since = time.Time{}
	}
	c.Begins = f.begins(c)
	if c.To == c.From {
		f.notices++
		c.notice = f.notices
		w.notices = append(w.notices, &Chunk{From: c.From, To: c.To, Gaps: c.Gaps, Corrupted: c.Corrupted, notice: c.notice, again: true})
		if len(w.notices) > maxNotices {
			w.notices = slices.Delete(w.notices, 0, 1)
		}
		return
	}
	f.memo = append(f.memo, kept{c.From, w.notices, c})
	w.at, w.since, w.notices = c.To, w.used, nil
	size := 0
	for i, m := range slices.Backward(f.memo) {
		size += m.chunk.Bytes
		if len(f.memo)-i > memoChunks || (size > memoBytes && i < len(f.memo)-1) {
			f.memo = append(f.memo[:0:0], f.memo[i+1:]...)
			break
		}
	}
}

// maxBarren is how many walks from the head are followed at a time until they come to something.
const maxBarren = 8

// begins reports whether nothing comes before a chunk, and notes it of what comes after one that has nothing in it. A lane that has
// come there asks for what comes next from the position it has got by it.
func (f *feed) begins(c *Chunk) bool {
	i := slices.Index(f.barren, c.From)
	if !c.From.IsZero() && i < 0 {
		return false
	}
	if len(c.Entries) > 0 || c.To == c.From {
		return true
	}
	if i >= 0 {
		f.barren = slices.Delete(f.barren, i, i+1)
	}
	if f.barren = append(f.barren, c.To); len(f.barren) > maxBarren {
		f.barren = slices.Delete(f.barren, 0, 1)
	}
	return true
}

// sweep closes the walkers that nobody used for a while.
func (f *feed) sweep() {
	f.mu.Lock()
	var idle []*walker
	for _, w := range f.walkers {
		if time.Since(w.used) < idleWalker {
			continue
		}
		select {
		case w.sem <- struct{}{}:
			idle = append(idle, w)
		default: // in use, if only to wait
		}
	}
	f.mu.Unlock()
	for _, w := range idle {
		f.drop(w)
		<-w.sem
	}
}

// drop closes a walker, which the caller holds.
func (f *feed) drop(w *walker) {
	f.mu.Lock()
	w.dead = true
	for i, v := range f.walkers {
		if v == w {
			f.walkers = append(f.walkers[:i], f.walkers[i+1:]...)
			break
		}
	}
	f.mu.Unlock()
	if w.it != nil {
		_ = w.it.Close() // read-only: nothing can be lost any more
		w.it = nil
	}
}

// close closes all iterators. Nobody may be in next any more.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	f.memo = nil
	walkers := f.walkers
	f.walkers = nil
	f.mu.Unlock()
	for _, w := range walkers {
		w.sem <- struct{}{}
		f.drop(w)
		<-w.sem
	}
}
