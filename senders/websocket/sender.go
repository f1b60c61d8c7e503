package websocket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coder/websocket"

	"journalpump/pump"
)

// linger is how long the application behind the server gets, before a commit, for what the server has read.
const linger = 100 * time.Millisecond

// sender is a pump.Sender and a pump.Committer.
type sender struct {
	connector *connector
	packer    packer
	log       *slog.Logger

	link        *link // nil: not connected
	uncommitted bool  // something was sent that only counts while the connection stays whole
}

// Send writes the records and waits until the server has answered a ping behind them.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	l, err := s.connected(ctx)
	if err != nil {
		s.uncommitted = false // it will be sent again
		return err
	}
	err = s.packer.pack(b.Records, func(message []byte) error {
		return l.ws.Write(ctx, websocket.MessageBinary, message)
	})
	if err == nil {
		err = l.ws.Ping(ctx)
	}
	if err == nil {
		s.uncommitted = true
		return nil
	}
	err = s.drop(err)
	if !errors.Is(err, pump.ErrTooLarge) { // a server that says so is well, and has what came before
		s.uncommitted = false
	}
	return err
}

// Commit waits for a while and for the answer to another ping. That the connection is still whole then means that the server
// did not die with what it had read and its application had not seen.
func (s *sender) Commit(ctx context.Context) error {
	if !s.uncommitted {
		return nil
	}
	err := s.settle(ctx)
	s.uncommitted = false // or it is sent again
	return err
}

func (s *sender) settle(ctx context.Context) error {
	l, err := s.connected(ctx)
	if err != nil {
		return err
	}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-timer.C:
		err = l.ws.Ping(ctx)
	case <-l.done:
		err = errBroken
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return s.drop(err)
	}
	return nil
}

var errBroken = errors.New("the connection broke before what was sent over it had been committed")

// drop breaks the connection off and returns why it failed: what the server said when it closed it, or else err.
func (s *sender) drop(err error) error {
	said, ok := s.link.abort()
	s.link = nil
	if ok {
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
		if s.uncommitted {
			return nil, s.drop(errBroken)
		}
		said, _ := s.link.abort()
		s.log.Info("the idle connection ended, connecting again", "server", s.connector.uri.Host, "code", int(said.Code), "said", said.Reason)
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
