package logplex

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// server is Logplex's HTTP input in the test's process.
type server struct {
	t    *testing.T
	http *httptest.Server

	mu      sync.Mutex
	taken   [][]byte
	fault   sendertest.Fault
	frames  []string // Logplex-Frame-Id of each request
	hanging chan struct{}
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, hanging: make(chan struct{})}
	s.http = httptest.NewTLSServer(s)
	s.http.Config.ErrorLog = slog.NewLogLogger(logger(t).Handler(), slog.LevelDebug)
	t.Cleanup(func() {
		close(s.hanging)
		s.http.Close()
	})
	return s
}

// ca writes the server's certificate.
func (s *server) ca() string {
	file := filepath.Join(s.t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.http.Certificate().Raw})
	if err := os.WriteFile(file, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func (s *server) Open(ctx context.Context) (pump.Sender, error) {
	c := settings(s.http.URL + "/logs")
	c.CA = s.ca()
	return c.Open(ctx, "test", logger(s.t))
}

func (s *server) Script(f sendertest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

func (s *server) Accepted() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.taken...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault := s.fault
	s.frames = append(s.frames, r.Header.Get("Logplex-Frame-Id"))
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	messages, ok := split(body)
	user, password, _ := r.BasicAuth()
	switch {
	case err != nil:
		return // the client gave up
	case user != "token" || password != token:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case !ok || r.Method != http.MethodPost || r.URL.Path != "/logs" || r.ContentLength != int64(len(body)) ||
		r.Header.Get("Content-Type") != "application/logplex-1" || r.Header.Get("Logplex-Msg-Count") != strconv.Itoa(len(messages)):
		s.t.Errorf("%s %s of %d messages, %v: %.200q", r.Method, r.URL, len(messages), r.Header, body)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if s.misbehave(w, fault, messages) {
		return
	}
	s.mu.Lock()
	s.taken = append(s.taken, messages...)
	s.mu.Unlock()
	if fault == sendertest.BreakAfter {
		s.over()
		hangUp(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// misbehave reports whether the messages are not taken.
func (s *server) misbehave(w http.ResponseWriter, fault sendertest.Fault, messages [][]byte) bool {
	const second = "message 21" // of the suite's batch
	switch fault {
	case sendertest.Refuse:
		w.WriteHeader(http.StatusServiceUnavailable)
	case sendertest.RefuseForever:
		if !bytes.Contains(bytes.Join(messages, nil), []byte(second)) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true // and again, until it is alone
	case sendertest.Throttle:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	case sendertest.TooLarge:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case sendertest.Slow:
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
		s.over()
		return false
	case sendertest.Hang:
		s.over()
		<-s.hanging
		return true
	case sendertest.BreakBefore:
		hangUp(w)
	default:
		return false
	}
	s.over()
	return true
}

func (s *server) over() { s.Script("") }

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// split takes a body apart by the messages' lengths.
func split(body []byte) (messages [][]byte, ok bool) {
	for len(body) > 0 {
		length, rest, found := bytes.Cut(body, []byte(" "))
		n, err := strconv.Atoi(string(length))
		if !found || err != nil || n < 1 || n > len(rest) {
			return nil, false
		}
		messages = append(messages, bytes.Clone(rest[:n]))
		body = rest[n:]
	}
	return messages, true
}
