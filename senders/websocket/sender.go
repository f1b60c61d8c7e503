package websocket

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/coder/websocket"

	"journalpump/pump"
)

// sender is a pump.Sender.
type sender struct {
	connector *connector
	packer    packer
	log       *slog.Logger

	link *link // nil: not connected
}

// Send writes the records and waits until the server has answered a ping behind them.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	l, err := s.connected(ctx)
	if err != nil {
		return err
	}
	err = s.packer.pack(b.Records, func(message []byte) error {
		return l.ws.Write(ctx, websocket.MessageBinary, message)
	})
	if err == nil {
		err = l.ws.Ping(ctx)
	}
	if err == nil {
		return nil
	}
	s.link = nil
	if said, ok := l.abort(); ok {
		return refusal(said)
	}
	return fmt.Errorf("sending to %s: %w", s.connector.uri.Host, err)
}

// refusal says what the server's closing the connection means for the batch.
func refusal(said websocket.CloseError) error {
	if said.Code == websocket.StatusMessageTooBig {
		return fmt.Errorf("the server closed the connection, %w: %w", said, pump.ErrTooLarge)
	}
	return fmt.Errorf("the server closed the connection: %w", said)
}

// connected returns the connection, made anew when it broke while there was nothing to send.
func (s *sender) connected(ctx context.Context) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.link != nil && s.link.broken() {
		said, _ := s.link.abort()
		s.log.Info("the server closed the idle connection, connecting again", "server", s.connector.uri.Host, "code", int(said.Code), "said", said.Reason)
		s.link = nil
	}
	if s.link == nil {
		l, err := s.connector.connect(ctx)
		if err != nil {
			return nil, err
		}
		s.link = l
	}
	return s.link, nil
}

// Close closes the connection in an orderly way.
func (s *sender) Close() error {
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
	return nil
}
