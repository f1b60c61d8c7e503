package rsyslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// link is a connection of which it can be told how far the other side has come.
type link struct {
	net.Conn // what is read and written: a TLS connection, or raw itself
	raw      net.Conn
	ctl      syscall.RawConn
}

var errNoDescriptor = errors.New("the connection has no descriptor")

func newLink(raw net.Conn) (*link, error) {
	s, ok := raw.(syscall.Conn)
	if !ok {
		return nil, errNoDescriptor
	}
	ctl, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &link{Conn: raw, raw: raw, ctl: ctl}, nil
}

// look asks the kernel how many bytes of what was written the other side has not acknowledged (tcp(7), unix(7): has not
// read), and whether it has closed the connection since, or reset it.
func (l *link) look() (pending int, gone bool, err error) {
	var failed error
	err = l.ctl.Control(func(fd uintptr) {
		pending, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		if failed != nil {
			return
		}
		// After the ioctl: a connection that is whole now was so when nothing was pending.
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // a descriptor
		if _, failed = unix.Poll(p, 0); errors.Is(failed, unix.EINTR) {
			failed = nil
		}
		gone = p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	if err == nil {
		err = failed
	}
	return pending, gone, err
}

// whole returns nil unless the other side has closed the connection or reset it.
func (l *link) whole() error {
	_, gone, err := l.look()
	if err == nil && gone {
		err = l.reason()
	}
	return err
}

// How long it is waited between two looks.
const (
	shortLook = 50 * time.Microsecond
	longLook  = 5 * time.Millisecond
)

// settled waits until the other side's kernel has acknowledged everything (of a UNIX socket: until the other side has read
// it). It returns an error if the connection was closed or reset before.
func (l *link) settled(ctx context.Context) error {
	timer := time.NewTimer(shortLook)
	defer timer.Stop()
	for pause := shortLook; ; pause = min(2*pause, longLook) {
		pending, gone, err := l.look()
		switch {
		case err != nil:
			return fmt.Errorf("asking the kernel what was acknowledged: %w", err)
		case gone:
			return l.reason()
		case pending == 0:
			return nil
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server to acknowledge %d bytes: %w", pending, ctx.Err())
		}
	}
}

var errClosed = errors.New("the server has closed the connection")

// reasonWait is how long it is waited for a server to say why it closed the connection.
const reasonWait = 200 * time.Millisecond

// reason returns why the connection is over: what TLS says about it, or that it was reset or closed.
func (l *link) reason() error {
	if err := l.SetDeadline(time.Now().Add(reasonWait)); err != nil {
		return errClosed
	}
	_, err := io.Copy(io.Discard, struct{ io.Reader }{l.Conn}) // nothing but Read, whose errors are the plainest
	if err == nil || errors.Is(err, net.ErrClosed) {
		return errClosed
	}
	return fmt.Errorf("%w: %w", errClosed, err)
}

// verdictWait is how long it is waited for a server to turn a client away.
const verdictWait = 200 * time.Millisecond

// accepted returns an error if the server turns the client away. With TLS 1.3 the client's handshake is over before the
// server has seen its certificate (RFC 8446, 2), and what is sent meanwhile is lost.
func (l *link) accepted() error {
	t, ok := l.Conn.(*tls.Conn)
	if !ok || t.ConnectionState().Version < tls.VersionTLS13 {
		return nil
	}
	if err := l.SetReadDeadline(time.Now().Add(verdictWait)); err != nil {
		return err
	}
	var b [1]byte
	if _, err := t.Read(b[:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", errClosed, err)
	}
	return nil
}

// farewell is how long a server may take to close its side.
const farewell = 500 * time.Millisecond

// finish closes the connection so that nothing of what was written is lost: the server reads to the end, closes its side,
// and only then the connection is gone. (A plain close would reset it if there is something that wasn't read.)
func (l *link) finish() error {
	if l.SetDeadline(time.Now().Add(farewell)) == nil && l.closeWrite() == nil {
		_, _ = io.Copy(io.Discard, l.Conn) // there is nothing to be done about it
	}
	return l.raw.Close()
}

func (l *link) closeWrite() error {
	if t, ok := l.Conn.(*tls.Conn); ok {
		if err := t.CloseWrite(); err != nil {
			return err
		}
	}
	c, ok := l.raw.(interface{ CloseWrite() error })
	if !ok {
		return errNoDescriptor
	}
	return c.CloseWrite()
}

// bound makes the connection's reads and writes end with ctx, until the function that it returns is called.
func (l *link) bound(ctx context.Context) (release func()) {
	_ = l.SetDeadline(time.Time{}) // a connection that is closed will say so
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = l.SetDeadline(time.Unix(1, 0)) // of a closed connection: then they have ended
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}
