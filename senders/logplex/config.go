package logplex

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"journalpump/internal/conf"
	"journalpump/internal/syslogmsg"
	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// Config is the settings of a logplex sender.
type Config struct {
	// Where to post to, such as https://logplex.example.com/logs.
	InputURL conf.Secret `json:"logplex_log_input_url"`
	// What authenticates, and says which channel the messages are for.
	Token conf.Secret `json:"logplex_token"`
	// How long the server may take to accept a connection, and to begin its answer to a request that it has.
	RequestTimeout conf.Duration `json:"logplex_request_timeout"`
	// Accept any certificate of the server (new; the original always does).
	Insecure bool `json:"logplex_insecure"`
	// PEM file of the certificates to trust (new). By default the system's.
	CA string `json:"ca"`
}

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config { return &Config{RequestTimeout: conf.Duration(2 * time.Second)} }

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	if c.InputURL.IsZero() {
		o.Errorf("logplex_log_input_url", "is required: where to post to, such as https://logplex.example.com/logs")
	} else if _, err := c.url(); err != nil {
		o.Errorf("logplex_log_input_url", "%v", err)
	}
	switch {
	case c.Token.IsZero():
		o.Errorf("logplex_token", "is required")
	case c.token() != c.Token.Reveal():
		o.Errorf("logplex_token", "has characters in it that a token does not have, or is too long")
	}
	if c.RequestTimeout == 0 {
		o.Errorf("logplex_request_timeout", "must not be 0")
	}
	if c.Insecure && c.CA != "" {
		o.Warnf("ca", "is not used with logplex_insecure")
	}
}

// token returns the token as it can stand in a message.
func (c *Config) token() string {
	b := []byte(c.Token.Reveal())
	return string(syslogmsg.Printable(b, 0, syslogmsg.MaxApp))
}

var errURL = errors.New("must be a URL that begins with https:// or http://")

func (c *Config) url() (*url.URL, error) {
	u, err := url.Parse(c.InputURL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errURL // without err: it shows the URL
	}
	return u, nil
}

// Limits says how large batches are. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 10000, Bytes: 1 << 20, Age: 5 * time.Second}
}

// Open prepares; it is the first request that shows whether the server takes what is sent.
func (c *Config) Open(_ context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	u, err := c.url()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	// The token is what authenticates; a user in the URL would only stand in its way.
	u.User = nil
	files := tlsfiles.Files{CA: c.CA, Insecure: c.Insecure}
	settings, err := files.Config()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(u.Scheme, "http") && u.Scheme != "https" {
		log.Warn("the token and all messages go over the network without TLS", "sender", name, "host", u.Host)
	}
	timeout := c.RequestTimeout.Duration()
	dialer := net.Dialer{Timeout: timeout}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment, // as the original's library does
		DialContext:           dialer.DialContext,
		TLSClientConfig:       settings,
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: timeout,
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       time.Minute,
	}
	return &sender{
		url:     u.String(),
		token:   c.token(),
		client:  &http.Client{Transport: transport, CheckRedirect: noRedirect},
		encoder: encoder{token: c.token()},
	}, nil
}

// noRedirect: a POST that is sent elsewhere would become a GET, and the token is for nobody else.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
