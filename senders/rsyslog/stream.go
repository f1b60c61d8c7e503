package rsyslog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stream carries messages over TCP, TLS or a UNIX stream socket. None of them tells whether the server has taken a message.
// What there is: its kernel has acknowledged every byte, and the connection was still whole a while later. A server that
// ends with something unread resets the connection; whatever was sent since the last commit is then sent again.
type stream struct {
	*connector
	log         *slog.Logger
	link        *link
	uncommitted bool // something was written since the last commit
}

// linger is how long after everything was acknowledged the connection must still be whole: time for the server to read.
const linger = 50 * time.Millisecond

func (s *stream) open(ctx context.Context) error {
	l, err := s.connect(ctx)
	if err != nil {
		return err
	}
	if err := l.accepted(); err != nil {
		_ = l.raw.Close() // it was not used
		return fmt.Errorf("connecting to %s: %w", l.raw.RemoteAddr(), err)
	}
	s.link = l
	return nil
}

func (s *stream) send(ctx context.Context, e *encoder) error {
	if s.link != nil {
		if err := s.link.whole(); err != nil {
			if s.uncommitted {
				return s.broken(err)
			}
			s.log.Info("connecting anew; what the server had received and not yet read may be lost", "reason", err.Error())
			s.drop()
		}
	}
	if s.link == nil {
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	s.uncommitted = true
	if err := s.write(ctx, e.out); err != nil {
		return s.broken(err)
	}
	return nil
}

func (s *stream) write(ctx context.Context, b []byte) error {
	defer s.link.bound(ctx)()
	if _, err := s.link.Write(b); err != nil {
		return ended(ctx, err)
	}
	return nil
}

var errNotConnected = errors.New("the connection is gone")

// commit waits until the server's kernel has acknowledged everything, and for a while after that.
func (s *stream) commit(ctx context.Context) error {
	if !s.uncommitted {
		return nil
	}
	if s.link == nil {
		return s.broken(errNotConnected)
	}
	if err := s.settle(ctx); err != nil {
		return s.broken(err)
	}
	s.uncommitted = false
	return nil
}

func (s *stream) settle(ctx context.Context) error {
	if err := s.link.settled(ctx); err != nil || s.config.Protocol.isUnix() { // there it is read
		return err
	}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.link.whole()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broken lets go of the connection; what was not committed is sent again.
func (s *stream) broken(err error) error {
	s.drop()
	s.uncommitted = false
	return err
}

// drop lets go of a connection that is broken, or in which a message may be incomplete.
func (s *stream) drop() {
	if s.link != nil {
		_ = s.link.raw.Close() // what was in it is sent again
		s.link = nil
	}
}

func (s *stream) close() error {
	if s.link == nil {
		return nil
	}
	err := s.link.finish()
	s.link = nil
	return err
}
