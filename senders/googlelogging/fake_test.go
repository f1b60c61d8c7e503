package googlelogging

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// fake is a server of the logging service, which like the real one recognises what it has already.
type fake struct {
	loggingpb.UnimplementedLoggingServiceV2Server
	t      testing.TB
	config *Config
	listen *listener
	closed chan struct{}

	mu       sync.Mutex
	fault    sendertest.Fault
	answer   func(*loggingpb.WriteLogEntriesRequest) error // instead of storing, unless it returns nil
	requests []*loggingpb.WriteLogEntriesRequest
	entries  []*loggingpb.LogEntry
	seen     map[string]bool
}

// listener can break the connections it has accepted.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.conns = append(l.conns, c)
	}
	return c, err
}

func (l *listener) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func newFake(tb testing.TB) *fake {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f := &fake{t: tb, listen: &listener{Listener: l}, closed: make(chan struct{}), seen: map[string]bool{}}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(10 << 20))
	loggingpb.RegisterLoggingServiceV2Server(server, f)
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(f.listen) })
	tb.Cleanup(func() {
		close(f.closed)
		server.Stop()
		wg.Wait()
	})
	f.config = &Config{Project: "project", LogID: "log", Endpoint: "http://" + l.Addr().String()}
	return f
}

// WriteLogEntries implements the service.
func (f *fake) WriteLogEntries(ctx context.Context, r *loggingpb.WriteLogEntriesRequest) (*loggingpb.WriteLogEntriesResponse, error) {
	f.mu.Lock()
	fault, answer := f.fault, f.answer
	f.fault = ""
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	ok := &loggingpb.WriteLogEntriesResponse{}
	if answer != nil {
		if err := answer(r); err != nil {
			return nil, err
		}
	}
	switch fault {
	case sendertest.Refuse:
		return nil, status.Error(codes.Unavailable, "not now")
	case sendertest.RefusePart:
		return nil, f.part(r, codes.Internal, 1, 2, 5)
	case sendertest.RefuseForever:
		return nil, f.part(r, codes.InvalidArgument, 1)
	case sendertest.Throttle:
		return nil, withDetails(codes.ResourceExhausted, "Quota exceeded", &errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)})
	case sendertest.TooLarge:
		return nil, status.Error(codes.InvalidArgument, "Request payload size exceeds the limit: 10485760 bytes.")
	case sendertest.Hang:
		select {
		case <-f.closed:
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	case sendertest.BreakBefore:
		f.listen.drop()
		return nil, ctx.Err()
	case sendertest.Slow:
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
	default:
	}
	f.store(r.GetEntries())
	if fault == sendertest.BreakAfter {
		f.listen.drop()
	}
	return ok, nil
}

func withDetails(code codes.Code, text string, detail protoadapt.MessageV1) error {
	s, err := status.New(code, text).WithDetails(detail)
	if err != nil {
		return err
	}
	return s.Err()
}

// part stores all but some entries.
func (f *fake) part(r *loggingpb.WriteLogEntriesRequest, code codes.Code, refused ...int) error {
	errs := map[int32]*rpcstatus.Status{}
	for i, e := range r.GetEntries() {
		if slices.Contains(refused, i) {
			errs[int32(i)] = &rpcstatus.Status{Code: int32(code), Message: "not this one"}
		} else {
			f.store([]*loggingpb.LogEntry{e})
		}
	}
	return withDetails(code, "some", protoadapt.MessageV1Of(&loggingpb.WriteLogEntriesPartialErrors{LogEntryErrors: errs}))
}

func (f *fake) store(entries []*loggingpb.LogEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range entries {
		id := e.GetLogName() + " " + e.GetInsertId() + " " + e.GetTimestamp().String()
		if !f.seen[id] {
			f.seen[id] = true
			f.entries = append(f.entries, e)
		}
		if size := proto.Size(e); size > 256<<10 {
			f.t.Errorf("an entry of %d bytes", size)
		}
	}
}

func (f *fake) Open(ctx context.Context) (pump.Sender, error) {
	return f.config.Open(ctx, "gcl", slog.New(slog.NewTextHandler(f.t.Output(), nil)))
}

func (f *fake) Script(fault sendertest.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Accepted returns the payloads as JSON with its keys sorted.
func (f *fake) Accepted() [][]byte {
	var all [][]byte
	for _, e := range f.stored() {
		all = append(all, canonical(f.t, e.GetJsonPayload().AsMap()))
	}
	return all
}

func (f *fake) stored() []*loggingpb.LogEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.entries)
}

func canonical(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
