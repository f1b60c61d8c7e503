package rsyslog

import (
	"context"
	"fmt"
	"log/slog"
)

// stream carries messages over TCP, TLS or a UNIX stream socket. None of them tells whether the server has taken a message;
// what there is, is that its kernel has acknowledged every byte and the connection was whole after that.
type stream struct {
	*connector
	log  *slog.Logger
	link *link
}

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
		if err := s.link.whole(); err != nil { // while there was nothing to send
			s.log.Info("connecting anew; what the server had received and not yet read may be lost", "reason", err.Error())
			s.drop()
		}
	}
	if s.link == nil {
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	if err := s.write(ctx, e.out); err != nil {
		s.drop()
		return err
	}
	return nil
}

func (s *stream) write(ctx context.Context, b []byte) error {
	defer s.link.bound(ctx)()
	if _, err := s.link.Write(b); err != nil {
		if ended := ctx.Err(); ended != nil {
			err = fmt.Errorf("%w: %w", ended, err)
		}
		return err
	}
	return s.link.settled(ctx)
}

// drop lets go of a connection that is broken, or in which a message may be incomplete.
func (s *stream) drop() {
	_ = s.link.raw.Close() // what was in it is sent again
	s.link = nil
}

func (s *stream) close() error {
	if s.link == nil {
		return nil
	}
	err := s.link.finish()
	s.link = nil
	return err
}
