package web

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"journalpump/cmd/journalpump/status"
	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/test/certs"
)

const token = "correct horse battery staple"

// ask sends a request to the handler for a configuration.
func ask(t *testing.T, a Agent, c *Config, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	s := newServer(t, a)
	h, err := s.handler(c, newSampler(&s.opts, s.vitals))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:9099"+path, http.NoBody)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWhoMayAsk(t *testing.T) {
	unlocked, locked := Config{Address: "127.0.0.1:0"}, Config{Address: "0.0.0.0:0", Token: conf.NewSecret(token)}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for name, c := range map[string]struct {
		config *Config
		path   string
		change func(*http.Request)
		want   int
	}{
		"loopback":                     {&unlocked, "/metrics", nil, 200},
		"its address":                  {&unlocked, "/", host("127.0.0.1:9099"), 200},
		"its address of version 6":     {&unlocked, "/", host("[::1]:9099"), 200},
		"without a port":               {&unlocked, "/", host("[::1]"), 200},
		"a name that was rebound":      {&unlocked, "/", host("evil.example:9099"), 403},
		"a name that looks like one":   {&unlocked, "/status.json", host("localhost.evil.example"), 403},
		"an address of somebody else":  {&unlocked, "/healthz", host("192.0.2.1"), 403},
		"no name":                      {&unlocked, "/", host(""), 403},
		"no token":                     {&locked, "/metrics", nil, 401},
		"page without a token":         {&locked, "/", nil, 401},
		"unknown path without a token": {&locked, "/nothing", nil, 401},
		"bearer":                       {&locked, "/metrics", header("Authorization", "Bearer "+token), 200},
		"password":                     {&locked, "/", func(r *http.Request) { r.SetBasicAuth("anybody", token) }, 200},
		"any name with a token":        {&locked, "/", func(r *http.Request) { r.SetBasicAuth("", token); r.Host = "journal.example" }, 200},
		"wrong bearer":                 {&locked, "/metrics", header("Authorization", "Bearer "+token+"x"), 401},
		"wrong password":               {&locked, "/", func(r *http.Request) { r.SetBasicAuth(token, "") }, 401},
		"token in the address":         {&locked, "/?token=" + token[:7], nil, 401},
		"probe without a token":        {&locked, "/healthz", nil, 200},
		"no such page":                 {&unlocked, "/nothing", nil, 404},
		"profiles are off":             {&unlocked, "/debug/pprof/", nil, 404},
		"profiles":                     {&Config{Address: "127.0.0.1:0", Pprof: true}, "/debug/pprof/", nil, 200},
		"profile of the heap":          {&Config{Address: "127.0.0.1:0", Pprof: true}, "/debug/pprof/heap", nil, 200},
		"changing things":              {&unlocked, "/", func(r *http.Request) { r.Method = http.MethodPost }, 405},
	} {
		w := ask(t, newAgent(), c.config, c.path, c.change)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.want, w.Body)
		}
		if strings.Contains(w.Body.String(), token) {
			t.Errorf("%s: the token is shown", name)
		}
		if (w.Header().Get("WWW-Authenticate") != "") != (c.want == 401) {
			t.Errorf("%s: WWW-Authenticate: %q", name, w.Header().Get("WWW-Authenticate"))
		}
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy", "Cache-Control"} {
			if w.Header().Get(h) == "" {
				t.Errorf("%s: no %s", name, h)
			}
		}
	}
}

func TestPageAllowsOnlyItself(t *testing.T) {
	w := ask(t, newAgent(), &Config{Address: "127.0.0.1:0"}, "/", nil)
	policy, body := w.Header().Get("Content-Security-Policy"), w.Body.String()
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows what is unsafe: %s", policy)
	}
	for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://", "<script ", "<style ", "style="} {
		if strings.Contains(body, never) {
			t.Errorf("the page has %s", never)
		}
	}
}

func TestHealth(t *testing.T) {
	unlocked := &Config{Address: "127.0.0.1:0"}
	for name, c := range map[string]struct {
		change   func(*agent)
		healthy  int
		ready    int
		complain string
	}{
		"all is well": {func(*agent) {}, 200, 200, "ready"},
		"stuck":       {func(a *agent) { a.stuck = true }, 503, 503, "something is stuck"},
		"destination gone": {func(a *agent) {
			a.change("s", func(s *pump.SenderSnapshot) { s.Health, s.LastError = pump.Disconnected, "connection refused" })
		}, 200, 503, "sender r/s is disconnected: connection refused"},
		"not open yet": {func(a *agent) {
			a.change("s", func(s *pump.SenderSnapshot) { s.Health, s.LastError = pump.Disconnected, "" })
		}, 200, 503, "sender r/s is disconnected"},
		"no journal": {func(a *agent) {
			a.snapshot.Readers["x"] = pump.ReaderSnapshot{Waiting: "not available yet"}
		}, 200, 503, "reader x waits: not available yet"},
		"nothing runs yet": {func(a *agent) { a.snapshot.Readers = nil }, 200, 503, "no reader runs"},
	} {
		a := newAgent()
		c.change(a)
		if w := ask(t, a, unlocked, "/healthz", nil); w.Code != c.healthy {
			t.Errorf("%s: healthz %d, want %d", name, w.Code, c.healthy)
		}
		w := ask(t, a, unlocked, "/readyz", nil)
		if w.Code != c.ready || !strings.Contains(w.Body.String(), c.complain) {
			t.Errorf("%s: readyz %d %q, want %d %q", name, w.Code, w.Body, c.ready, c.complain)
		}
		w = ask(t, a, unlocked, "/readyz", func(r *http.Request) { r.Header.Set("Accept", "application/json") })
		var got readiness
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Ready != (c.ready == 200) || got.Ready != (len(got.Reasons) == 0) {
			t.Errorf("%s: as JSON: %v %+v", name, err, got)
		}
		w = ask(t, a, &Config{Address: ":0", Token: conf.NewSecret(token)}, "/readyz", nil)
		if w.Code != c.ready || strings.Contains(w.Body.String(), "r/s") {
			t.Errorf("%s: without the token: readyz %d %q", name, w.Code, w.Body)
		}
	}
}

func TestStatusIsThatOfTheCommand(t *testing.T) {
	w := ask(t, newAgent(), &Config{Address: "127.0.0.1:0"}, "/status.json", nil)
	var got status.Report
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.Senders) != 1 || got.Senders[0].Name != "s" || got.Senders[0].Sent != 80 || !got.Healthy || *got.Senders[0].LossIn != 3600 {
		t.Errorf("got %+v", got)
	}
}

// open asks a server that listens.
func open(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// get returns the status and the protocol of an answer.
func get(t *testing.T, client *http.Client, url string) (status int, proto string) {
	t.Helper()
	resp := open(t, client, url)
	defer client.CloseIdleConnections()
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Proto
}

// event reads the next event of a stream.
func event(t *testing.T, stream *bufio.Reader) (u struct {
	Full    bool     `json:"full"`
	Host    string   `json:"host"`
	Healthy bool     `json:"healthy"`
	Notices []string `json:"notices"`
	Senders []struct {
		Points [][]*float64 `json:"points"`
	} `json:"senders"`
}) {
	t.Helper()
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if body, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(body), &u); err != nil {
				t.Fatal(err)
			}
			return u
		}
	}
}

func TestEventsEndWithTheServer(t *testing.T) {
	a := newAgent()
	s := newServer(t, a)
	if err := s.Use(t.Context(), &Config{Address: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	client := new(http.Client)
	resp := open(t, client, s.listener.url()+"events")
	defer client.CloseIdleConnections()
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	first := event(t, stream)
	if !first.Full || first.Host != "host" || len(first.Senders) != 1 || len(first.Senders[0].Points) == 0 || !first.Healthy {
		t.Errorf("the first event is %+v", first)
	}
	s.Saved(errors.New("disk full"))
	for next := event(t, stream); len(next.Notices) == 0; next = event(t, stream) {
		if next.Full {
			t.Error("all points come again")
		}
	}
	s.Close(t.Context())
	if _, err := io.Copy(io.Discard, stream); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ends with %v", err)
	}
}

func TestTooManyWatchers(t *testing.T) {
	s := newServer(t, newAgent())
	samples := newSampler(&s.opts, s.vitals)
	for range maxWatchers {
		if _, err := samples.watch(); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	serveEvents(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events", http.NoBody), samples)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d", w.Code)
	}
	for ch := range samples.watchers {
		samples.unwatch(ch)
		break
	}
	if _, err := samples.watch(); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}

func TestReload(t *testing.T) {
	s := newServer(t, newAgent())
	use := func(c *Config) {
		t.Helper()
		if err := s.Use(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	client := new(http.Client)
	use(nil)
	use(&Config{Address: "127.0.0.1:0"})
	first := s.listener
	samples := s.sampler
	use(&Config{Address: "127.0.0.1:0"})
	if s.listener != first {
		t.Error("the same settings listen anew")
	}
	address := first.socket.Addr().String()
	use(&Config{Address: address})
	use(&Config{Address: address, Token: conf.NewSecret(token)}) // the same address, now with a token
	if s.sampler != samples {
		t.Error("what was seen is forgotten")
	}
	if code, _ := get(t, client, s.listener.url()+"metrics"); code != http.StatusUnauthorized {
		t.Errorf("the token has no effect: %d", code)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := s.Use(t.Context(), &Config{Address: taken.Addr().String()}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("an address that is taken: %v", err)
	}
	if code, _ := get(t, client, s.listener.url()+"healthz"); code != http.StatusOK {
		t.Errorf("after a refused change: %d", code)
	}
	use(nil)
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		t.Error("it still listens")
	}
}

func TestTLS(t *testing.T) {
	ca := certs.New(t)
	secure := ca.Server(t)
	s := newServer(t, newAgent())
	if err := s.Use(t.Context(), &Config{Address: "127.0.0.1:0", Cert: "/nonexistent", Key: "/nonexistent"}); err == nil {
		t.Fatal("a certificate that is not there is taken")
	}
	if err := s.Use(t.Context(), &Config{Address: "127.0.0.1:0", Cert: ca.Path("server.pem"), Key: ca.Path("server.key")}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: secure.ClientCAs}, ForceAttemptHTTP2: true}}
	if code, proto := get(t, client, s.listener.url()+"healthz"); code != http.StatusOK || proto != "HTTP/2.0" || !strings.HasPrefix(s.listener.url(), "https:") {
		t.Errorf("%d %s", code, proto)
	}
	if code, _ := get(t, new(http.Client), fmt.Sprintf("http://%s/", s.listener.socket.Addr())); code != http.StatusBadRequest {
		t.Errorf("without TLS: %d", code)
	}
}
