package websocket

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"journalpump/internal/conf"
	"journalpump/internal/dial"
	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// Config is the settings of a websocket sender.
type Config struct {
	// ws://HOST[:PORT]/PATH, or wss://HOST[:PORT]/PATH for TLS. A user and password in it are sent as basic authentication.
	URI conf.Secret `json:"websocket_uri"`
	// How many bytes of entries, before compression and with a NUL between each two, go into one message; a larger entry goes
	// alone. 0: every entry is a message.
	MaxBatchSize conf.Size `json:"max_batch_size"`
	// Of each message by us, to be undone by the application behind the server; snappy's block format, without framing.
	Compression Compression `json:"compression"`
	// The protocol's own, permessage-deflate (RFC 7692); a server may decline it.
	WebsocketCompression Extension `json:"websocket_compression"`
	// Whether TLS is used, which wss:// says already; true with ws:// is an error.
	SSL bool `json:"ssl"`
	// PEM file of the certificates to trust. By default the system's.
	CA string `json:"ca"`
	// PEM file of our certificate, read again at each connection.
	Cert string `json:"certfile"`
	// PEM file of its key.
	Key string `json:"keyfile"`
	// socks5://[USER:PASSWORD@]HOST:PORT; names are looked up by the proxy.
	SOCKS5Proxy conf.Secret `json:"socks5_proxy"`
}

// Compression is a way of compressing messages.
type Compression string

// The ways of compressing messages.
const (
	None   Compression = "none"
	Snappy Compression = "snappy" // the block format, without framing
)

// ConfValues implements conf.Enum.
func (Compression) ConfValues() []string { return []string{string(Snappy), string(None)} }

// Extension is an extension of the protocol that compresses.
type Extension string

// The extensions that compress.
const (
	NoDeflate Extension = "none"
	Deflate   Extension = "deflate"
)

// ConfValues implements conf.Enum.
func (Extension) ConfValues() []string {
	return []string{string(NoDeflate), string(Deflate)}
}

const defaultBatchSize = 1 << 20

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config {
	return &Config{MaxBatchSize: defaultBatchSize, Compression: Snappy, WebsocketCompression: NoDeflate}
}

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	if c.URI.IsZero() {
		o.Errorf("websocket_uri", "is required: the address of the server, such as wss://logs.example.org/journal")
	} else if u, err := c.uri(); err != nil {
		o.Errorf("websocket_uri", "%v", err)
	} else {
		c.validateTLS(o, u.Scheme == "wss")
	}
	if _, err := dial.New(c.SOCKS5Proxy.Reveal()); err != nil {
		o.Errorf("socks5_proxy", "%v", err)
	}
}

func (c *Config) validateTLS(o *conf.Object, secure bool) {
	if (c.Cert == "") != (c.Key == "") {
		o.Errorf("certfile", "%v", tlsfiles.ErrHalf)
	}
	switch {
	case secure && o.Has("ssl") && !c.SSL:
		o.Warnf("ssl", "has no effect: wss:// always means TLS")
	case !secure && c.SSL:
		o.Errorf("websocket_uri", "must begin with wss:// when ssl is true")
	case !secure && (c.CA != "" || c.Cert != ""):
		o.Warnf("websocket_uri", "begins with ws://, which uses no certificates: write wss:// to have TLS")
	}
}

var errURI = errors.New("must be ws://HOST[:PORT]/PATH or wss://HOST[:PORT]/PATH")

// uri parses the URI. Its error does not show it.
func (c *Config) uri() (*url.URL, error) {
	u, err := url.Parse(c.URI.Reveal())
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Hostname() == "" || u.Fragment != "" {
		return nil, errURI
	}
	return u, nil
}

// Limits says how large batches are: what fits into one message, because each Send waits for the server once and what
// a failure makes us send again is a batch. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	bytes := int(c.MaxBatchSize)
	if bytes == 0 {
		bytes = defaultBatchSize
	}
	bytes -= bytes / 64 // for the NULs
	return pump.BatchLimits{Records: 20000, Bytes: max(bytes, 1), Age: time.Second}
}

// CommitEvery returns how long what was sent stays such that is sent again when the connection breaks.
func (c *Config) CommitEvery() time.Duration { return time.Second }

// Open connects to the server.
func (c *Config) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	u, err := c.uri()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	proxied, err := dial.New(c.SOCKS5Proxy.Reveal())
	if err != nil {
		return nil, pump.Permanent(err)
	}
	s := &sender{
		connector: &connector{
			uri:     u,
			dial:    proxied,
			tls:     tlsfiles.Files{CA: c.CA, Cert: c.Cert, Key: c.Key},
			deflate: c.WebsocketCompression == Deflate,
			header:  c.header(),
		},
		packer: packer{limit: int(c.MaxBatchSize), snappy: c.Compression == Snappy},
		log:    log.With("sender", name),
	}
	if _, err := s.connected(ctx); err != nil {
		return nil, err
	}
	return s, nil
}
