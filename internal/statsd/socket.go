package statsd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	firstLookup     = time.Second // how long the first lookup may hold up the start
	laterLookup     = 10 * time.Second
	lookupInterval  = time.Minute
	maxDatagramSize = 65507 // of UDP over IPv4
)

var errNoAddress = errors.New("no address yet")

// socket is a cactus Sender that never waits: a datagram that the kernel has no room for is dropped. The host is
// looked up again now and then, since a server that moves keeps only its name.
type socket struct {
	host   string
	port   int
	lookup lookupFunc

	mu   sync.RWMutex
	addr netip.AddrPort
	conn *net.UDPConn // nil while there is no address, and after Close

	stop context.CancelFunc
	done chan struct{} // closed when the lookups have ended
}

func newSocket(ctx context.Context, host string, port int, lookup lookupFunc) *socket {
	s := &socket{host: host, port: port, lookup: lookup, done: make(chan struct{})}
	// The lookups end with Close, not with the caller's context: metrics are wanted until the very end of a shutdown.
	loopCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop

	if ip, err := netip.ParseAddr(host); err == nil {
		s.connect(ip)
		close(s.done)
		return s
	}
	s.resolve(ctx, firstLookup)
	go s.follow(loopCtx)
	return s
}

// follow keeps the address up to date until ctx ends.
func (s *socket) follow(ctx context.Context) {
	defer close(s.done)
	ticker := time.NewTicker(lookupInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.resolve(ctx, laterLookup)
		}
	}
}

// resolve looks the host up and connects to its address if that has changed. A lookup that fails changes nothing.
func (s *socket) resolve(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	addrs, err := s.lookup(ctx, "ip", s.host)
	if err != nil || len(addrs) == 0 {
		return
	}
	// IPv4 first, as the original only ever used that: a server on "localhost" often listens on 127.0.0.1 alone.
	best := addrs[0].Unmap()
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			best = a
			break
		}
	}
	s.connect(best)
}

func (s *socket) connect(ip netip.Addr) {
	addr := netip.AddrPortFrom(ip, uint16(s.port)) //nolint:gosec // the configuration's check bounds it
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && s.addr == addr {
		return
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn, s.addr = conn, addr
}

// Send sends one datagram without waiting.
func (s *socket) Send(data []byte) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.conn == nil {
		return 0, fmt.Errorf("sending to statsd at %s: %w", address(s.host, s.port), errNoAddress)
	}
	if len(data) > maxDatagramSize {
		return 0, syscall.EMSGSIZE
	}
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var sendErr error
	// The function's true says "done" whatever came out, so that the runtime does not wait for room.
	err = raw.Write(func(fd uintptr) bool {
		n, sendErr = syscall.Write(int(fd), data)
		if errors.Is(sendErr, syscall.ECONNREFUSED) {
			// What the kernel reports is the fate of an earlier datagram; this one has not been sent yet.
			n, sendErr = syscall.Write(int(fd), data)
		}
		return true
	})
	return n, errors.Join(err, sendErr)
}

// Close stops the lookups, waits for that and closes the socket.
func (s *socket) Close() error {
	s.stop()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}
