package elasticsearch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"journalpump/internal/dial"
	"journalpump/internal/tlsfiles"
)

// maxAnswer is how much of an answer is read. One about maxRequest bytes of the smallest entries is a fraction of it.
const maxAnswer = 64 << 20

// server performs requests. It may be used concurrently.
type server struct {
	timeout   time.Duration
	client    *elastictransport.Client
	transport *http.Transport
	hide      *strings.Replacer // what no message may show
}

func newServer(c *Config) (*server, error) {
	u, err := c.parseURL()
	if err != nil {
		return nil, fmt.Errorf("the URL %w", err)
	}
	tls, err := tlsfiles.Files{CA: c.CA}.Config()
	if err != nil {
		return nil, err
	}
	dialer, err := dial.New("")
	if err != nil {
		return nil, err
	}
	s := &server{
		timeout: c.Timeout.Duration(),
		transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer, TLSClientConfig: tls, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: inFlight + 1, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: c.Timeout.Duration(),
		},
	}
	key := apiKey(c.APIKey.Reveal())
	s.hide = hider(u, c.APIKey.Reveal(), key)
	bulkQuery := u.RawQuery
	u.RawQuery = ""
	s.client, err = elastictransport.NewClient(
		elastictransport.WithURLs(u),
		elastictransport.WithAPIKey(key),
		elastictransport.WithUserAgent("journalpump"),
		elastictransport.WithDisableRetry(), // the engine retries
		elastictransport.WithTransport(&roundTripper{s.transport, bulkQuery}),
	)
	if err != nil {
		return nil, errors.New("making the client: " + s.hide.Replace(err.Error()))
	}
	return s, nil
}

// apiKey returns the key in the form in which it is sent. The form ID:KEY is told by its colon, which base64 has not.
func apiKey(key string) string {
	if strings.Contains(key, ":") {
		return base64.StdEncoding.EncodeToString([]byte(key))
	}
	return key
}

// hider replaces secrets, which a server or a proxy may repeat in what it says.
func hider(u *url.URL, secrets ...string) *strings.Replacer {
	if password, ok := u.User.Password(); ok {
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		secrets = append(secrets, basic, password, url.QueryEscape(password), url.PathEscape(password))
	}
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}

// roundTripper adds to bulk requests what esapi has no means for.
type roundTripper struct {
	next      http.RoundTripper
	bulkQuery string
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if b, ok := r.Body.(*payloadReader); ok {
		r.ContentLength = int64(len(b.of.data))
		r.GetBody = func() (io.ReadCloser, error) { return b.of.open(), nil }
		if t.bulkQuery != "" {
			r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&"+t.bulkQuery, "&")
		}
	}
	return t.next.RoundTrip(r)
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// do performs a request; an answer is none only if the server gave none.
func (s *server) do(ctx context.Context, r esapi.Request, timeout time.Duration) (*answer, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := r.Do(limited, s.client)
	if err != nil {
		return nil, s.failure(ctx, limited, err, timeout)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", s.failure(ctx, limited, err, timeout))
	}
	if len(body) > maxAnswer {
		return nil, errors.New("the answer is too long")
	}
	return &answer{res.StatusCode, res.Header, body}, nil
}

// failure says what kept a request from being answered. Errors that may show a URL are not wrapped.
func (s *server) failure(ctx, limited context.Context, err error, timeout time.Duration) error {
	if ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("no answer within %v: %w", timeout, context.DeadlineExceeded)
	}
	if said := err.Error(); s.hide.Replace(said) != said {
		return errors.New(s.hide.Replace(said))
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection: %w", err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("connecting: %w", err)
	}
	return err
}

func (s *server) close() { s.transport.CloseIdleConnections() }
