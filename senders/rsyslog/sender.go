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
	// send returns nil when the server has the messages, as far as the protocol can tell; that of a committer, when they
	// are on their way. After an error it connects anew with the next call.
	send(ctx context.Context, e *encoder) error
	// close ends the connection in an orderly way, in less than a second.
	close() error
}

// committer is a transport of which it is known later than after send that the server has the messages.
type committer interface {
	// commit returns nil when the server has all that was sent. After an error everything since the last commit is to be
	// sent again.
	commit(ctx context.Context) error
}

// committing is a pump.Committer.
type committing struct {
	*sender
	committer
}

func (c committing) Commit(ctx context.Context) error { return c.commit(ctx) }

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
