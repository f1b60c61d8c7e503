package rsyslog

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// peer is a server in the test's process that takes the messages of a stream, or whatever serve reads.
type peer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	serve    func(p *peer, conn net.Conn) // until the connection's end

	running sync.WaitGroup
	mu      sync.Mutex
	conns   []*watched
	taken   [][]byte
}

// watched knows how many bytes of it have been dealt with: all before the Read that is waiting.
type watched struct {
	net.Conn
	mu         sync.Mutex
	read, done int
	ended      bool
}

func (w *watched) Read(b []byte) (int, error) {
	w.mu.Lock()
	w.done = w.read
	w.mu.Unlock()
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	w.read += n
	w.mu.Unlock()
	return n, err
}

// through reports whether n bytes were dealt with, or all there will ever be.
func (w *watched) through(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended || w.done >= n
}

func (w *watched) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

// reset ends the connection so that the other side sees a reset.
func (w *watched) reset() {
	if c, ok := w.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = w.Conn.Close()
}

func newPeer(t *testing.T, network, address string, config *tls.Config, serve func(*peer, net.Conn)) *peer {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, listener: l, tls: config, serve: serve}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.reset()
		p.running.Wait()
	})
	return p
}

func (p *peer) accept() {
	for {
		raw, err := p.listener.Accept()
		if err != nil {
			return
		}
		w := &watched{Conn: raw}
		p.mu.Lock()
		p.conns = append(p.conns, w)
		p.mu.Unlock()
		p.running.Go(func() {
			defer w.end()
			defer raw.Close()
			conn := net.Conn(w)
			if p.tls != nil {
				conn = tls.Server(w, p.tls)
			}
			p.serve(p, conn)
		})
	}
}

func (p *peer) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.conns {
		w.reset()
	}
}

func (p *peer) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *peer) conn(i int) *watched {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[i]
}

func (p *peer) take(m []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, bytes.Clone(m))
}

func (p *peer) accepted() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte(nil), p.taken...)
}

func (p *peer) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// serveLines takes what ends in a newline.
func serveLines(p *peer, conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		p.take(line[:len(line)-1])
	}
}

// serveCounted takes messages that are preceded by their length.
func serveCounted(p *peer, conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		length, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil || n > 64<<20 {
			p.t.Errorf("%q is no length", length)
			return
		}
		m := make([]byte, n)
		if _, err := io.ReadFull(in, m); err != nil {
			return
		}
		p.take(m)
	}
}
