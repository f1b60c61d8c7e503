//go:build integration

package integration

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// gate is what the program's requests to a server go through. It takes one answer away, as a server does that dies
// when it has stored what it was sent, and holds those after it until it is opened.
type gate struct {
	*httptest.Server
	proxy *httputil.ReverseProxy

	mu     sync.Mutex
	left   int           // how many requests are to be answered before; below 0: none gets lost
	lost   chan struct{} // closed when an answer was taken away
	opened chan struct{} // closed while nothing is held
}

var errLost = errors.New("the answer gets lost")

func newGate(t *testing.T, server string) *gate {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{proxy: httputil.NewSingleHostReverseProxy(u), left: -1, opened: make(chan struct{})}
	close(g.opened)
	g.proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	g.proxy.ModifyResponse = func(r *http.Response) error {
		if r.StatusCode == http.StatusOK && g.loses() {
			return errLost
		}
		return nil
	}
	g.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		if errors.Is(err, errLost) {
			panic(http.ErrAbortHandler) // breaks the connection
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

// lose has the answer get lost that follows so many good ones. When it was, the channel is closed.
func (g *gate) lose(after int) (lost <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.lost, g.opened = after, make(chan struct{}), make(chan struct{})
	return g.lost
}

// open lets requests pass again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.opened)
}

// loses reports whether the answer that there is gets lost.
func (g *gate) loses() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left--; g.left != -1 {
		return false
	}
	close(g.lost)
	return true
}

// held returns what a request has to wait for, nil if nothing.
func (g *gate) held() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left >= 0 {
		return nil
	}
	return g.opened
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if opened := g.held(); opened != nil {
		select {
		case <-opened:
		case <-r.Context().Done():
			return
		}
	}
	g.proxy.ServeHTTP(w, r)
}
