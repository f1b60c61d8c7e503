package rsyslog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"journalpump/internal/dial"
	"journalpump/pump"
	"journalpump/senders/sendertest"
	"journalpump/test/certs"
)

func TestConformanceOfRELP(t *testing.T) {
	ca := certs.New(t)
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "tls"}[secure], func(t *testing.T) {
			c := DefaultConfig()
			c.Protocol, c.MaxMessageSize = RELP, suiteSize
			if secure {
				c.CACerts = ca.Path("ca.pem")
			}
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					return newRelpServer(t, *c, ca)
				},
				Lacks: map[sendertest.Fault]string{
					sendertest.RefuseForever: "RELP's 500 does not say for how long",
					sendertest.Throttle:      "RELP's 500 does not say for how long",
					sendertest.TooLarge:      "a server either takes a message of that size or closes the connection",
					sendertest.CommitFails:   "the sender is no Committer",
				},
				Want: want(c),
			})
		})
	}
}

// relpServer is a RELP server in the test's process.
type relpServer struct {
	t      *testing.T
	config *Config
	peer   *peer

	mu      sync.Mutex
	fault   sendertest.Fault
	number  int           // of messages since the fault was scripted
	hanging chan struct{} // closed when the test is over
}

func newRelpServer(t *testing.T, c Config, ca *certs.Authority) *relpServer {
	t.Helper()
	s := &relpServer{t: t, config: &c, hanging: make(chan struct{})}
	var p *peer
	if c.tls() {
		p = newPeer(t, "tcp", "127.0.0.1:0", ca.Server(t), s.serve)
	} else {
		p = newPeer(t, "tcp", "127.0.0.1:0", nil, s.serve)
	}
	t.Cleanup(func() { close(s.hanging) }) // before the peer is waited for
	s.peer = p
	c.Server, c.Port = "127.0.0.1", p.port()
	return s
}

func (s *relpServer) Open(ctx context.Context) (pump.Sender, error) {
	d, err := dial.New("")
	if err != nil {
		return nil, err
	}
	return s.config.newSender(ctx, d, logger(s.t))
}

func (s *relpServer) Script(f sendertest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.number = f, 0
}

// Accepted needs no waiting: what was accepted was answered.
func (s *relpServer) Accepted() [][]byte { return s.peer.accepted() }

func (s *relpServer) serve(p *peer, conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		txnr, command, data, err := readFrame(in)
		if err != nil {
			return
		}
		answer := "200 OK"
		switch command {
		case "open":
			answer = "200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog"
		case "close":
			_, _ = fmt.Fprintf(conn, "%d rsp 0\n0 serverclose 0\n", txnr)
			return
		case "syslog":
			var open bool
			if answer, open = s.message(p, data); !open {
				return
			}
		}
		if answer == "" {
			continue
		}
		if _, err := fmt.Fprintf(conn, "%d rsp %d %s\n", txnr, len(answer), answer); err != nil {
			return
		}
	}
}

// batch is how many records the suite's batch has that meets a fault.
const batch = 20

// message deals with a message; the answer is "" for none.
func (s *relpServer) message(p *peer, data []byte) (answer string, open bool) {
	s.mu.Lock()
	fault, number := s.fault, s.number
	s.number++
	over := s.number == batch ||
		fault == sendertest.BreakBefore || fault == sendertest.Hang || fault == sendertest.Slow ||
		fault == sendertest.BreakWithin && s.number == batch/2
	if over {
		s.fault = ""
	}
	s.mu.Unlock()
	switch fault {
	case sendertest.Refuse:
		return "500 queue is full", true
	case sendertest.RefusePart:
		if number%2 == 1 {
			return "500 queue is full", true
		}
	case sendertest.Slow:
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
	case sendertest.Hang:
		<-s.hanging
		return "", false
	case sendertest.BreakBefore:
		return "", false
	case sendertest.BreakWithin:
		if over {
			return "", false
		}
	case sendertest.BreakAfter:
		p.take(data)
		return "", !over
	}
	p.take(data)
	return "200 OK", true
}

func readFrame(in *bufio.Reader) (txnr int, command string, data []byte, err error) {
	var n int
	if _, err = fmt.Fscanf(in, "%d %s %d", &txnr, &command, &n); err != nil {
		return 0, "", nil, err
	}
	if n > 0 {
		data = make([]byte, n+1)
		if _, err = io.ReadFull(in, data); err != nil {
			return 0, "", nil, err
		}
		data = data[1:]
	}
	end, err := in.ReadByte()
	if err == nil && end != '\n' {
		err = errors.New("a frame without a line feed at its end")
	}
	return txnr, command, data, err
}

// TestRELPKeepsWhatWasAnswered: when a session breaks, only what was not answered is sent again.
func TestRELPKeepsWhatWasAnswered(t *testing.T) {
	c := DefaultConfig()
	c.Protocol = RELP
	server := newRelpServer(t, *c, nil)
	s, err := server.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server.Script(sendertest.BreakWithin)
	err = s.Send(t.Context(), sendertest.Batch(0, batch))
	var partial *pump.PartialError
	if !errors.As(err, &partial) || len(partial.Errs) != batch/2+1 {
		t.Fatalf("error %v", err)
	}
	for i := batch/2 - 1; i < batch; i++ {
		if partial.Errs[i] == nil || pump.IsPermanent(partial.Errs[i]) {
			t.Errorf("record %d: %v", i, partial.Errs[i])
		}
	}
}

// TestRELPWithAnEndedSession: rsyslog closes sessions; as all was answered, that is no error.
func TestRELPWithAnEndedSession(t *testing.T) {
	c := DefaultConfig()
	c.Protocol = RELP
	server := newRelpServer(t, *c, nil)
	s, err := server.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 3 {
		if err := s.Send(t.Context(), sendertest.Batch(i, 1)); err != nil {
			t.Fatal(err)
		}
		server.peer.reset()
	}
	if got := len(server.Accepted()); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}

// TestRELPServerThatDoesNotAnswer: opening ends with its context.
func TestRELPServerThatDoesNotAnswer(t *testing.T) {
	p := newPeer(t, "tcp", "127.0.0.1:0", nil, func(_ *peer, conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	c := DefaultConfig()
	c.Protocol, c.Server, c.Port = RELP, "127.0.0.1", p.port()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Open(ctx, "test", logger(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
