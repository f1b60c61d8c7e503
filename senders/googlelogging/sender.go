package googlelogging

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/api/monitoredres"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"journalpump/pump"
)

// maxRequest is how many bytes of entries go into a request. The service takes 10 MB in all.
const maxRequest = 9_000_000

// sender is a pump.Sender.
type sender struct {
	conn     *grpc.ClientConn
	client   loggingpb.LoggingServiceV2Client
	name     *logName
	routes   map[string]*logName // by where they lead, pump.Route.To
	resource *monitoredres.MonitoredResource

	failed  bool // so the connection may be waiting before it tries again
	id      []byte
	entries []*loggingpb.LogEntry
}

func newSender(conn *grpc.ClientConn, name *logName, labels map[string]string) *sender {
	return &sender{
		conn: conn, client: loggingpb.NewLoggingServiceV2Client(conn), name: name, routes: map[string]*logName{},
		resource: &monitoredres.MonitoredResource{Type: "generic_node", Labels: labels},
	}
}

// nameOf returns the name of the log that a record goes to.
func (s *sender) nameOf(r *pump.Record) string {
	to := r.To()
	if to == "" {
		return s.name.of(r)
	}
	n := s.routes[to]
	if n == nil {
		var err error
		if n, err = s.name.another(to); err != nil { // CheckRoute has seen it
			n = s.name
		}
		s.routes[to] = n
	}
	return n.of(r)
}

// Send writes the records, in one request unless they are too large for one.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.failed {
		s.conn.ResetConnectBackoff() // the engine has waited already
	}
	defer func() {
		clear(s.entries)
		s.entries = s.entries[:0]
	}()
	for i := range b.Records {
		s.entries = append(s.entries, s.entry(&b.Records[i]))
	}
	refused := map[int]error{}
	for from := 0; from < len(s.entries); {
		to := from + fit(s.entries[from:])
		err := s.write(ctx, from, to, refused)
		s.failed = err != nil
		if err != nil && from == 0 {
			return err // nothing was accepted
		}
		if err != nil {
			again(refused, from, len(s.entries), err)
			break
		}
		from = to
	}
	if len(refused) > 0 {
		return &pump.PartialError{Errs: refused}
	}
	return nil
}

// fit returns how many of the entries, at least one, go into one request.
func fit(entries []*loggingpb.LogEntry) int {
	bytes := 0
	for n, e := range entries {
		bytes += proto.Size(e) + 8 // its tag and length
		if n > 0 && bytes > maxRequest {
			return n
		}
	}
	return len(entries)
}

// write makes one request of some entries. It adds to refused what the service has not taken although it took others.
func (s *sender) write(ctx context.Context, from, to int, refused map[int]error) error {
	_, err := s.client.WriteLogEntries(ctx, &loggingpb.WriteLogEntriesRequest{
		Resource: s.resource, Entries: s.entries[from:to], PartialSuccess: true,
	})
	if err == nil {
		return nil
	}
	if each := entryErrors(err); len(each) > 0 {
		for i, status := range each {
			if n := from + int(i); i >= 0 && n < to {
				refused[n] = entryMeaning(status)
			}
		}
		return nil
	}
	return fmt.Errorf("writing to Google Cloud Logging: %w", meaning(err))
}

// again has records sent again. An error that halving the batch mends, or that halving finds the culprit of, does not count
// now: the request will be the first of its batch next time.
func again(refused map[int]error, from, to int, err error) {
	if pump.IsPermanent(err) || errors.Is(err, pump.ErrTooLarge) {
		err = fmt.Errorf("sent again alone: %v", err) //nolint:errorlint // not permanent any more
	}
	for i := from; i < to; i++ {
		refused[i] = err
	}
}

// Close closes the connection.
func (s *sender) Close() error { return s.conn.Close() }
