package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"journalpump/internal/dial"
	"journalpump/internal/retryafter"
	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// connectTimeout is the original's.
const connectTimeout = 30 * time.Second

// header returns what tells the application behind the server how to take the messages apart.
func (c *Config) header() http.Header {
	h := http.Header{"User-Agent": {"journalpump/" + version()}}
	if c.MaxBatchSize > 0 {
		h.Set("Journalpump-Batch-Size", strconv.FormatInt(int64(c.MaxBatchSize), 10))
	}
	if c.Compression != None {
		h.Set("Journalpump-Compression", string(c.Compression))
	}
	return h
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// connector makes connections to the server.
type connector struct {
	uri     *url.URL
	dial    dial.Func
	tls     tlsfiles.Files
	deflate bool
	header  http.Header
}

func (c *connector) connect(ctx context.Context) (*link, error) {
	handshake, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	transport := &http.Transport{DialContext: c.dial, DisableKeepAlives: true}
	if c.uri.Scheme == "wss" {
		config, err := c.tls.Config() // each time: the files may have been mended
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: c.header}
	if c.deflate {
		options.CompressionMode = websocket.CompressionContextTakeover
	}
	ws, response, err := websocket.Dial(handshake, c.uri.String(), options) //nolint:bodyclose // it has none, says the library
	if err != nil {
		return nil, c.explain(response, err)
	}
	return newLink(ctx, ws), nil
}

// explain says why there is no connection, without the URI, which may hold secrets.
func (c *connector) explain(response *http.Response, err error) error {
	if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
		err := fmt.Errorf("the server %s refuses the connection with %d %s", c.uri.Host, response.StatusCode, http.StatusText(response.StatusCode))
		if wait := retryafter.Of(response.Header, time.Now()); wait > 0 {
			return pump.RetryAfter(err, wait)
		}
		return err
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("connecting to %s: %w", c.uri.Host, err)
}
