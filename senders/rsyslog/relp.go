package rsyslog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"journalpump/pump"
	"journalpump/senders/rsyslog/relp"
)

// relpTransport carries messages over RELP. What the server has answered 200 it has taken.
type relpTransport struct {
	*connector
	link    *link
	client  *relp.Client
	results []relp.Result
}

func (t *relpTransport) open(ctx context.Context) error {
	l, err := t.connect(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	defer l.bound(ctx)()
	client, err := relp.Open(l)
	if err != nil {
		_ = l.raw.Close() // it was not used
		return fmt.Errorf("%s: %w", t.config.address(), ended(ctx, err))
	}
	t.link, t.client = l, client
	return nil
}

// ended adds to an error that it was ctx which ended the call.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

func (t *relpTransport) send(ctx context.Context, e *encoder) error {
	if t.link != nil && t.link.whole() != nil {
		t.drop() // everything had been answered, so nothing is lost
	}
	if t.link == nil {
		if err := t.open(ctx); err != nil {
			return err
		}
	}
	for len(t.results) < len(e.messages) {
		t.results = append(t.results, relp.Unknown)
	}
	results := t.results[:len(e.messages)]
	err := t.exchange(ctx, e.messages, results)
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[*relp.RefusedError](err); !refused {
		t.drop()
	}
	return rest(results, err)
}

func (t *relpTransport) exchange(ctx context.Context, messages [][]byte, results []relp.Result) error {
	defer t.link.bound(ctx)()
	if err := t.client.Send(messages, results); err != nil {
		return ended(ctx, err)
	}
	return nil
}

// rest returns an error for the messages that were not accepted. rsyslog refuses messages for a while, when its queue is
// full: so none of them is refused for good.
func rest(results []relp.Result, err error) error {
	partial := &pump.PartialError{Errs: map[int]error{}}
	for i, r := range results {
		if r != relp.Accepted {
			partial.Errs[i] = err
		}
	}
	if len(partial.Errs) == len(results) {
		return err
	}
	return partial
}

func (t *relpTransport) drop() {
	_ = t.link.raw.Close() // what was not answered is sent again
	t.link, t.client = nil, nil
}

func (t *relpTransport) close() error {
	if t.link == nil {
		return nil
	}
	defer t.drop()
	if t.link.SetDeadline(time.Now().Add(farewell)) == nil {
		_ = t.client.Close() // everything has been answered
	}
	return nil
}
