//go:build integration

package integration

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc"

	"journalpump/test/program"
)

// cloudLogging is a server of Google's protocol that keeps everything, what it has had already too.
type cloudLogging struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	t *testing.T

	mu      sync.Mutex
	numbers []int
	ids     map[string]bool
}

func (c *cloudLogging) WriteLogEntries(_ context.Context, r *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range r.GetEntries() {
		c.numbers = append(c.numbers, number(c.t, e.GetJsonPayload().GetFields()["MESSAGE"].GetStringValue()))
		c.ids[e.GetInsertId()] = true
	}
	return &loggingpb.WriteLogEntriesResponse{}, nil
}

func (c *cloudLogging) all() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.numbers)
}

// serve starts the server; stop breaks its connections.
func (c *cloudLogging) serve(address string) (stop func()) {
	c.t.Helper()
	l, err := new(net.ListenConfig).Listen(c.t.Context(), "tcp", address)
	if err != nil {
		c.t.Fatal(err)
	}
	s := grpc.NewServer(grpc.MaxRecvMsgSize(10 << 20))
	loggingpb.RegisterLoggingServiceV2Server(s, c)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	return func() { s.Stop(); wg.Wait() }
}

// Google's service can't be had here, so the protocol's server is one of the test.
func TestGoogleCloudLogging(t *testing.T) {
	c := &cloudLogging{t: t, ids: map[string]bool{}}
	address := program.FreeAddress(t)
	stop := c.serve(address)
	p := program.Start(t, nil, configure(t, numberedJournal(t), map[string]any{
		"output_type": "google_cloud_logging", "google_cloud_logging_project_id": "p", "google_cloud_logging_log_id": "l",
		"google_cloud_logging_endpoint": "http://" + address,
	}))
	until(t, "some entries are there", func() bool { return len(c.all()) > entries/10 })
	stop()
	if n := len(c.all()); n >= entries {
		t.Fatalf("all %d were there before the server was stopped", n)
	}
	defer c.serve(address)()
	until(t, "all entries are there", func() bool { return distinct(c.all()) == entries })
	p.Stop(t)
	allOnce(t, c.all(), batch) // the request that was under way
	if len(c.ids) != entries {
		t.Errorf("%d insert IDs for %d entries: what is there twice would not be recognised", len(c.ids), entries)
	}
}
