package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// fake answers as CloudWatch Logs does, as far as the sender is concerned, and refuses what is over the service's limits.
type fake struct {
	t      *testing.T
	http   *httptest.Server
	config *Config
	closed chan struct{}

	mu       sync.Mutex
	streams  map[string]bool // by group and stream; a group alone is there with an empty stream
	fault    sendertest.Fault
	reply    func(events []fakeEvent) (string, int) // instead of storing; when it returns status 0 the events are stored
	requests []fakeRequest
	accepted [][]byte
	auth     string
}

type fakeEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

type fakeRequest struct {
	operation string
	Group     string      `json:"logGroupName"`
	Stream    string      `json:"logStreamName"`
	Events    []fakeEvent `json:"logEvents"`
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, closed: make(chan struct{}), streams: map[string]bool{}}
	f.http = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		close(f.closed)
		f.http.CloseClientConnections()
		f.http.Close()
	})
	f.config = &Config{
		Group: "group", Stream: "stream", Region: "eu-north-1", Endpoint: f.http.URL,
		KeyID: conf.NewSecret("AKIDEXAMPLE"), SecretKey: conf.NewSecret("hunter2"),
	}
	return f
}

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	req := fakeRequest{operation: operation}
	if err := json.Unmarshal(body, &req); err != nil {
		f.t.Errorf("%s %s: %v: %.100q", r.Method, r.URL, err, body)
	}
	f.mu.Lock()
	f.requests = append(f.requests, req)
	f.auth = r.Header.Get("Authorization")
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer := func(status int, text string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	switch operation {
	case "CreateLogGroup":
		answer(f.create(req.Group + "\x00"))
	case "CreateLogStream":
		if !f.has(req.Group + "\x00") {
			answer(400, failure("ResourceNotFoundException", "The specified log group does not exist."))
			return
		}
		answer(f.create(req.Group + "\x00" + req.Stream))
	case "PutLogEvents":
		f.put(req, answer)
	default:
		f.t.Errorf("unexpected %s", operation)
		answer(400, failure("UnknownOperationException", operation))
	}
}

func failure(kind, message string) string {
	b, _ := json.Marshal(map[string]string{"__type": kind, "message": message})
	return string(b)
}

func (f *fake) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.streams[name]
}

func (f *fake) create(name string) (int, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.streams[name] {
		return 400, failure("ResourceAlreadyExistsException", "it exists")
	}
	f.streams[name] = true
	return 200, "{}"
}

func (f *fake) put(req fakeRequest, answer func(int, string)) {
	if !f.has(req.Group + "\x00" + req.Stream) {
		answer(400, failure("ResourceNotFoundException", "The specified log stream does not exist."))
		return
	}
	if why := overLimits(req.Events); why != "" {
		f.t.Errorf("over the service's limits: %s", why)
		answer(400, failure("InvalidParameterException", why))
		return
	}
	switch fault := f.take(); fault {
	case sendertest.Refuse:
		answer(503, failure("ServiceUnavailableException", "not now"))
	case sendertest.Throttle:
		answer(400, failure("ThrottlingException", "Rate exceeded"))
	case sendertest.TooLarge:
		answer(400, failure("InvalidParameterException", "Upload too large: 1048577 bytes exceeds limit of 1048576"))
	case sendertest.RefuseForever: // what the service can refuse alone is at either end
		status, _ := f.store(req.Events[1:])
		answer(status, `{"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}`)
	case sendertest.Hang:
		<-f.closed
	case sendertest.BreakBefore:
		f.http.CloseClientConnections()
	default:
		if fault == sendertest.Slow {
			f.wait(300 * time.Millisecond)
		}
		status, text := f.store(req.Events)
		if fault == sendertest.BreakAfter {
			f.http.CloseClientConnections()
			return
		}
		answer(status, text)
	}
}

func overLimits(events []fakeEvent) string {
	size := 0
	for i, e := range events {
		size += len(e.Message) + 26
		if i > 0 && e.Timestamp < events[i-1].Timestamp {
			return "Log events in a single PutLogEvents request must be in chronological order."
		}
	}
	switch {
	case len(events) == 0 || len(events) > 10000:
		return "number of events"
	case size > 1048576:
		return "Upload too large"
	case events[len(events)-1].Timestamp-events[0].Timestamp > 24*3600*1000:
		return "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
	}
	return ""
}

// take returns the fault that is due, which then is over.
func (f *fake) take() sendertest.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := f.fault
	f.fault = ""
	return fault
}

func (f *fake) store(events []fakeEvent) (int, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reply != nil {
		if text, status := f.reply(events); status != 0 {
			return status, text
		}
	}
	for _, e := range events {
		f.accepted = append(f.accepted, []byte(e.Message))
	}
	return 200, `{"nextSequenceToken": "x"}`
}

// wait lets time pass, unless the test ends.
func (f *fake) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.closed:
	}
}

func (f *fake) Open(ctx context.Context) (pump.Sender, error) {
	return f.config.Open(ctx, "cw", testLog(f.t))
}

func (f *fake) Script(fault sendertest.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *fake) Accepted() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.accepted)
}

// puts returns how many events each request to store some had.
func (f *fake) puts() (sizes []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if r.operation == "PutLogEvents" {
			sizes = append(sizes, len(r.Events))
		}
	}
	return sizes
}

func hasAll(got, want [][]byte) bool {
	return slices.EqualFunc(got, want, bytes.Equal)
}
