package promise

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// Fault is what a destination does instead of its duty, from when it is set until it is Cleared.
type Fault string

// The faults. Those up to Slow are done to connections whatever is spoken on them, the others by those who speak HTTP.
const (
	None        Fault = ""
	Refuse      Fault = "refuse"       // nobody listens
	ResetBefore Fault = "reset before" // a connection is reset before what came on it is looked at
	ResetAfter  Fault = "reset after"  // it is reset after that was accepted and before the answer is sent
	Hang        Fault = "hang"         // nothing is read any more
	Slow        Fault = "slow"         // some bytes at a time are read and written
	Throttle    Fault = "throttle"     // 429 with Retry-After
	Unavailable Fault = "unavailable"  // 503
	Partial     Fault = "partial"      // of a bulk request some items are accepted, others are to be sent again
	WrongCert   Fault = "wrong certificate"
	DiskFull    Fault = "disk full" // of a file
)

// total reports whether nothing is accepted while there is the fault.
func (f Fault) total() bool { return f == Refuse || f == ResetBefore || f == Hang || f == DiskFull }

// gate is a listener that does faults to its connections.
type gate struct {
	address string
	tls     *tls.Config // nil: plain
	wrong   *tls.Config // shown with WrongCert

	mu        sync.Mutex
	fault     Fault
	cleared   chan struct{} // closed when the fault is
	listener  net.Listener  // nil while refusing
	conns     map[*gatedConn]bool
	incidents int // connections that were broken while something may have been in flight
	closed    bool
	changed   *sync.Cond // listener or closed
}

func newGate(t *testing.T, secure, wrong *tls.Config) *gate {
	t.Helper()
	g := &gate{
		address: program.FreeAddress(t), // which stays ours while nobody listens
		tls:     secure, wrong: wrong, conns: map[*gatedConn]bool{}, cleared: make(chan struct{}),
	}
	g.changed = sync.NewCond(&g.mu)
	if err := g.listen(); err != nil {
		t.Fatal(err)
	}
	return g
}

// set starts a fault or, with None, ends it. Connections that a fault would not reach, or has hold of, are reset.
func (g *gate) set(f Fault) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || f == g.fault {
		return nil
	}
	close(g.cleared)
	g.cleared = make(chan struct{})
	breaks := f == Refuse || f == WrongCert || g.fault == Hang || g.fault == Slow
	g.fault = f
	if breaks {
		g.breakAll()
	}
	if f == Refuse {
		err := g.listener.Close()
		g.listener = nil
		return err
	}
	if g.listener != nil {
		return nil
	}
	return g.listen()
}

func (g *gate) listen() error {
	l, err := net.Listen("tcp", g.address) //nolint:noctx // it does not wait
	if err != nil {
		return err
	}
	g.listener = l
	g.changed.Broadcast()
	return nil
}

func (g *gate) breakAll() {
	for c := range g.conns {
		g.reset(c)
	}
}

// reset breaks a connection, with g.mu held.
func (g *gate) reset(c *gatedConn) {
	if !g.conns[c] {
		return
	}
	delete(g.conns, c)
	g.incidents++
	_ = c.tcp.SetLinger(0) // RST
	_ = c.tcp.Close()
}

// broken returns how many connections were broken so far.
func (g *gate) broken() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.incidents
}

// state returns the fault and what is closed when it ends.
func (g *gate) state() (Fault, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fault, g.cleared
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.mu.Lock()
		for g.listener == nil && !g.closed {
			g.changed.Wait()
		}
		l, closed := g.listener, g.closed
		g.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		conn, err := l.Accept()
		if err == nil {
			return g.admit(conn), nil
		}
		if !errors.Is(err, net.ErrClosed) {
			return nil, err
		}
	}
}

func (g *gate) admit(conn net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := &gatedConn{Conn: conn, tcp: conn.(*net.TCPConn), gate: g}
	g.conns[c] = true
	switch {
	case g.fault == WrongCert:
		return tls.Server(c, g.wrong)
	case g.tls != nil:
		return tls.Server(c, g.tls)
	default:
		return c
	}
}

// Close implements net.Listener.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	close(g.cleared)
	g.changed.Broadcast()
	g.breakAll()
	if g.listener == nil {
		return nil
	}
	return g.listener.Close()
}

// Addr implements net.Listener.
func (g *gate) Addr() net.Addr {
	a, _ := net.ResolveTCPAddr("tcp", g.address)
	return a
}

// gatedConn is a connection that the gate's fault is done to.
type gatedConn struct {
	net.Conn
	tcp  *net.TCPConn
	gate *gate
}

var errBroken = errors.New("broken by the test")

func (c *gatedConn) Read(b []byte) (int, error) {
	if fault, _ := c.gate.state(); fault == Slow && len(b) > 256 {
		b = b[:256]
	}
	n, err := c.Conn.Read(b)
	if n == 0 || err != nil {
		return n, err
	}
	switch fault, cleared := c.gate.state(); fault {
	case ResetBefore:
		c.abort()
		return 0, errBroken
	case Hang:
		<-cleared
		return 0, errBroken
	case Slow:
		wait(time.Millisecond, cleared)
	}
	return n, nil
}

func (c *gatedConn) Write(b []byte) (int, error) {
	switch fault, cleared := c.gate.state(); fault {
	case ResetAfter:
		c.abort()
		return 0, errBroken
	case Hang:
		<-cleared
		return 0, errBroken
	case Slow:
		for i := range b {
			if _, err := c.Conn.Write(b[i : i+1]); err != nil {
				return i, err
			}
			wait(time.Millisecond, cleared)
		}
		return len(b), nil
	default:
		return c.Conn.Write(b)
	}
}

// abort resets the connection.
func (c *gatedConn) abort() {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.gate.reset(c)
}

func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// wait waits for so long, or until the channel is closed.
func wait(d time.Duration, or <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-or:
	}
}
