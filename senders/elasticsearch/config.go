package elasticsearch

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
)

// Config is the settings of an elasticsearch sender.
type Config struct {
	// http:// or https://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY], what is special in user and password as %XX. The query is added
	// to bulk requests: ?pipeline=NAME.
	URL conf.Secret `json:"elasticsearch_url"`
	// The index of an entry is PREFIX-YYYY-MM-DD, by the entry's date in UTC.
	IndexPrefix string `json:"elasticsearch_index_prefix"`
	// How many days are kept; only indices called exactly so are deleted. New: 0 keeps all.
	IndexDaysMax int `json:"elasticsearch_index_days_max"`
	// How long a request may take; a bulk request twice as long, and all of a batch four times as long, or a minute if that is longer.
	Timeout conf.Duration `json:"elasticsearch_timeout"`
	// Instead of user and password (new): as Elasticsearch prints it (encoded), or ID:KEY.
	APIKey conf.Secret `json:"elasticsearch_api_key"`
	// Whether requests are compressed (new).
	Gzip bool `json:"elasticsearch_gzip"`
	// PEM file of the certificates to trust. By default the system's.
	CA string `json:"ca"`
}

// OpenSearchConfig is the settings of an opensearch sender: the same under other names.
type OpenSearchConfig struct {
	// As elasticsearch_url.
	URL conf.Secret `json:"opensearch_url"`
	// As elasticsearch_index_prefix.
	IndexPrefix string `json:"opensearch_index_prefix"`
	// As elasticsearch_index_days_max.
	IndexDaysMax int `json:"opensearch_index_days_max"`
	// As elasticsearch_timeout.
	Timeout conf.Duration `json:"opensearch_timeout"`
	// As elasticsearch_api_key (new).
	APIKey conf.Secret `json:"opensearch_api_key"`
	// As elasticsearch_gzip (new).
	Gzip bool `json:"opensearch_gzip"`
	// As with elasticsearch.
	CA string `json:"ca"`
}

// DefaultConfig returns the settings of an elasticsearch sender for which nothing is set.
func DefaultConfig() *Config {
	return &Config{IndexPrefix: "journalpump", IndexDaysMax: 3, Timeout: conf.Duration(10 * time.Second), Gzip: true}
}

// DefaultOpenSearchConfig returns the settings of an opensearch sender for which nothing is set.
func DefaultOpenSearchConfig() *OpenSearchConfig {
	c := OpenSearchConfig(*DefaultConfig())
	return &c
}

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) { c.validate(o, "elasticsearch_") }

// Validate reports to o what is wrong with the settings.
func (c *OpenSearchConfig) Validate(o *conf.Object) { (*Config)(c).validate(o, "opensearch_") }

// Open finds out which version the server is of.
func (c *Config) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	return c.open(ctx, elasticsearch, log.With("sender", name))
}

// Open finds out which version the server is of.
func (c *OpenSearchConfig) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	return (*Config)(c).open(ctx, opensearch, log.With("sender", name))
}

// Limits says how large batches are. Their age is the original's max_send_interval.
func (*Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 20000, Bytes: inFlight * maxRequest, Age: 10 * time.Second}
}

// Limits says how large batches are. Their age is the original's max_send_interval.
func (c *OpenSearchConfig) Limits() pump.BatchLimits { return (*Config)(c).Limits() }

func (c *Config) validate(o *conf.Object, keys string) {
	u, err := c.parseURL()
	if err != nil {
		o.Errorf(keys+"url", "%v", err)
	} else if u.User != nil && !c.APIKey.IsZero() {
		o.Errorf(keys+"api_key", "and a user in %surl are two ways to log in; give one", keys)
	}
	if err := checkPrefix(c.IndexPrefix); err != nil {
		o.Errorf(keys+"index_prefix", "%v", err)
	}
	if c.IndexDaysMax < 0 {
		o.Errorf(keys+"index_days_max", "must not be negative; 0 keeps all indices")
	}
	if c.Timeout <= 0 {
		o.Errorf(keys+"timeout", "must be longer than 0")
	}
}

var (
	errNoURL  = errors.New("is required: https://[USER:PASSWORD@]HOST[:PORT]")
	errBadURL = errors.New("must be https://[USER:PASSWORD@]HOST[:PORT], with what is special in user and password as %XX")
)

// SendLimit returns how long a call of the sender may take: an index is looked for and made, then entries are sent.
func (c *Config) SendLimit() time.Duration { return 4 * c.Timeout.Duration() }

// parseURL parses the URL, which errors of package url would show.
func (c *Config) parseURL() (*url.URL, error) {
	if c.URL.IsZero() {
		return nil, errNoURL
	}
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, errBadURL
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath, u.Fragment = "", ""
	return u, nil
}

// checkPrefix refuses what cannot begin the name of an index, see "Create index API" in the documentation. It also keeps
// a prefix from matching other indices than its own.
func checkPrefix(prefix string) error {
	switch {
	case prefix == "":
		return errors.New("must not be empty")
	case len(prefix) > maxIndexName-len("-2006-01-02"):
		return errors.New("is too long: the name of an index has at most 255 bytes")
	case strings.ToLower(prefix) != prefix:
		return errors.New("must be in lower case, as all names of indices")
	case strings.ContainsAny(prefix[:1], "-_+"):
		return errors.New("must not begin with - _ or +, as no name of an index does")
	case strings.ContainsFunc(prefix, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`\/*?"<>|,#:%`, r) }):
		return errors.New(`must not contain spaces or any of \ / * ? " < > | , # : %`)
	}
	return nil
}

const maxIndexName = 255 // bytes
