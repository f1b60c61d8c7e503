package pump

import (
	"context"
	"time"
)

// A Guarded is a Log whose oldest entries are deleted some day, whether they were read or not, and that looks after those
// who still need them.
type Guarded interface {
	// Guard is told, after each save of the state, where every sender would go on after a crash: what lies before all of
	// these places is needed by nobody, except to look back. It returns what is known of losses to come, and does not wait.
	Guard(lanes []LanePlace) Vacuum
}

// LanePlace is where a lane stands according to the state file.
type LanePlace struct {
	Sender   string
	Position Position
	Lag      Lag
	LookBack time.Duration // by the entries' times, how far before its place it may look back; 0: it does not
}

// Vacuum is what is known of losses to come. It is immutable.
type Vacuum struct {
	// Losses tells how long the first entry that a sender lacks will be there; of senders that are up to date, and where
	// it cannot be told, there is nothing.
	Losses map[string]time.Duration
	// Spooled is what is kept elsewhere because it is, or soon will be, deleted from the log.
	Spooled Spooled
}

// Spooled says how much is kept because a sender lacks it.
type Spooled struct {
	Bytes, Entries int64
}

// Loss is how long the first entry that a sender lacks will be there.
type Loss struct {
	In    time.Duration
	Known bool
}

// guard tells the readers' logs where their lanes stand according to a snapshot that was saved.
func (p *Pump) guard(ctx context.Context, saved Snapshot) {
	for name, r := range p.currentReaders() {
		if s, ok := saved.Readers[name]; ok {
			r.guard(ctx, s)
		}
	}
}

func (r *reader) guard(ctx context.Context, saved ReaderSnapshot) {
	select {
	case r.metering <- struct{}{}: // it is not closed meanwhile
		defer func() { <-r.metering }()
	case <-ctx.Done():
		return
	}
	log, ok := r.source.(Guarded)
	if !ok {
		return
	}
	lanes := make([]LanePlace, 0, len(saved.Senders))
	for name, s := range saved.Senders {
		if s.Started {
			lanes = append(lanes, LanePlace{Sender: name, Position: s.Position, Lag: s.Lag, LookBack: r.lookBack(name)})
		}
	}
	v := log.Guard(lanes)
	r.mu.Lock()
	r.vacuum = v
	r.mu.Unlock()
}

// lookBack returns how far before its place a sender may look back.
func (r *reader) lookBack(sender string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lanes[sender]; l != nil && l.spec.Recorder != nil {
		return l.spec.Recorder.LookBack()
	}
	return 0
}

// noteLosses fills in what is known of losses to come.
func (r *reader) noteLosses(snap *ReaderSnapshot) {
	r.mu.Lock()
	v := r.vacuum
	r.mu.Unlock()
	snap.Spooled = v.Spooled
	for name, in := range v.Losses {
		if s, ok := snap.Senders[name]; ok {
			s.Loss = Loss{In: in, Known: true}
			snap.Senders[name] = s
		}
	}
}

// reportSpooled sends how much is kept: again and again while there is anything, and once when there is not any more.
func (r *reader) reportSpooled(s Spooled) {
	r.mu.Lock()
	before := r.spooled
	r.spooled = s
	r.mu.Unlock()
	if s != before || s != (Spooled{}) {
		r.opts.Metrics.Gauge("journal.vacuum_spool_bytes", float64(s.Bytes), r.observer.tags)
		r.opts.Metrics.Gauge("journal.vacuum_spool_entries", float64(s.Entries), r.observer.tags)
	}
}
