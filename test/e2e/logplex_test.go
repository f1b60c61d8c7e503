package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// TestLogplex: a Logplex that goes away, and comes back, gets every message; those it had already come with the
// Logplex-Frame-Id that they had.
func TestLogplex(t *testing.T) {
	t.Parallel()
	const entries, batch = 20000, 250
	dir := numberedJournal(t, entries)
	s := newSetup(t)
	l := &logplex{t: t, address: program.FreeAddress(t), seen: make([]int, entries+1), frames: map[string]int{}}
	l.start()
	t.Cleanup(func() { l.stop() })
	config := s.configWith(object{"journal_path": dir, "senders": object{"logplex": object{
		"output_type": "logplex", "logplex_log_input_url": "http://" + l.address + "/logs", "logplex_token": "t.1", "max_send_interval": 0.1,
	}}})
	config["msg_buffer_max_length"] = batch
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))

	pump := program.Start(t, nil, "--once", "--timeout", "50s", s.config())
	const restarts = 3
	for i := range restarts {
		program.Until(t, "some messages have come", func() bool { return l.count() > (i+1)*entries/8 || pump.Ended() })
		l.stop() // whatever it is doing
		l.start()
	}
	if r := pump.Wait(t); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	l.mu.Lock() // what a closed server was taking may still be counted
	defer l.mu.Unlock()
	twice := 0
	for n, times := range l.seen[1:] {
		if times == 0 {
			t.Fatalf("message %d is missing", n+1)
		}
		twice += times - 1
	}
	t.Logf("%d messages are there twice, %d of them told by their Logplex-Frame-Id", twice, l.told)
	if twice > restarts*batch || twice != l.told {
		t.Errorf("%d messages are there twice, %d of them told by their Logplex-Frame-Id", twice, l.told)
	}
}

// logplex is Logplex's HTTP input.
type logplex struct {
	t        *testing.T
	address  string
	listener net.Listener
	server   *http.Server

	mu     sync.Mutex
	seen   []int          // how often each message came
	frames map[string]int // messages by Logplex-Frame-Id
	told   int            // messages of a frame that had come already
}

func (l *logplex) start() {
	l.t.Helper()
	var err error
	if l.listener, err = new(net.ListenConfig).Listen(l.t.Context(), "tcp", l.address); err != nil {
		l.t.Fatal(err)
	}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	listener, server := l.listener, l.server
	go func() { _ = server.Serve(listener) }() // until it is closed
}

// stop closes the listener itself, which the server may not know of yet.
func (l *logplex) stop() {
	l.listener.Close()
	l.server.Close()
}

func (l *logplex) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, messages := range l.frames {
		n += messages
	}
	return n
}

var numberedMessage = regexp.MustCompile(`^<1(?:8[4-9]|9[01])>1 \S+Z localhost t\.1 numbers\.service - numbered file (\d+)$`)

func (l *logplex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // one of us went away
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	messages := 0
	for len(body) > 0 {
		length, rest, _ := bytes.Cut(body, []byte(" "))
		n, err := strconv.Atoi(string(length))
		if err != nil || n > len(rest) {
			l.t.Errorf("%q is no length", length)
			return
		}
		m := numberedMessage.FindSubmatch(rest[:n])
		if m == nil {
			l.t.Errorf("%q is no message of ours", rest[:n])
			return
		}
		number, err := strconv.Atoi(string(m[1]))
		if err != nil {
			l.t.Error(err)
			return
		}
		l.seen[number]++
		messages++
		body = rest[n:]
	}
	if r.Header.Get("Logplex-Msg-Count") != strconv.Itoa(messages) {
		l.t.Errorf("Logplex-Msg-Count is %q, want %d", r.Header.Get("Logplex-Msg-Count"), messages)
	}
	frame := r.Header.Get("Logplex-Frame-Id")
	if l.frames[frame] > 0 {
		l.told += messages
	}
	l.frames[frame] = messages
	w.WriteHeader(http.StatusNoContent)
}
