package promise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"journalpump/test/certs"
)

// serve serves behind the gate until the test ends.
func serve(t *testing.T, g *gate, h http.Handler) {
	t.Helper()
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(g) }()
	t.Cleanup(func() {
		_ = g.Close() // breaks the connections, too
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && err != nil && !strings.Contains(err.Error(), "closed") {
			t.Errorf("serving: %v", err)
		}
	})
}

// bulk is as much of an Elasticsearch 8 as the sender needs. It stores an ID once.
type bulk struct {
	gated
	authority *certs.Authority // nil: no TLS
}

func newBulk(t *testing.T, authority *certs.Authority) *bulk {
	t.Helper()
	b := &bulk{authority: authority}
	if authority == nil {
		b.gate = newGate(t, nil, nil)
	} else {
		b.gate = newGate(t, authority.Server(t), certs.New(t).Server(t))
	}
	serve(t, b.gate, b)
	return b
}

func (b *bulk) settings(host string) map[string]any {
	scheme := "http"
	if b.authority != nil {
		scheme = "https"
	}
	port := b.address[strings.LastIndexByte(b.address, ':')+1:]
	s := map[string]any{
		"output_type": "elasticsearch", "elasticsearch_url": fmt.Sprintf("%s://%s:%s", scheme, host, port),
		"elasticsearch_index_prefix": "journal",
	}
	if b.authority != nil {
		s["ca"] = b.authority.Path("ca.pem")
	}
	return s
}

// ServeHTTP implements http.Handler.
func (b *bulk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	body, err := bodyOf(r)
	if err != nil {
		return
	}
	fault, _ := b.state()
	switch {
	case fault == Throttle || fault == Unavailable:
		answer(w, fault)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		b.take(w, body, fault == Partial)
	case strings.HasSuffix(r.URL.Path, "/_alias"):
		fmt.Fprint(w, `{}`)
	case r.URL.Path == "/":
		fmt.Fprint(w, `{"cluster_name":"c","version":{"number":"8.19.0"},"tagline":"You Know, for Search"}`)
	default:
		fmt.Fprint(w, `{"acknowledged":true,"shards_acknowledged":true}`)
	}
}

func bodyOf(r *http.Request) ([]byte, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	return io.ReadAll(body)
}

func answer(w http.ResponseWriter, f Fault) {
	if f == Throttle {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

// take answers a bulk request. If it is partial every third item is to be sent again.
func (b *bulk) take(w io.Writer, body []byte, partial bool) {
	var items []string
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	for i := 0; i+1 < len(lines); i += 2 {
		var op struct {
			Create struct {
				ID string `json:"_id"`
			} `json:"create"`
		}
		status := http.StatusCreated
		switch err := json.Unmarshal(lines[i], &op); {
		case err != nil || op.Create.ID == "":
			status = http.StatusBadRequest
		case b.refuses(lines[i+1]):
			status = http.StatusBadRequest
		case partial && i%3 == 0:
			status = http.StatusTooManyRequests
		case !b.store(op.Create.ID, lines[i+1]):
			status = http.StatusConflict
		}
		item := fmt.Sprintf(`{"create":{"_index":"journal","_id":%q,"status":%d`, op.Create.ID, status)
		switch status {
		case http.StatusTooManyRequests:
			item += `,"error":{"type":"es_rejected_execution_exception","reason":"busy"}`
		case http.StatusConflict:
			item += `,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}`
		case http.StatusBadRequest:
			item += `,"error":{"type":"mapper_parsing_exception","reason":"no ID, or poison"}`
		}
		items = append(items, item+"}}")
	}
	fmt.Fprintf(w, `{"took":1,"errors":true,"items":[%s]}`, strings.Join(items, ","))
}

// logplex is a Logplex.
type logplex struct {
	gated
	authority *certs.Authority
}

func newLogplex(t *testing.T) *logplex {
	t.Helper()
	l := &logplex{authority: certs.New(t)}
	l.gate = newGate(t, l.authority.Server(t), certs.New(t).Server(t))
	serve(t, l.gate, l)
	return l
}

func (l *logplex) settings(host string) map[string]any {
	port := l.address[strings.LastIndexByte(l.address, ':')+1:]
	return map[string]any{
		"output_type": "logplex", "logplex_log_input_url": "https://" + host + ":" + port + "/logs", "logplex_token": "token",
		"ca": l.authority.Path("ca.pem"),
	}
}

// ServeHTTP implements http.Handler.
func (l *logplex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := bodyOf(r)
	if err != nil {
		return
	}
	if fault, _ := l.state(); fault == Throttle || fault == Unavailable {
		answer(w, fault)
		return
	}
	if l.refuses(body) {
		http.Error(w, "poison", http.StatusBadRequest)
		return
	}
	l.add(body)
	w.WriteHeader(http.StatusNoContent)
}
