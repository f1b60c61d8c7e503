package pump

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// healthGauge is the value of journal.status, as in the original.
func healthGauge(h Health) float64 {
	switch h {
	case Connected:
		return 3
	case Stopped:
		return 0
	default:
		return 2
	}
}

// reportLoop sends the gauges now and then.
func (p *Pump) reportLoop(ctx context.Context, quit <-chan struct{}) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.report(ctx)
		case <-quit:
			return
		}
	}
}

func (p *Pump) report(ctx context.Context) {
	for _, r := range p.allReaders() {
		r.report(ctx, p.started)
	}
}

// report sends the reader's and its lanes' gauges, with the original's names and tags.
func (r *reader) report(ctx context.Context, started time.Time) {
	m := r.opts.Metrics
	r.observer.report()
	snap := r.snapshot(ctx)
	failed := 0
	for _, l := range r.allLanes() {
		s, tags := snap.Senders[l.spec.Name], l.state.tags
		since := s.LastSent
		if since.IsZero() {
			since = started
		}
		m.Gauge("journal.last_sent_ago", time.Since(since).Seconds(), tags)
		m.Gauge("journal.sent_bytes", float64(s.SentBytes), tags)
		m.Gauge("journal.sent_lines", float64(s.SentRecords), tags)
		m.Gauge("journal.status", healthGauge(s.Health), tags)
		m.Gauge("journal.lag_entries", float64(s.Lag.Entries), tags)
		m.Gauge("journal.lag_seconds", s.Lag.Age.Seconds(), tags)
		if s.Loss.Known {
			m.Gauge("journal.vacuum_seconds", s.Loss.In.Seconds(), tags)
		}
		if !l.state.wasOpened() {
			failed++
		}
		if err := s.Ledger.Balanced(); err != nil {
			l.log.Error("please report this", "error", err, "ledger", fmt.Sprintf("%+v", s.Ledger))
		}
	}
	r.reportSpooled(snap.Spooled)
	r.reportFailed(failed)
}

// reportFailed sends how many senders could not be opened: again and again while there are any, and once when there are
// none any more.
func (r *reader) reportFailed(failed int) {
	r.mu.Lock()
	before := r.failed
	r.failed = failed
	r.mu.Unlock()
	if failed > 0 || before > 0 {
		r.opts.Metrics.Gauge("sender.failed_to_start", float64(failed), r.observer.tags)
	}
}

func (o *observer) report() {
	o.mu.Lock()
	read, lines, bytes, secret := o.lastRead, o.lines, o.bytes, o.secret
	o.secret = 0
	o.mu.Unlock()
	o.metrics.Gauge("journal.last_read_ago", time.Since(read).Seconds(), o.tags)
	o.metrics.Gauge("journal.read_lines", float64(lines), o.tags)
	o.metrics.Gauge("journal.read_bytes", float64(bytes), o.tags)
	if o.secrets && secret > 0 {
		o.metrics.Count("journal.secret_filter_match", secret, o.tags)
	}
}

func (s *laneState) wasOpened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// kindOf names the kind of an error for a metric's tag: the type of the innermost one.
func kindOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}
