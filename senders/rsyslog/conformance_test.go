package rsyslog

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/internal/dial"
	"journalpump/pump"
	"journalpump/senders/sendertest"
	"journalpump/test/certs"
)

// suiteSize is enough for the suite's largest entry.
const suiteSize = 4 << 20

// want returns what the server should get of a record.
func want(c *Config) func(r *pump.Record) []byte {
	return func(r *pump.Record) []byte {
		e := newEncoder(c)
		e.encode([]pump.Record{*r})
		return bytes.Clone(e.messages[0])
	}
}

const noAnswer = "there is no answer to a syslog message"

var streamLacks = map[sendertest.Fault]string{
	sendertest.RefusePart:    noAnswer,
	sendertest.RefuseForever: noAnswer,
	sendertest.Throttle:      noAnswer,
	sendertest.TooLarge:      noAnswer,
}

func TestConformanceOfStreams(t *testing.T) {
	ca := certs.New(t)
	for _, test := range []struct {
		name   string
		config func(c *Config)
		serve  func(*peer, net.Conn)
	}{
		{"tcp", func(*Config) {}, serveLines},
		{"octet-counted", func(c *Config) { c.Framing = OctetCounted }, serveCounted},
		{"tls", func(c *Config) { c.CACerts = ca.Path("ca.pem") }, serveLines},
		{"unix-stream", func(c *Config) { c.Protocol = UnixStream }, serveLines},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := DefaultConfig()
			c.MaxMessageSize = suiteSize
			test.config(c)
			sendertest.Run(t, sendertest.Harness{
				New: func(t *testing.T) sendertest.Destination {
					t.Helper()
					return newStreamDestination(t, *c, ca, test.serve)
				},
				Lacks: streamLacks,
				Want:  want(c),

				Replays: "what the server has read cannot be taken back",
			})
		})
	}
}

func datagramLacks() map[sendertest.Fault]string {
	lacks := maps.Clone(streamLacks)
	lacks[sendertest.CommitFails] = "the sender is no Committer"
	return lacks
}

// streamDestination is a peer that reads everything; what fails is the network in between.
type streamDestination struct {
	t      *testing.T
	config *Config
	peer   *peer

	mu    sync.Mutex
	fault sendertest.Fault
	conns []*faultyConn
}

func newStreamDestination(t *testing.T, c Config, ca *certs.Authority, serve func(*peer, net.Conn)) *streamDestination {
	t.Helper()
	d := &streamDestination{t: t, config: &c}
	if c.Protocol == UnixStream {
		c.Server = filepath.Join(t.TempDir(), "socket")
		d.peer = newPeer(t, "unix", c.Server, nil, serve)
		return d
	}
	var config *tls.Config
	if c.tls() {
		config = ca.Server(t)
	}
	d.peer = newPeer(t, "tcp", "127.0.0.1:0", config, serve)
	c.Server, c.Port = "127.0.0.1", d.peer.port()
	return d
}

func (d *streamDestination) Open(ctx context.Context) (pump.Sender, error) {
	return d.config.newSender(ctx, d.dial, logger(d.t))
}

func (d *streamDestination) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.due(sendertest.Refuse) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: unix.ECONNREFUSED}
	}
	direct, err := dial.New("")
	if err != nil {
		return nil, err
	}
	raw, err := direct(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := newFaultyConn(raw, d)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, conn)
	return conn.kind(), nil
}

// due reports whether the fault is due, which then is over.
func (d *streamDestination) due(f sendertest.Fault) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != f {
		return false
	}
	d.fault = ""
	return true
}

func (d *streamDestination) Script(f sendertest.Fault) {
	d.quiet()
	if f == sendertest.Refuse { // the server is restarted
		d.peer.reset()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// quiet waits until the peer has dealt with everything that was written to it.
func (d *streamDestination) quiet() {
	d.mu.Lock()
	conns := d.conns
	d.mu.Unlock()
	until(d.t, "the server has accepted all connections", func() bool { return d.peer.count() >= len(conns) })
	for i, c := range conns {
		until(d.t, "the server has read everything", func() bool { return d.peer.conn(i).through(c.written()) })
	}
}

func (d *streamDestination) Accepted() [][]byte {
	d.quiet()
	return d.peer.accepted()
}

// faultyConn is the client's end of a connection.
type faultyConn struct {
	net.Conn
	dest *streamDestination
	mu   sync.Mutex
	n    int
}

func newFaultyConn(raw net.Conn, d *streamDestination) *faultyConn {
	return &faultyConn{Conn: raw, dest: d}
}

// faultyTCP and faultyUnix have what a sender wants besides a net.Conn.
type faultyTCP struct {
	*net.TCPConn
	faulty *faultyConn
}

type faultyUnix struct {
	*net.UnixConn
	faulty *faultyConn
}

func (c faultyTCP) Write(b []byte) (int, error)  { return c.faulty.Write(b) }
func (c faultyUnix) Write(b []byte) (int, error) { return c.faulty.Write(b) }

func (c *faultyConn) kind() net.Conn {
	switch raw := c.Conn.(type) {
	case *net.TCPConn:
		return faultyTCP{raw, c}
	case *net.UnixConn:
		return faultyUnix{raw, c}
	default:
		return c
	}
}

func (c *faultyConn) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *faultyConn) write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	return n, err
}

func (c *faultyConn) Write(b []byte) (int, error) {
	d := c.dest
	switch {
	case d.due(sendertest.BreakBefore):
		return 0, unix.ECONNRESET
	case d.due(sendertest.BreakWithin):
		n, err := c.write(b[:len(b)/2])
		if err == nil {
			err = unix.ECONNRESET
		}
		return n, err
	case d.due(sendertest.BreakAfter), d.due(sendertest.CommitFails): // for real: the sender has to find out
		n, err := c.write(b)
		if err == nil {
			d.quiet()
			d.peer.reset()
		}
		return n, err
	case d.due(sendertest.Slow):
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
	case d.due(sendertest.Hang):
		var one [1]byte
		_, err := c.Conn.Read(one[:]) // nothing ever comes
		return 0, err
	}
	return c.write(b)
}

func TestConformanceOfDatagrams(t *testing.T) {
	c := DefaultConfig()
	c.Protocol = Unix
	c.MaxMessageSize = 100_000
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T) sendertest.Destination {
			t.Helper()
			return newMailbox(t, *c)
		},
		Lacks: datagramLacks(),
		Want:  want(c),
		Doubles: map[sendertest.Fault]string{
			sendertest.BreakWithin: "what the server has read cannot be taken back",
		},
	})
}

// mailbox is a UNIX datagram socket with somebody who reads it.
type mailbox struct {
	t       *testing.T
	config  *Config
	running sync.WaitGroup

	mu    sync.Mutex
	conn  *net.UnixConn
	taken [][]byte
	sent  int
	fault sendertest.Fault
}

func newMailbox(t *testing.T, c Config) *mailbox {
	t.Helper()
	c.Server = filepath.Join(t.TempDir(), "log")
	m := &mailbox{t: t, config: &c}
	m.listen()
	t.Cleanup(func() { m.conn.Close(); m.running.Wait() })
	return m
}

func (m *mailbox) listen() {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.config.Server, Net: "unixgram"})
	if err != nil {
		m.t.Fatal(err)
	}
	m.conn = conn
	m.running.Go(func() {
		b := make([]byte, 1<<20)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.taken = append(m.taken, bytes.Clone(b[:n]))
			m.mu.Unlock()
		}
	})
}

func (m *mailbox) Open(ctx context.Context) (pump.Sender, error) {
	return m.config.newSender(ctx, func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &faultyMail{raw.(*net.UnixConn), m, 0}, nil
	}, logger(m.t))
}

func (m *mailbox) Script(f sendertest.Fault) {
	m.Accepted()
	m.mu.Lock()
	defer m.mu.Unlock()
	if f == sendertest.Refuse { // the server is restarted; its socket's file is another one then
		if err := errors.Join(m.conn.Close(), os.Remove(m.config.Server)); err != nil {
			m.t.Error(err)
		}
		m.listen()
		return
	}
	m.fault = f
}

func (m *mailbox) Accepted() [][]byte {
	until(m.t, "everything has been read", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.taken) == m.sent
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([][]byte(nil), m.taken...)
}

// faultyMail is the client's socket.
type faultyMail struct {
	*net.UnixConn
	box    *mailbox
	number int // of writes while a fault is on
}

func (c *faultyMail) Write(b []byte) (int, error) {
	m := c.box
	m.mu.Lock()
	fault := m.fault
	c.number++
	if fault == "" {
		c.number = 0
	}
	const half, all = 10, 20 // of the suite's batch
	done := fault == sendertest.BreakBefore || fault == sendertest.Slow || fault == sendertest.Hang ||
		fault == sendertest.BreakWithin && c.number == half || fault == sendertest.BreakAfter && c.number == all
	if done {
		m.fault = ""
	}
	m.mu.Unlock()
	switch {
	case done && fault == sendertest.Slow:
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
	case done && fault == sendertest.Hang:
		_, err := c.UnixConn.Read(make([]byte, 1)) // nothing ever comes
		return 0, err
	case done && fault == sendertest.BreakAfter:
		if _, err := c.send(b); err != nil {
			return 0, err
		}
		return 0, unix.ECONNREFUSED
	case done:
		return 0, unix.ECONNREFUSED
	}
	return c.send(b)
}

func (c *faultyMail) send(b []byte) (int, error) {
	n, err := c.UnixConn.Write(b)
	if err == nil {
		c.box.mu.Lock()
		c.box.sent++
		c.box.mu.Unlock()
	}
	return n, err
}
