package googlelogging

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
)

// Config is the settings of a google_cloud_logging sender.
type Config struct {
	// The ID of the project to write to. Where google_service_account_credentials has a project, that one counts.
	Project string `json:"google_cloud_logging_project_id"`
	// The name of the log in the project. New: {FIELD} stands for the value of an entry's field, with _ for what a name can't have;
	// {{ and }} are the characters themselves.
	LogID string `json:"google_cloud_logging_log_id"`
	// Labels of the monitored resource, which is a generic_node: "location", "namespace", "node_id".
	ResourceLabels map[string]string `json:"google_cloud_logging_resource_labels"`
	// The key of a service account as Google gives it out. By default the machine's credentials are looked for.
	Credentials Credentials `json:"google_service_account_credentials"`
	// https://HOST[:PORT] of another server that speaks the protocol, or http://HOST:PORT for one without TLS, which gets no
	// credentials (new). By default Google's.
	Endpoint string `json:"google_cloud_logging_endpoint"`
}

// Credentials is the key of a service account, as Google gives it out: an object, or a string that stands for such, see
// conf.Secret. It prints as ***.
type Credentials struct{ conf.Secret }

var errCredentials = errors.New(`must be the key of a service account: an object with "type": "service_account", or "file:/path" to one`)

// DecodeConf implements conf.Decoder.
func (c *Credentials) DecodeConf(v conf.Value) error {
	if v.Kind() == conf.KindObject {
		c.Secret = conf.NewSecret(string(v.AppendJSON(nil)))
	} else if err := c.Secret.DecodeConf(v); err != nil {
		return err
	}
	if key := c.key(); key.Type != "service_account" {
		return errCredentials
	}
	return nil
}

// serviceKey is what of a service account's key concerns us.
type serviceKey struct {
	Type    string `json:"type"`
	Project string `json:"project_id"`
}

func (c *Credentials) key() (k serviceKey) {
	_ = json.Unmarshal([]byte(c.Reveal()), &k) // what isn't understood lacks its type
	return k
}

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config { return &Config{} }

// What does not fit these makes the service refuse each entry, and dead letters of all. A domain may stand before the ID of
// an old project, and a number for it. {FIELD} and %XX may be in a log's name.
var (
	projectID = regexp.MustCompile(`^[a-z0-9.:-]+$`)
	logID     = regexp.MustCompile(`^([A-Za-z0-9/_.-]|%[0-9A-Fa-f]{2}|\{[^{}]*\})+$`)
)

// nodeLabels are the labels that a monitored resource of type generic_node has.
func nodeLabels() []string { return []string{"location", "namespace", "node_id", "project_id"} }

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	own := c.Credentials.key().Project
	switch {
	case c.Project == "" && own == "":
		o.Errorf("google_cloud_logging_project_id", "is required: the ID of the project to write to")
	case c.Project != "" && own != "" && c.Project != own:
		o.Warnf("google_cloud_logging_project_id", "has no effect: the credentials are of the project %q, which counts", own)
	case c.Project != "" && !projectID.MatchString(c.Project):
		o.Errorf("google_cloud_logging_project_id", "must be the project's ID: lower-case letters, digits and - (its name may have others)")
	}
	if c.LogID == "" {
		o.Errorf("google_cloud_logging_log_id", "is required: the name of the log")
	} else if _, err := newLogName("", c.LogID); err != nil {
		o.Errorf("google_cloud_logging_log_id", "%v", err)
	} else if !logID.MatchString(c.LogID) {
		o.Warnf("google_cloud_logging_log_id", "has other characters in it than letters, digits and / _ - . which the service refuses")
	}
	for label := range c.ResourceLabels {
		if !slices.Contains(nodeLabels(), label) {
			o.Warnf("google_cloud_logging_resource_labels", "%q is none of the labels of a generic_node: %s", label, strings.Join(nodeLabels(), ", "))
		}
	}
	if _, _, err := c.target(); err != nil {
		o.Errorf("google_cloud_logging_endpoint", "%v", err)
	}
}

func (c *Config) project() string {
	if own := c.Credentials.key().Project; own != "" {
		return own
	}
	return c.Project
}

// target returns the address to connect to and whether to use TLS.
func (c *Config) target() (address string, secure bool, err error) {
	if c.Endpoint == "" {
		return "logging.googleapis.com:443", true, nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return "", false, errors.New("must be https://HOST[:PORT] or http://HOST[:PORT]")
	}
	if u.Port() == "" {
		u.Host += map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	}
	return u.Host, u.Scheme == "https", nil
}

// Limits says how large batches are: what fits into one request. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 5000, Bytes: 4 << 20, Age: 300 * time.Millisecond}
}

// Open looks for the credentials. It does not ask the service, which the first Send does.
func (c *Config) Open(_ context.Context, _ string, _ *slog.Logger) (pump.Sender, error) {
	name, err := newLogName(c.project(), c.LogID)
	if err != nil {
		return nil, pump.Permanent(err)
	}
	conn, err := c.dial()
	if err != nil {
		return nil, err
	}
	return newSender(conn, name, c.ResourceLabels), nil
}
