package elasticsearch

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func timer(t *testing.T, milliseconds int) <-chan time.Time {
	t.Helper()
	timer := time.NewTimer(time.Duration(milliseconds) * time.Millisecond)
	t.Cleanup(func() { timer.Stop() })
	return timer.C
}

// destination is a cluster as the suite wants to have it.
type destination struct {
	*cluster
	config  *Config
	product product
	limit   int
	sorted  bool
}

func (d *destination) Open(ctx context.Context) (pump.Sender, error) {
	s, err := d.config.open(ctx, d.product, slog.New(slog.NewTextHandler(d.t.Output(), nil)))
	if err == nil && d.limit > 0 {
		s.(*sender).limit = d.limit
	}
	return s, err
}

func (d *destination) Script(f sendertest.Fault) { d.set(func() { d.fault = f }) }

func (d *destination) Accepted() [][]byte {
	if d.sorted {
		return d.searched()
	}
	return d.bodies()
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		product product
		opens   bool
		gzip    bool
		limit   int
	}{
		"elasticsearch 6":                    {version: "6.8.23", product: elasticsearch, gzip: true},
		"elasticsearch 7":                    {version: "7.17.29", product: elasticsearch},
		"elasticsearch 9":                    {version: "9.1.4", product: elasticsearch, gzip: true},
		"opensearch 1":                       {version: "1.3.20", product: opensearch, opens: true, gzip: true},
		"elasticsearch that is OpenSearch 3": {version: "3.2.0", product: elasticsearch, opens: true, gzip: true},
		"opensearch says it is 7.10":         {version: "7.10.2", product: opensearch},
		"several requests at a time":         {version: "8.19.4", product: elasticsearch, gzip: true, limit: 500},
	} {
		t.Run(name, func(t *testing.T) {
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					d := &destination{cluster: newCluster(t, c.version), config: DefaultConfig(), product: c.product, limit: c.limit, sorted: c.limit > 0}
					d.opens = c.opens
					d.config.URL = conf.NewSecret(d.URL)
					d.config.Gzip = c.gzip
					return d
				},
				Lacks:  map[sendertest.Fault]string{sendertest.CommitFails: "the sender is no Committer"},
				Dedups: true,
			})
		})
	}
}
