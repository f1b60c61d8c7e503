package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// Agent is what is shown. Its methods may be called concurrently.
type Agent interface {
	Snapshot(ctx context.Context) pump.Snapshot
	// Stuck reports whether only a restart can help.
	Stuck() bool
}

// Options are what a Server shows, and of whom.
type Options struct {
	Agent   Agent
	Before  pump.Snapshot // what was already there at the start: counters begin after it
	Host    string
	Version string
	Logger  *slog.Logger
}

// Limits of a request and of all.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10
	maxConns      = 128
	closeLimit    = time.Second // for requests under way when the server ends
)

// Server serves what the configuration asks for, which a reload may change. Use and Close are called by one goroutine at a
// time, the others concurrently.
type Server struct {
	opts   Options
	vitals *vitals
	page   *page

	config   Config
	sampler  *sampler  // nil: it does not listen
	listener *listener // likewise
}

// New returns a server that does not listen yet.
func New(opts Options) (*Server, error) {
	p, err := newPage()
	if err != nil {
		return nil, err
	}
	return &Server{opts: opts, page: p, vitals: newVitals(time.Now())}, nil
}

// Use serves as the configuration says from now on; nil is not at all. After an error it goes on as before, unless that was
// with the port that the new address has, too.
func (s *Server) Use(ctx context.Context, c *Config) error {
	if c == nil {
		s.Close(ctx)
		return nil
	}
	if s.listener != nil && *c == s.config {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // Close ends it
	samples := s.sampler
	if samples == nil {
		samples = newSampler(&s.opts, s.vitals)
	}
	next, err := s.prepare(ctx, c, samples)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if next.socket, err = s.bind(ctx, c.Address); err != nil {
		next.cancel()
		return fmt.Errorf("listen: %w", err)
	}
	s.closeListener(ctx)
	if s.sampler == nil {
		s.sampler = samples
		s.sampler.start(ctx)
	}
	s.listener, s.config = next, *c
	next.start()
	s.opts.Logger.InfoContext(ctx, "serving status and metrics", "url", next.url())
	return nil
}

// bind takes the address, from the listener there is if that has its port, under whatever name.
func (s *Server) bind(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp", address)
	if err == nil || s.listener == nil || portOf(s.listener.socket.Addr().String()) != portOf(address) {
		return socket, err
	}
	s.closeListener(ctx)
	return lc.Listen(ctx, "tcp", address)
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// Close ends all requests and waits for everything that was started, but not for long.
func (s *Server) Close(ctx context.Context) {
	s.closeListener(ctx)
	if s.sampler != nil {
		s.sampler.stop()
		s.sampler = nil
	}
}

func (s *Server) closeListener(ctx context.Context) {
	if s.listener != nil {
		s.listener.close(ctx)
		s.listener = nil
	}
}

// Saved tells of an attempt to save the state.
func (s *Server) Saved(err error) { s.vitals.saved(err, time.Now()) }

// Reloaded tells of an attempt to take a new configuration.
func (s *Server) Reloaded(err error) { s.vitals.reloaded(err, time.Now()) }

// listener is one address that is served.
type listener struct {
	socket net.Listener
	server *http.Server
	cancel context.CancelFunc // ends requests that would last
	done   chan struct{}
	secure bool // with TLS
}

// prepare makes what serves as the configuration says, without its socket.
func (s *Server) prepare(ctx context.Context, c *Config, samples *sampler) (*listener, error) {
	var secure *tls.Config
	if c.Cert != "" {
		var err error
		if secure, err = (tlsfiles.Files{Cert: c.Cert, Key: c.Key}).ServerConfig(); err != nil {
			return nil, err
		}
	}
	handler, err := s.handler(c, samples)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return &listener{cancel: cancel, done: make(chan struct{}), secure: secure != nil, server: &http.Server{
		Handler:           handler,
		TLSConfig:         secure,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout, // events and profiles move it on
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug), // what strangers do wrong
	}}, nil
}

func (l *listener) start() {
	limited := netutil.LimitListener(l.socket, maxConns)
	go func() {
		defer close(l.done)
		if l.secure { // errors: only that it was closed
			_ = l.server.ServeTLS(limited, "", "")
		} else {
			_ = l.server.Serve(limited)
		}
	}()
}

func (l *listener) close(ctx context.Context) {
	l.cancel()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		_ = l.server.Close()
	}
	<-l.done
}

func (l *listener) url() string {
	scheme := "http"
	if l.secure {
		scheme = "https"
	}
	return scheme + "://" + l.socket.Addr().String() + "/"
}
