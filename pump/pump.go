package pump

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are the engine's settings.
type Options struct {
	Logger  *slog.Logger
	Metrics Metrics
	State   Snapshot             // where to go on
	Save    func(Snapshot) error // keeps the state; called by one goroutine at a time
	// Record is told of every position that has moved, before anything more is sent, and of where the log began for a lane
	// that has none yet, so that both are known even if the program is killed before the next Save. It may be nil; it is
	// called concurrently.
	Record      func(reader, sender string, s SenderSnapshot)
	SaveEvery   time.Duration         // at most so often while running; 0: 1 s
	Saved       func(Snapshot, error) // told after each save, if not nil
	StopTimeout time.Duration         // what a stop may take altogether, saving the state included; 0: 10 s
	Once        bool                  // pump what there is, then end
	Timeout     time.Duration         // in once mode: how long a destination may refuse, or the log fail, before it is given up; 0: 1 min
}

const (
	defaultSaveEvery   = time.Second
	defaultStopTimeout = 10 * time.Second
	defaultTimeout     = time.Minute
	reportEvery        = 10 * time.Second // as often as the original sends its gauges
)

// sendLimit returns how long a call of the sender may take.
func (o *Options) sendLimit(s *SenderSpec) time.Duration {
	limit := max(callLimit, s.SendLimit)
	if o.Once {
		return min(limit, o.Timeout)
	}
	return limit
}

// Pump runs readers and their lanes.
type Pump struct {
	opts    Options
	started time.Time
	reloads chan reload
	moved   chan struct{} // signalled when a position has moved

	mu      sync.Mutex
	readers map[string]*reader
}

type reload struct {
	specs []ReaderSpec
	done  chan struct{}
}

// New returns a pump that is not running yet.
func New(opts Options) *Pump {
	if opts.SaveEvery <= 0 {
		opts.SaveEvery = defaultSaveEvery
	}
	if opts.StopTimeout <= 0 {
		opts.StopTimeout = defaultStopTimeout
	}
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	return &Pump{opts: opts, started: time.Now(), reloads: make(chan reload), moved: make(chan struct{}, 1), readers: map[string]*reader{}}
}

// sendingAfterStop is how long what is being sent at a stop may still be accepted.
func (o *Options) sendingAfterStop() time.Duration {
	return o.StopTimeout - min(o.StopTimeout/5, 2*time.Second)
}

// waitingAfterStop is how long is waited for all to end. The rest is for saving the state.
func (o *Options) waitingAfterStop() time.Duration {
	return o.StopTimeout - min(o.StopTimeout/10, time.Second)
}

// Run pumps until the context ends; what is being sent then may still be accepted for most of StopTimeout. In once mode it
// ends when everything there is has been delivered, but for what was given up, of which its error says how much is left.
//
// What ignores that its context has ended does not hold up a stop: the state is saved, and Run returns an error and leaves
// it behind. The program has to end then.
func (p *Pump) Run(ctx context.Context, specs []ReaderSpec) error {
	run, stop := context.WithCancel(ctx)
	defer stop()
	lasting := context.WithoutCancel(ctx)
	for _, spec := range specs {
		p.add(spec, p.opts.State.Readers[spec.Name])
	}
	if p.opts.Record != nil { // what is recorded goes on from a state that is saved
		p.trySave(lasting)
	}
	for _, r := range p.allReaders() {
		p.start(run, r)
	}
	quit := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { p.saveLoop(lasting, quit) })
	background.Go(func() { p.reportLoop(lasting, quit) })
	background.Go(func() { p.watchLoop(lasting, quit) })

	var err error
	if p.opts.Once {
		err = p.drain(run)
	} else {
		p.serve(run)
	}
	stop()
	late := p.awaitEnd()
	close(quit)
	background.Wait()
	rest, cancel := context.WithTimeout(lasting, p.opts.StopTimeout-p.opts.waitingAfterStop())
	defer cancel()
	saved := p.save(rest)
	p.report(rest)
	return errors.Join(err, late, saved)
}

// awaitEnd waits for all readers to end, but not for ever.
func (p *Pump) awaitEnd() error {
	limit := time.NewTimer(p.opts.waitingAfterStop())
	defer limit.Stop()
	for _, r := range p.allReaders() {
		select {
		case <-r.done:
		case <-limit.C:
			return fmt.Errorf("not everything stopped within %v: %s; what was being sent will be sent again", p.opts.StopTimeout, strings.Join(p.running(), ", "))
		}
	}
	return nil
}

// running names what has not ended.
func (p *Pump) running() []string {
	var names []string
	for name, r := range p.currentReaders() {
		select {
		case <-r.done:
			continue
		default:
		}
		before := len(names)
		for _, l := range r.allLanes() {
			select {
			case <-l.done:
			default:
				names = append(names, name+"/"+l.spec.Name)
			}
		}
		if len(names) == before {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// serve applies reloads until the context ends.
func (p *Pump) serve(ctx context.Context) {
	for {
		select {
		case r := <-p.reloads:
			p.apply(ctx, r.specs)
			close(r.done)
		case <-ctx.Done():
			return
		}
	}
}

// Reload makes the running pump what the specs say. Readers and senders whose fingerprints have not changed go on
// undisturbed. It returns once all that changed has been stopped and started again. Not in once mode.
func (p *Pump) Reload(ctx context.Context, specs []ReaderSpec) error {
	r := reload{specs, make(chan struct{})}
	select {
	case p.reloads <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pump) apply(ctx context.Context, specs []ReaderSpec) {
	wanted := make(map[string]ReaderSpec, len(specs))
	for _, s := range specs {
		wanted[s.Name] = s
	}
	var leaving []*reader
	for name, r := range p.currentReaders() {
		spec, ok := wanted[name]
		if ok && spec.Fingerprint == r.fingerprint() {
			r.reconfigure(spec)
			delete(wanted, name)
			continue
		}
		r.cancel()
		leaving = append(leaving, r)
	}
	// Until its successor is there, a reader that was stopped still stands for its state.
	before := make(map[string]ReaderSnapshot, len(leaving))
	for _, r := range leaving {
		<-r.done
		before[r.name] = r.snapshot(ctx)
		if _, ok := wanted[r.name]; !ok {
			p.mu.Lock()
			delete(p.readers, r.name)
			p.mu.Unlock()
		}
	}
	for _, spec := range specs {
		if _, ok := wanted[spec.Name]; ok {
			p.start(ctx, p.add(spec, before[spec.Name]))
		}
	}
}

// add adds a reader that does not run yet.
func (p *Pump) add(spec ReaderSpec, before ReaderSnapshot) *reader {
	r := newReader(spec, before, &p.opts, p.settled)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers[spec.Name] = r
	return r
}

func (p *Pump) start(ctx context.Context, r *reader) {
	ctx, r.cancel = context.WithCancel(ctx)
	go r.run(ctx) // Run and apply wait for r.done
}

// Reopen has every sender that can do so let go of what it has open (SIGHUP after a log rotation).
func (p *Pump) Reopen() {
	for _, r := range p.allReaders() {
		for _, l := range r.allLanes() {
			select {
			case l.reopen <- struct{}{}:
			default: // asked already
			}
		}
	}
}

// Stuck reports whether a part of the pump has not come back from a call for far too long, so that only a restart can
// help. A destination that refuses or is slow is not that.
func (p *Pump) Stuck() bool {
	now := time.Now()
	return slices.ContainsFunc(p.allReaders(), func(r *reader) bool { return r.stuck(now) })
}

// Snapshot returns the state of everything now.
func (p *Pump) Snapshot(ctx context.Context) Snapshot {
	readers := p.currentReaders()
	snap := Snapshot{StartTime: p.started, Readers: make(map[string]ReaderSnapshot, len(readers))}
	for name, r := range readers {
		snap.Readers[name] = r.snapshot(ctx)
	}
	return snap
}

func (p *Pump) currentReaders() map[string]*reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.readers)
}

func (p *Pump) allReaders() []*reader { return slices.Collect(maps.Values(p.currentReaders())) }

// settled notes that a position has moved.
func (p *Pump) settled() {
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// saveLoop saves the state as soon as a position has moved, but at most every SaveEvery, so that after a crash as little
// as possible is sent again; and every SaveEvery whatever else may have changed.
func (p *Pump) saveLoop(ctx context.Context, quit <-chan struct{}) {
	tick := time.NewTicker(p.opts.SaveEvery)
	defer tick.Stop()
	var last time.Time // when moved positions were last saved
	for {
		select {
		case <-p.moved:
			if time.Since(last) < p.opts.SaveEvery {
				select { // the next tick is near
				case <-tick.C:
				case <-quit:
					return
				}
			}
			last = time.Now()
			tick.Reset(p.opts.SaveEvery)
		case <-tick.C:
		case <-quit:
			return
		}
		p.trySave(ctx)
	}
}

func (p *Pump) trySave(ctx context.Context) {
	if err := p.save(ctx); err != nil {
		p.opts.Logger.Error("the state could not be saved; after a crash entries would be sent again", "error", err)
	}
}

func (p *Pump) save(ctx context.Context) error {
	snap := p.Snapshot(ctx)
	var err error
	if p.opts.Save != nil {
		err = p.opts.Save(snap)
	}
	if p.opts.Saved != nil {
		p.opts.Saved(snap, err)
	}
	if err != nil {
		return fmt.Errorf("saving the state: %w", err)
	}
	p.guard(ctx, snap)
	return nil
}
