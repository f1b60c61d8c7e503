package web

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"journalpump/pump"
)

func newRegistry(t *testing.T, opts *Options) *prometheus.Registry {
	t.Helper()
	v := newVitals(time.Now())
	v.saved(nil, time.Now())
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(newCollector(opts, v)); err != nil {
		t.Fatal(err)
	}
	return r
}

func gather(t *testing.T, opts *Options) []*dto.MetricFamily {
	t.Helper()
	families, err := newRegistry(t, opts).Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func TestMetricsFollowTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(newRegistry(t, &Options{Agent: newAgent(), Version: "v1"}))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %+v", err, problems)
	}
}

func TestCountersBeginWithTheProgram(t *testing.T) {
	a := newAgent()
	before := pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{"r": {
		Gaps: pump.GapTotals{Count: 4, Entries: 40},
		Senders: map[string]pump.SenderSnapshot{
			"s":   {Ledger: pump.Ledger{Read: 900, Filtered: 90, Accepted: 800, DeadLettered: 10}, Gaps: pump.GapTotals{Count: 3, Entries: 30}},
			"new": {Ledger: pump.Ledger{Accepted: 100}}, // of another sender that was called so
		},
	}}}
	a.snapshot.Readers["r"].Senders["new"] = pump.SenderSnapshot{Ledger: pump.Ledger{Accepted: 7}}
	a.snapshot.Readers["waiting"] = pump.ReaderSnapshot{Waiting: "not available yet"}
	got := map[string]float64{}
	for _, f := range gather(t, &Options{Agent: a, Before: before}) {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "journalpump_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"reader_up r": 1, "reader_up waiting": 0, "reader_gaps_total r": 1, "reader_gap_entries_total r": 10, "reader_entries_read_total r": 100,
		"reader_search_hits_total r found": 3, "reader_spooled_bytes r": 4096,
		"sender_up r s FileSender": 1, "sender_entries_accepted_total r s FileSender": 80, "sender_entries_filtered_total r s FileSender": 10,
		"sender_entries_dead_lettered_total r s FileSender": 5, "sender_in_flight_entries r s FileSender": 5, "sender_gaps_total r s FileSender": 0,
		"sender_lag_entries r s FileSender": 9, "sender_lag_seconds r s FileSender": 1.5, "sender_vacuum_loss_seconds r s FileSender": 3600,
		"sender_entries_accepted_total r new ": 7, "config_last_reload_successful": 1, "stuck": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: got %v (%t), want %v", name, v, ok, want)
		}
	}
	for _, name := range []string{"sender_lag_entries r new ", "sender_lag_seconds r new ", "sender_vacuum_loss_seconds r new ", "sender_last_accepted_timestamp_seconds r new "} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is not known, but %v", name, v)
		}
	}
}

func TestHostileNamesAreLabels(t *testing.T) {
	a := newAgent()
	a.snapshot.Readers["r"].Senders["\"} 1\n# TYPE \xff\\"] = pump.SenderSnapshot{}
	s := newServer(t, a)
	h, err := s.metrics()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	if !strings.Contains(w.Body.String(), `journalpump_sender_up{reader="r",sender="s",type="FileSender"} 1`) || strings.Contains(w.Body.String(), "\n# TYPE \xff") {
		t.Errorf("got %s", w.Body)
	}
	for _, other := range []string{"go_goroutines ", "process_resident_memory_bytes ", `journalpump_build_info{goversion="go`} {
		if !strings.Contains(w.Body.String(), other) {
			t.Errorf("%s is missing", other)
		}
	}
}

var documented = regexp.MustCompile("(?m)^\\| `(journalpump_[a-z_]+)` \\| (\\w+) \\|(.*?)\\|")

// docs/metrics.md has every metric, with its type and labels, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var docs, exported []string
	for _, m := range documented.FindAllStringSubmatch(string(text), -1) {
		docs = append(docs, fmt.Sprintf("%s %s %s", m[1], m[2], strings.TrimSpace(strings.ReplaceAll(m[3], "`", ""))))
	}
	for _, f := range gather(t, &Options{Agent: newAgent(), Version: "v1"}) {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		exported = append(exported, fmt.Sprintf("%s %s %s", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", ")))
	}
	slices.Sort(docs)
	slices.Sort(exported)
	if diff := cmp.Diff(exported, docs); diff != "" {
		t.Errorf("docs/metrics.md (-exported +documented):\n%s", diff)
	}
}

// manySenders returns an agent with 20 senders.
func manySenders() *agent {
	a := newAgent()
	for i := range 19 {
		a.snapshot.Readers["r"].Senders[fmt.Sprint("s", i)] = a.snapshot.Readers["r"].Senders["s"]
	}
	return a
}

// What a scrape costs with 20 senders, and so what it takes from the pump.
func BenchmarkScrape(b *testing.B) {
	a := manySenders()
	s, err := New(Options{Agent: a, Version: "v1", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	h, err := s.metrics()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "GET", "/metrics", nil))
	}
}

// What each second costs while somebody watches 20 senders.
func BenchmarkUpdate(b *testing.B) {
	a := manySenders()
	opts := Options{Agent: a}
	s := newSampler(&opts, newVitals(time.Now()))
	for range keepPoints {
		s.sample(b.Context(), true)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.sample(b.Context(), false)
		u, _ := s.update(s.history.n)
		if _, err := json.Marshal(u); err != nil {
			b.Fatal(err)
		}
	}
}
