package pump

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"journalpump/internal/backoff"
)

// Defaults of BatchLimits: what the original's senders do.
const (
	defaultBatchRecords = 10_000
	defaultBatchBytes   = 1 << 20
	defaultBatchAge     = 300 * time.Millisecond
)

// lane is the loop that ties one sender to one reader. Two goroutines run it: one reads and assembles batches, the
// other delivers them, so that decoding goes on while the destination works. All that others may look at is in
// laneState.
type lane struct {
	spec    SenderSpec
	start   Start // where to start without a position
	seek    seekFunc
	feed    *feed
	see     func(*Chunk)         // the observer's
	begin   func(*Chunk)         // tells all lanes how the log begins
	head    func() Position      // the first entry of the log, as far as anybody has seen it
	settled func()               // told when the position has moved
	record  func(SenderSnapshot) // told before it moves
	moving  sync.Mutex           // what is recorded last is what counts last
	metrics Metrics
	log     *slog.Logger
	state   *laneState
	once    bool
	// sendLimit bounds one call of the sender.
	sendLimit   time.Duration
	stopTimeout time.Duration // what a call may take after a stop

	cancel context.CancelFunc // set when it is started
	done   chan struct{}      // closed when it has ended

	sender Sender        // owned by the delivering goroutine
	reopen chan struct{} // asks for Sender.Reopen
	work   activity      // rendering
	send   activity      // sending
	pause  activity      // waiting before the next attempt, after an error that was reported

	watching sync.Mutex
	restart  context.CancelCauseFunc // ends the session, for another to begin; nil while there is none
	stalled  time.Time               // when it was last restarted for making no progress
}

type seekFunc func(context.Context, Start) (Position, error)

func newLane(spec SenderSpec, tags map[string]string, before SenderSnapshot, opts *Options) *lane {
	if spec.Limits.Records <= 0 {
		spec.Limits.Records = defaultBatchRecords
	}
	if spec.Limits.Bytes <= 0 {
		spec.Limits.Bytes = defaultBatchBytes
	}
	if spec.Limits.Age <= 0 {
		spec.Limits.Age = defaultBatchAge
	}
	tags = maps.Clone(tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags["sender"] = spec.Name
	return &lane{
		spec:    spec,
		metrics: opts.Metrics,
		log:     opts.Logger.With("sender", spec.Name),
		state:   newLaneState(spec, tags, before),
		once:    opts.Once,
		record:  func(SenderSnapshot) {},
		done:    make(chan struct{}),
		reopen:  make(chan struct{}, 1),

		sendLimit:   opts.sendLimit(&spec),
		stopTimeout: opts.sendingAfterStop(),
	}
}

// run moves the lane along until its context ends; in once mode, until all there is has been delivered. A batch that is
// being sent when the context ends may still be accepted for stopTimeout.
func (l *lane) run(stop context.Context) {
	defer l.closeSender()
	hard, abandon := context.WithCancel(context.WithoutCancel(stop))
	defer abandon()
	defer context.AfterFunc(stop, func() { time.AfterFunc(l.stopTimeout, abandon) })()
	// First of all: "the tail" is where it is now, not when the destination comes up.
	if err := l.findStart(stop); err != nil {
		return
	}
	if err := l.openSender(stop); err != nil {
		return
	}
	var wait backoff.Backoff
	for stop.Err() == nil {
		accepted := l.state.position()
		// After a failure every batch is committed by itself, until one was: however unreliable the destination, there is
		// progress.
		commitEvery := l.spec.CommitEvery
		if wait.Attempts() > 0 {
			commitEvery = 0
		}
		err := l.restartable(stop, func(session context.Context) error { return l.session(session, hard, commitEvery) })
		switch {
		case errors.Is(err, ErrNoMore):
			l.state.finish()
			return
		case stop.Err() != nil, errors.Is(err, errUnreadable):
			return
		}
		// The session was restarted, or failed after something was sent but not committed: go on from what was accepted.
		l.state.rewind()
		if err == nil || l.state.position() != accepted {
			wait.Reset()
		}
		if l.waitBetween(func() error { return wait.Wait(stop, RetryDelay(err)) }) != nil {
			return
		}
	}
}

// waitBetween waits after an error: meanwhile no progress is expected.
func (l *lane) waitBetween(wait func() error) error {
	l.pause.begin()
	defer l.pause.end()
	return wait()
}

// findStart gives a lane that has no position one.
func (l *lane) findStart(ctx context.Context) error {
	if l.state.started() {
		return nil
	}
	pos, err := l.seek(ctx, l.start)
	if err != nil {
		return err
	}
	if pos.IsZero() {
		l.lookAtBeginning(ctx)
	}
	l.moving.Lock()
	defer l.moving.Unlock()
	l.state.start(pos, l.head())
	l.record(l.state.snapshot())
	return nil
}

// settle moves the position once that has been recorded.
func (l *lane) settle(o *outcome) {
	l.moving.Lock()
	defer l.moving.Unlock()
	l.record(l.state.settled(o))
	l.state.settle(o)
}

// session reads and delivers from the accepted position on. It returns nil when it was stopped, ErrNoMore when in once
// mode everything is delivered, errUnreadable when all that could be read is, and any other error when what was sent since
// the last commit has to be sent again.
func (l *lane) session(stop, hard context.Context, commitEvery time.Duration) error {
	ctx, cancel := context.WithCancel(stop)
	parcels, spare := make(chan parcel, 1), make(chan []Record, 4)
	ended := make(chan error, 1)
	go func() {
		err := l.assemble(ctx, parcels, spare)
		close(parcels)
		ended <- err
	}()
	d := delivery{lane: l, stop: stop, hard: hard, spare: spare, commitEvery: commitEvery}
	err := d.run(parcels) //nolint:contextcheck // what is being sent outlives the stop: hard
	cancel()
	for range parcels { // what was assembled and not sent is read again
	}
	if readErr := <-ended; err == nil && !errors.Is(readErr, context.Canceled) {
		err = readErr
	}
	return err
}

// assemble reads chunks and cuts them into parcels until its context ends or, in once mode, the log does (ErrNoMore) or cannot
// be read (errUnreadable).
func (l *lane) assemble(ctx context.Context, parcels chan<- parcel, spare <-chan []Record) error {
	a := assembler{limits: l.spec.Limits}
	a.cur.to, a.cur.recorder, a.cur.heard = l.state.place()
	flush := func(p parcel) error {
		select {
		case parcels <- p:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	pos := a.cur.to
	var wait backoff.Backoff
	for {
		c, err := l.read(ctx, &a, pos)
		if err == nil {
			err = l.take(ctx, c, &a, flush, spare)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			wait.Reset()
			pos = c.To
		case errors.Is(err, context.DeadlineExceeded):
			err = a.flush(flush)
		case errors.Is(err, ErrNoMore), errors.Is(err, errUnreadable):
			return cmp.Or(a.flush(flush), err)
		default:
			if !errors.Is(err, ErrNotYet) {
				l.log.Warn("cannot read, trying again", "error", err)
			}
			err = cmp.Or(a.flush(flush), wait.Wait(ctx, 0))
		}
		if err != nil {
			return err
		}
	}
}

// take renders a chunk and adds it to the parcels. Its error is the context's, or says that the log could not be asked what the lane's
// recorder wants to know, and nothing was added.
func (l *lane) take(ctx context.Context, c *Chunk, a *assembler, flush func(parcel) error, spare <-chan []Record) error {
	l.work.begin()
	l.see(c)
	rendered := l.spec.View.Render(c)
	additions, err := l.additions(ctx, c, rendered, &a.cur.recorder)
	l.work.end()
	if err != nil {
		return err
	}
	l.state.read(c, rendered, additions)
	for len(a.spare) < cap(spare) && len(spare) > 0 {
		a.spare = append(a.spare, <-spare)
	}
	return a.add(c, rendered, additions, flush)
}

// read returns the next chunk, or DeadlineExceeded when the parcel that is being assembled has waited long enough.
func (l *lane) read(ctx context.Context, a *assembler, pos Position) (*Chunk, error) {
	if a.empty() {
		return l.feed.next(ctx, ctx, pos, a.cur.heard)
	}
	if !time.Now().Before(a.due) {
		return nil, context.DeadlineExceeded
	}
	patient, cancel := context.WithDeadline(ctx, a.due)
	defer cancel()
	return l.feed.next(ctx, patient, pos, a.cur.heard)
}
