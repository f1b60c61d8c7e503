package kafka

import (
	"context"
	"net"
	"sync"

	"journalpump/internal/dial"
)

// connections knows all that are open. kafka-go goes on waiting for an answer after the context of its request has ended,
// which closing the connection ends.
type connections struct {
	dialer  dial.Func
	network string // to use instead of "tcp"

	mu     sync.Mutex
	open   map[*connection]struct{}
	closed bool
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.network != "" {
		network = c.network
	}
	conn, err := c.dialer(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &connection{Conn: conn, all: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	c.open[tracked] = struct{}{}
	return tracked, nil
}

// hangUp closes all that are open, and with last, whatever is opened from now on.
func (c *connections) hangUp(last bool) {
	c.mu.Lock()
	open := make([]*connection, 0, len(c.open))
	for conn := range c.open {
		open = append(open, conn)
	}
	c.closed = c.closed || last
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}

type connection struct {
	net.Conn

	all *connections
}

func (c *connection) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}
