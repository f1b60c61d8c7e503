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

// cloudLogging is a server of Google's protocol that keeps everything, what it has had already too. One request it stores and
// never answers.
type cloudLogging struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	t *testing.T

	silent chan struct{} // closed when there is that request

	mu       sync.Mutex
	requests int
	numbers  []int
	ids      map[string]bool
}

// silentAt is the request that isn't answered.
const silentAt = 50

func (c *cloudLogging) WriteLogEntries(ctx context.Context, r *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	if c.store(r) == silentAt {
		close(c.silent)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &loggingpb.WriteLogEntriesResponse{}, nil
}

// store keeps the entries and returns which request this is.
func (c *cloudLogging) store(r *loggingpb.WriteLogEntriesRequest) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range r.GetEntries() {
		c.numbers = append(c.numbers, number(c.t, e.GetJsonPayload().GetFields()["MESSAGE"].GetStringValue()))
		c.ids[e.GetInsertId()] = true
	}
	c.requests++
	return c.requests
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
	c := &cloudLogging{t: t, silent: make(chan struct{}), ids: map[string]bool{}}
	address := program.FreeAddress(t)
	stop := c.serve(address)
	p := program.Start(t, nil, configure(t, numberedJournal(t), map[string]any{
		"output_type": "google_cloud_logging", "google_cloud_logging_project_id": "p", "google_cloud_logging_log_id": "l",
		"google_cloud_logging_endpoint": "http://" + address,
	}))
	await(t, "a request is not answered", c.silent)
	stop()
	defer c.serve(address)()
	until(t, "all entries are there", func() bool { return distinct(c.all()) == entries })
	p.Stop(t)
	if again := allOnce(t, c.all(), batch); again == 0 {
		t.Error("the batch that was not answered was not sent again")
	}
	if len(c.ids) != entries {
		t.Errorf("%d insert IDs for %d entries: what is there twice would not be recognised", len(c.ids), entries)
	}
}
