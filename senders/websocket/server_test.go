package websocket

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang/snappy"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// server is a WebSocket server that takes messages apart as the headers say, and misbehaves when it is told to.
type server struct {
	t      *testing.T
	http   *httptest.Server
	config *Config
	hello  string // sent to each client: the original ignores what comes back
	closed chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex
	fault    sendertest.Fault
	left     int // messages to take before the connection breaks
	conns    map[*websocket.Conn]bool
	losing   bool // what comes is answered and lost, until the connection breaks with the second ping from now
	pings    int
	requests []*http.Request
	messages [][]byte // as they came
	accepted [][]byte
}

// newServer starts a server; prepare may change it before it listens.
func newServer(t *testing.T, config *Config, prepare ...func(*server)) *server {
	t.Helper()
	s := &server{t: t, config: config, closed: make(chan struct{}), conns: map[*websocket.Conn]bool{}}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.Config.ErrorLog = nil
	for _, p := range prepare {
		p(s)
	}
	if s.http.TLS == nil {
		s.http.Start()
	} else {
		s.http.StartTLS()
	}
	config.URI = conf.NewSecret("ws" + strings.TrimPrefix(s.http.URL, "http") + "/logs")
	t.Cleanup(func() {
		close(s.closed)
		s.drop()
		s.http.Close()
		s.wg.Wait()
	})
	return s
}

// drop breaks all connections.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.CloseNow()
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.wg.Add(1)
	defer s.wg.Done()
	// Before it is answered: a sender is open as soon as it has the answer.
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionContextTakeover, OnPingReceived: s.pinged,
	})
	if err != nil {
		s.t.Errorf("accepting: %v", err)
		return
	}
	defer c.CloseNow() //nolint:errcheck // it may be closed
	c.SetReadLimit(-1)
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	ctx := context.WithoutCancel(r.Context())
	if s.hello != "" {
		if err := c.Write(ctx, websocket.MessageText, []byte(s.hello)); err != nil {
			return
		}
	}
	for s.message(ctx, c, r.Header) {
	}
}

// message takes a message. It returns false when the connection has ended.
func (s *server) message(ctx context.Context, c *websocket.Conn, h http.Header) bool {
	_, m, err := c.Reader(ctx)
	if err != nil {
		return false
	}
	switch fault := s.take(); fault {
	case sendertest.Refuse:
		_ = c.Close(websocket.StatusTryAgainLater, "not now")
		return false
	case sendertest.TooLarge:
		_ = c.Close(websocket.StatusMessageTooBig, "")
		return false
	case sendertest.Hang:
		<-s.closed
		return false
	case sendertest.BreakBefore, sendertest.BreakWithin:
		_, _ = io.CopyN(io.Discard, m, 10)
		return false
	case sendertest.CommitFails:
		_, err := io.Copy(io.Discard, m)
		return err == nil
	default:
		if fault == sendertest.Slow {
			s.wait(300 * time.Millisecond)
		}
		message, err := io.ReadAll(m)
		if err != nil {
			return false
		}
		s.accept(message, h)
		return fault != sendertest.BreakAfter
	}
}

// take returns the fault that is due, which then is over.
func (s *server) take() sendertest.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left > 0 {
		s.left--
		return ""
	}
	if s.losing {
		return sendertest.CommitFails
	}
	f := s.fault
	s.fault = ""
	s.losing = f == sendertest.CommitFails
	return f
}

// pinged says whether to answer.
func (s *server) pinged(context.Context, []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.losing {
		return true
	}
	if s.pings++; s.pings < 2 {
		return true
	}
	s.losing = false
	for c := range s.conns {
		s.wg.Go(func() { _ = c.CloseNow() }) // which waits for the reader that has called us
	}
	return false
}

func (s *server) accept(message []byte, h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, message)
	if h.Get("Journalpump-Compression") == "snappy" {
		plain, err := snappy.Decode(nil, message)
		if err != nil {
			s.t.Errorf("not snappy: %v", err)
		}
		message = plain
	}
	if h.Get("Journalpump-Batch-Size") == "" {
		s.accepted = append(s.accepted, message)
		return
	}
	s.accepted = append(s.accepted, bytes.Split(message, []byte{0})...)
}

func (s *server) Open(ctx context.Context) (pump.Sender, error) {
	return s.config.Open(ctx, "ws", testLog(s.t))
}

func (s *server) Script(f sendertest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	if f == sendertest.BreakWithin && s.config.MaxBatchSize == 0 {
		s.left = 5
	}
}

func (s *server) Accepted() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

func (s *server) request() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[0]
}

func (s *server) counts() (requests, messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests), len(s.messages)
}

// wait lets time pass, unless the test ends.
func (s *server) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closed:
	}
}
