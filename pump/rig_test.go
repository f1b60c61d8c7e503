package pump_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"journalpump/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a pump with one reader over a memLog.
type rig struct {
	t       *testing.T
	log     *memLog
	metrics *testMetrics
	opts    pump.Options
	spec    pump.ReaderSpec
	pump    *pump.Pump

	mu     sync.Mutex
	saved  []pump.Snapshot
	refuse error // what saving fails with
}

func newRig(t *testing.T, entries uint64) *rig {
	t.Helper()
	r := &rig{t: t, log: newMemLog(entries), metrics: newTestMetrics()}
	r.opts = pump.Options{
		Logger:  slog.New(slog.DiscardHandler),
		Metrics: r.metrics,
		Save:    r.save,
	}
	r.spec = pump.ReaderSpec{
		Name:        "r",
		Fingerprint: "r1",
		Open:        func(context.Context) (pump.Log, error) { return r.log, nil },
		Inspector:   testInspector{},
		Searches:    []string{"hundred", "never"},
		CountSecret: true,
	}
	return r
}

// save checks what has to hold at every save.
func (r *rig) save(s pump.Snapshot) error {
	for name, sender := range s.Readers["r"].Senders {
		l := sender.Ledger
		if l.Balanced() != nil {
			r.t.Errorf("%s: the ledger does not balance: %+v", name, l)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	r.saved = append(r.saved, s)
	return nil
}

func (r *rig) last() pump.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.saved) == 0 {
		r.t.Fatal("nothing was saved")
	}
	return r.saved[len(r.saved)-1]
}

func (r *rig) add(name string, s *testSender, view pump.View) *pump.SenderSpec {
	if view == nil {
		view = &testView{}
	}
	r.spec.Senders = append(r.spec.Senders, pump.SenderSpec{Name: name, Type: "TestSender", Fingerprint: name + "1", Open: s.openFunc(), View: view})
	return &r.spec.Senders[len(r.spec.Senders)-1]
}

func (r *rig) once() error {
	r.opts.Once = true
	r.pump = pump.New(r.opts)
	return r.pump.Run(r.t.Context(), []pump.ReaderSpec{r.spec})
}

// start runs the pump; the returned function stops it and waits.
func (r *rig) start() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.pump = pump.New(r.opts)
	done := make(chan error, 1)
	go func() { done <- r.pump.Run(ctx, []pump.ReaderSpec{r.spec}) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	}
}

func upTo(first, last uint64) []uint64 {
	var s []uint64
	for n := first; n <= last; n++ {
		s = append(s, n)
	}
	return s
}

func wantReceived(t *testing.T, name string, s *testSender, want []uint64) {
	t.Helper()
	if got := s.received(); !slices.Equal(got, want) {
		t.Errorf("%s got %d entries %v, want %d %v", name, len(got), ends(got), len(want), ends(want))
	}
}

func ends(s []uint64) string {
	if len(s) <= 40 {
		return fmt.Sprint(s)
	}
	return fmt.Sprintf("%v...%v", s[:20], s[len(s)-20:])
}
