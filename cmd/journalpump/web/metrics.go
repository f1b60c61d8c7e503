package web

import (
	"context"
	"fmt"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"journalpump/pump"
)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

// maxScrapes is how many may ask for the metrics at a time.
const maxScrapes = 4

// metrics returns the handler of /metrics.
func (s *Server) metrics() (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		newCollector(&s.opts, s.vitals),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, ErrorHandling: promhttp.ContinueOnError}), nil
}

// collector makes metrics of one snapshot, so that they fit together: what was read and is neither in flight nor filtered
// nor dead was accepted, in every scrape.
//
// Counters begin at 0 when the program starts, as Prometheus wants them. What the state file keeps goes on from before,
// and may go back a little after a crash, which would look like a new beginning at a high number.
type collector struct {
	opts    *Options
	vitals  *vitals
	build   *prometheus.Desc
	agent   []metric[agentState]
	readers []metric[readerState]
	senders []metric[senderState]
	hits    *prometheus.Desc
}

// metric is how one metric comes out of a T; ok is false when it does not.
type metric[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(T) (v float64, ok bool)
}

func newCollector(opts *Options, v *vitals) *collector {
	return &collector{
		opts: opts, vitals: v,
		build: prometheus.NewDesc("journalpump_build_info", "The version that runs; always 1.", nil,
			prometheus.Labels{"version": opts.Version, "goversion": runtime.Version()}),
		agent:   agentMetrics(),
		readers: readerMetrics(),
		senders: senderMetrics(),
		hits:    describe("reader_search_hits_total", "Entries that a search matched.", "reader", "search"),
	}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("journalpump_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	out <- c.build
	out <- c.hits
	for _, m := range c.agent {
		out <- m.desc
	}
	for _, m := range c.readers {
		out <- m.desc
	}
	for _, m := range c.senders {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := take(context.Background(), c.opts.Agent)
	emit(out, c.build, gauge, 1)
	collect(out, c.agent, agentState{c.vitals.now(), c.opts.Agent.Stuck()})
	for reader, r := range s.Readers {
		before := c.opts.Before.Readers[reader]
		collect(out, c.readers, readerState{&r, since(r.Gaps, before.Gaps)}, reader)
		for search, n := range r.Searches {
			emit(out, c.hits, counter, float64(n), reader, search)
		}
		for name, sender := range r.Senders {
			was := before.Senders[name]
			collect(out, c.senders, senderState{&sender, ledgerSince(sender.Ledger, was.Ledger), since(sender.Gaps, was.Gaps)},
				reader, name, sender.Type)
		}
	}
}

func collect[T any](out chan<- prometheus.Metric, metrics []metric[T], of T, labels ...string) {
	for _, m := range metrics {
		if v, ok := m.value(of); ok {
			emit(out, m.desc, m.kind, v, labels...)
		}
	}
}

func emit(out chan<- prometheus.Metric, desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
	m, err := prometheus.NewConstMetric(desc, kind, v, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	out <- m
}

// ledgerSince returns what was added to a ledger since before; a smaller one has begun anew.
func ledgerSince(now, before pump.Ledger) pump.Ledger {
	if now.Filtered < before.Filtered || now.Accepted < before.Accepted || now.DeadLettered < before.DeadLettered {
		return now
	}
	now.Filtered -= before.Filtered
	now.Accepted -= before.Accepted
	now.DeadLettered -= before.DeadLettered
	return now
}

// since does the same for gaps.
func since(now, before pump.GapTotals) pump.GapTotals {
	if now.Count < before.Count || now.Entries < before.Entries {
		return now
	}
	now.Count -= before.Count
	now.Entries -= before.Entries
	return now
}
