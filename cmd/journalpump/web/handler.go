package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"
)

// eventTimeout is how long one event may take to be written: then whoever watches has gone.
const eventTimeout = 10 * time.Second

// handler serves everything there is, as the configuration says.
func (s *Server) handler(c *Config, samples *sampler) (http.Handler, error) {
	authorised := authorisation(c)
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	inside := http.NewServeMux()
	inside.Handle("GET /metrics", metrics)
	inside.Handle("GET /{$}", s.page)
	inside.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, samples.now(r.Context()))
	})
	inside.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) { serveEvents(w, r, samples) })
	if c.Pprof {
		inside.HandleFunc("GET /debug/pprof/", pprof.Index)
		inside.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		inside.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		inside.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		inside.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	outside := http.NewServeMux()
	outside.Handle("/", requireToken(authorised, inside))
	outside.HandleFunc("GET /healthz", s.healthz) // those who probe seldom have a token
	outside.HandleFunc("GET /readyz", s.readyz(authorised))
	return secured(c, outside), nil
}

// secured lets browsers do as little as possible with what they get, and refuses what a page of somebody else's has them ask.
func secured(c *Config, next http.Handler) http.Handler {
	// Without a token the address is all that protects us, and a name that DNS makes this machine's must not get around it.
	onlyOurNames := c.loopback() && c.Token.IsZero()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if onlyOurNames && !isLoopback(hostOf(r)) {
			answer(w, http.StatusForbidden, "ask for localhost or 127.0.0.1: other names are only answered with a token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf returns the name that a request was for, without the port.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.Trim(host, "[]")
}

func requireToken(authorised func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !authorised(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="journalpump", charset="UTF-8"`)
			answer(w, http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN, or the token as the password of any user")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// authorisation returns what says whether a request has the token. It takes the same time whatever is wrong with it.
func authorisation(c *Config) func(*http.Request) bool {
	if c.Token.IsZero() {
		return func(*http.Request) bool { return true }
	}
	want := sha256.Sum256([]byte(c.Token.Reveal()))
	return func(r *http.Request) bool {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			_, token, _ = r.BasicAuth()
		}
		got := sha256.Sum256([]byte(token))
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}

// serveEvents tells of every look at the agent until the client or the server has had enough.
func serveEvents(w http.ResponseWriter, r *http.Request, samples *sampler) {
	signal, err := samples.watch()
	if err != nil {
		answer(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	defer samples.unwatch(signal)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would gather events
	out := http.NewResponseController(w)
	n := 0
	for {
		select {
		case <-signal:
		case <-r.Context().Done():
			return
		}
		u, last := samples.update(n)
		if u == nil {
			continue
		}
		n = last
		if writeEvent(w, out, u) != nil {
			return // it has gone
		}
	}
}

func writeEvent(w http.ResponseWriter, out *http.ResponseController, u *update) error {
	body, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if err := out.SetWriteDeadline(time.Now().Add(eventTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", body); err != nil {
		return err
	}
	return out.Flush()
}
