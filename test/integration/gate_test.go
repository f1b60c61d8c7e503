//go:build integration

package integration

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// gate is what the program's requests to a server go through. It takes one answer away, as a server does that dies
// when it has stored what it was sent, and holds those after it until it is opened.
type gate struct {
	*httptest.Server
	proxy  *httputil.ReverseProxy
	loses  int64 // the request whose answer gets lost
	seen   atomic.Int64
	lost   chan struct{} // closed when it was
	opened chan struct{}
}

func newGate(t *testing.T, server string, loses int64) *gate {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{proxy: httputil.NewSingleHostReverseProxy(u), loses: loses, lost: make(chan struct{}), opened: make(chan struct{})}
	g.proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := g.seen.Add(1)
	if n == g.loses {
		g.proxy.ServeHTTP(httptest.NewRecorder(), r)
		close(g.lost)
		panic(http.ErrAbortHandler) // breaks the connection
	}
	if n > g.loses {
		select {
		case <-g.opened:
		case <-r.Context().Done():
			return
		}
	}
	g.proxy.ServeHTTP(w, r)
}
