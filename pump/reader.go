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

// reader runs one configured source: its log, its observer and its lanes.
type reader struct {
	name     string
	opts     *Options
	log      *slog.Logger
	observer *observer
	cancel   context.CancelFunc
	settled  func() // told when a position has moved
	done     chan struct{}

	mu      sync.Mutex
	spec    ReaderSpec
	lanes   map[string]*lane
	waiting error // what for, while the log is not open, or in once mode why it is not read on; nil otherwise
	feed    *feed // nil while the log is not open
	start   func(*lane)
	running int           // lanes
	first   Position      // of the log, as last seen
	vacuum  Vacuum        // what its log last said
	spooled Spooled       // when last reported
	failed  int           // senders that could not be opened, when last reported
	ended   chan struct{} // signalled when a lane ends
	sending sync.WaitGroup

	metering chan struct{} // whoever may send to it may use source and metered
	source   Log           // to be asked how far behind lanes are, which may take long: so it is not mu's; nil while it is not open
	metered  map[string]metered
}

func newReader(spec ReaderSpec, before ReaderSnapshot, opts *Options, settled func()) *reader {
	own := *opts
	own.Logger = opts.Logger.With("reader", spec.Name)
	r := &reader{
		name: spec.Name, spec: spec, opts: &own, log: own.Logger,
		observer: newObserver(spec, before, &own),
		lanes:    make(map[string]*lane, len(spec.Senders)),
		done:     make(chan struct{}),
		ended:    make(chan struct{}, 1),
		metering: make(chan struct{}, 1),
		settled:  settled,
	}
	for _, s := range spec.Senders {
		state, known := before.Senders[s.Name]
		l := newLane(s, spec.Tags, state, &own)
		l.start = spec.Initial
		if known && spec.Initial.Kind == StartTail && !opts.State.StartTime.IsZero() {
			// It ran before and never got to accept anything. "The tail" was then.
			l.start = Start{Kind: StartRealtime, Time: opts.State.StartTime}
		}
		r.lanes[s.Name] = l
	}
	return r
}

// run runs the reader until its context ends or, in once mode, until all there is has been delivered.
func (r *reader) run(ctx context.Context) {
	defer close(r.done)
	source, err := r.open(ctx)
	if err != nil {
		for _, l := range r.allLanes() {
			l.state.stopped()
		}
		return
	}
	f := &feed{log: source, failed: r.waitsFor, stalled: r.readerStalled}
	if r.opts.Once {
		f.once = &tolerance{limit: r.opts.Timeout}
	}
	seek := func(ctx context.Context, start Start) (Position, error) { return r.seek(ctx, source, start) }
	r.setSource(source)
	r.setFeed(f)
	r.startLanes(func(l *lane) {
		var lctx context.Context
		lctx, l.cancel = context.WithCancel(ctx)
		l.feed, l.seek, l.see, l.begin, l.head, l.settled = f, seek, r.see, r.begins, r.head, r.settled
		if record := r.opts.Record; record != nil {
			l.record = func(s SenderSnapshot) { record(r.name, l.spec.Name, s) }
		}
		r.running++
		r.sending.Go(func() {
			defer r.laneEnded(l)
			l.run(lctx)
		})
	})
	var observing sync.WaitGroup
	observing.Go(func() { r.observer.run(ctx, f, r, seek) })
	if !r.opts.Once {
		<-ctx.Done()
	}
	r.mu.Lock()
	r.start = nil
	r.mu.Unlock()
	r.sending.Wait()
	observing.Wait()
	r.setFeed(nil)
	f.close()
	if r.opts.Once {
		r.meterLeft(context.WithoutCancel(ctx))
	}
	r.setSource(nil)
	if err := source.Close(); err != nil {
		r.log.Warn("closing the log", "error", err)
	}
}

func (r *reader) setFeed(f *feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feed = f
}

func (r *reader) startLanes(start func(*lane)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = start
	for _, l := range r.lanes {
		start(l)
	}
}

func (r *reader) laneEnded(l *lane) {
	l.cancel()
	close(l.done)
	r.mu.Lock()
	r.running--
	r.mu.Unlock()
	select {
	case r.ended <- struct{}{}:
	default:
	}
}

// lanesRun reports whether any lane runs; the channel is signalled when one ends.
func (r *reader) lanesRun() (bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running > 0, r.ended
}

// reconfigure replaces, adds and removes senders; those whose settings are the same go on undisturbed.
func (r *reader) reconfigure(spec ReaderSpec) {
	wanted := make(map[string]SenderSpec, len(spec.Senders))
	for _, s := range spec.Senders {
		wanted[s.Name] = s
	}
	var leaving []*lane
	for name, l := range r.currentLanes() {
		if s, ok := wanted[name]; ok && s.Fingerprint == l.spec.Fingerprint {
			delete(wanted, name)
		} else {
			leaving = append(leaving, l)
		}
	}
	r.stopLanes(leaving)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spec = spec
	r.observer.setInspector(spec.Inspector)
	before := make(map[string]SenderSnapshot, len(leaving))
	for _, l := range leaving {
		before[l.spec.Name] = l.state.snapshot()
		delete(r.lanes, l.spec.Name)
	}
	for name, s := range wanted {
		l := newLane(s, spec.Tags, before[name], r.opts)
		l.start = spec.Initial
		r.lanes[name] = l
		if r.start != nil {
			r.start(l)
		}
	}
}

func (r *reader) stopLanes(lanes []*lane) {
	r.mu.Lock()
	running := r.start != nil
	for _, l := range lanes {
		if running {
			l.cancel()
		} else {
			delete(r.lanes, l.spec.Name) // so that it is never started
		}
	}
	r.mu.Unlock()
	for _, l := range lanes {
		if running {
			<-l.done
		}
	}
}

func (r *reader) fingerprint() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spec.Fingerprint
}

func (r *reader) currentLanes() map[string]*lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.lanes)
}

// open opens the log, waiting until there is one. In once mode it does not wait: what is not there needs no pumping.
func (r *reader) open(ctx context.Context) (Log, error) {
	var wait backoff.Backoff
	wait.Max = 5 * time.Second
	for {
		source, err := r.spec.Open(ctx)
		if err == nil {
			r.setWaiting(nil)
			return source, nil
		}
		if r.opts.Once && nothingThere(err) {
			r.finishLanes()
		}
		if err := r.waitFor(ctx, &wait, err); err != nil {
			return nil, err
		}
	}
}

// seek finds where a lane without a position starts, waiting until there is a log.
func (r *reader) seek(ctx context.Context, source Log, start Start) (Position, error) {
	var wait backoff.Backoff
	wait.Max = 5 * time.Second
	for {
		pos, err := source.Seek(ctx, start)
		if err == nil {
			r.setWaiting(nil)
			return pos, nil
		}
		if r.opts.Once && nothingThere(err) {
			r.finishLanes()
		}
		if err := r.waitFor(ctx, &wait, err); err != nil {
			return Position{}, err
		}
	}
}

// waitFor says once what is being waited for, and waits a little. In once mode it returns err instead, which Run does too
// unless there is just no log.
func (r *reader) waitFor(ctx context.Context, wait *backoff.Backoff, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.waitsFor(err)
	if r.opts.Once {
		return err
	}
	return wait.Wait(ctx, 0)
}

// waitsFor notes what the reader waits for, and says so if that is news.
func (r *reader) waitsFor(err error) {
	if !r.setWaiting(err) {
		return
	}
	notYet := errors.Is(err, ErrNotYet)
	if !notYet {
		r.opts.Metrics.Count("exception", 1, withTags(r.spec.Tags, map[string]string{"exception": kindOf(err), "where": "reading"}))
	}
	switch {
	case r.opts.Once && nothingThere(err):
		r.log.Info("there is no log, so there is nothing to pump", "error", err)
	case r.opts.Once: // Run returns it
	case notYet:
		r.log.Info("the log is not available yet, waiting for it", "error", err)
	default:
		r.log.Error("cannot open the log, trying again", "error", err)
	}
}

// setWaiting notes what is being waited for; changed is false if it reads as what was noted before.
func (r *reader) setWaiting(why error) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed = textOf(r.waiting) != textOf(why)
	r.waiting = why
	return changed
}

// why returns what the reader waits for.
func (r *reader) why() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiting
}

// textOf is an error as the state has it: "" for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// finishLanes notes, in once mode, that there is nothing to deliver.
func (r *reader) finishLanes() {
	for _, l := range r.allLanes() {
		l.state.finish()
	}
}

func (r *reader) allLanes() []*lane { return slices.Collect(maps.Values(r.currentLanes())) }

// snapshot returns the reader's state, with the lanes' lag if the log can tell it.
func (r *reader) snapshot(ctx context.Context) ReaderSnapshot {
	snap := r.observer.snapshot()
	r.mu.Lock()
	snap.Waiting = textOf(r.waiting)
	lanes := maps.Clone(r.lanes)
	r.mu.Unlock()
	snap.Senders = make(map[string]SenderSnapshot, len(lanes))
	for name, l := range lanes {
		snap.Senders[name] = l.state.snapshot()
	}
	r.meter(ctx, snap.Senders)
	r.noteLosses(&snap)
	return snap
}
