package rsyslog

import (
	"context"
	"log/slog"

	"journalpump/pump"
)

// transport carries messages to the server.
type transport interface {
	// open connects.
	open(ctx context.Context) error
	// send returns nil when the server has the messages, as far as the protocol can tell. After an error it connects anew
	// with the next call.
	send(ctx context.Context, e *encoder) error
	// close ends the connection in an orderly way, in less than a second.
	close() error
}

// sender is a pump.Sender.
type sender struct {
	encoder   *encoder
	transport transport
	log       *slog.Logger
}

func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.encoder.encode(b.Records)
	if err := s.transport.send(ctx, s.encoder); err != nil {
		return err
	}
	if s.encoder.cut > 0 {
		s.log.Info("messages were cut to max_message_size", "messages", s.encoder.cut, "max_message_size", s.encoder.most+1)
	}
	return nil
}

func (s *sender) Close() error { return s.transport.close() }
