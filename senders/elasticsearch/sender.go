package elasticsearch

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync/atomic"

	"journalpump/pump"
)

// sender is a pump.Sender.
type sender struct {
	config  *Config
	product product
	log     *slog.Logger

	server   atomic.Pointer[server] // the retention's goroutine uses it too
	dialect  dialect
	unsure   bool // the server must be asked for its version again
	days     days
	encoders []*encoder
	limit    int // bytes of a request before compression

	stop  context.CancelFunc
	ended chan struct{} // closed when the retention's goroutine has ended
}

func (c *Config) open(ctx context.Context, p product, log *slog.Logger) (pump.Sender, error) {
	s := &sender{config: c, product: p, log: log, days: days{prefix: c.IndexPrefix, known: map[dayKey]*day{}}, limit: maxRequest}
	for range inFlight {
		e, err := newEncoder(c.Gzip)
		if err != nil {
			return nil, pump.Permanent(err)
		}
		s.encoders = append(s.encoders, e)
	}
	if _, err := c.parseURL(); err != nil {
		return nil, pump.Permanent(err)
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.ended = stop, make(chan struct{})
	if c.IndexDaysMax == 0 || s.dialect.bare {
		close(s.ended)
		return s, nil
	}
	go func() {
		defer close(s.ended)
		s.retain(background)
	}()
	return s, nil
}

// connect makes a client of the files as they are now and asks the server for its version.
func (s *sender) connect(ctx context.Context) error {
	next, err := newServer(s.config)
	if err != nil {
		return err
	}
	d, err := next.dialect(ctx, s.product)
	if err != nil {
		next.close()
		return err
	}
	s.dialect, s.unsure = d, false
	if before := s.server.Swap(next); before != nil {
		before.close()
	}
	return nil
}

// Send stores the records.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.unsure {
		if err := s.connect(ctx); err != nil {
			return err
		}
		s.days.forget("")
	}
	days, err := s.ensure(ctx, b.Records)
	if err != nil {
		s.doubt(err)
		return err
	}
	requests := split(b.Records, s.limit)
	s.perform(ctx, b.Records, days, requests)
	for i := range requests {
		s.learn(&requests[i])
	}
	return verdict(requests)
}

// learn draws conclusions from what became of a request.
func (s *sender) learn(r *request) {
	s.doubt(r.err)
	if errors.Is(r.err, pump.ErrTooLarge) && r.last-r.first > 1 {
		s.limit = min(s.limit, max(r.bytes/2, minRequest))
	}
	for _, err := range r.items {
		if isMissingIndex(err) {
			s.days.forget("")
			return
		}
	}
}

// doubt has the server asked again for its version, and the certificates read again, where that may help.
func (s *sender) doubt(err error) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		s.unsure = true
	}
	if _, ok := errors.AsType[*badRequestError](err); ok {
		s.unsure = true
	}
}

// renew returns an encoder with memory of its own, for that of the last one is still in use. It passes err on.
func (s *sender) renew(err error) (*encoder, error) {
	e, failed := newEncoder(s.config.Gzip)
	return e, errors.Join(err, failed)
}

// Close ends what goes on in the background.
func (s *sender) Close() error {
	s.stop()
	<-s.ended
	s.server.Load().close()
	return nil
}
