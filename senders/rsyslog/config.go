package rsyslog

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"journalpump/internal/conf"
	"journalpump/internal/dial"
	"journalpump/internal/tlsfiles"
	"journalpump/pump"
)

// Config is the settings of a rsyslog sender.
type Config struct {
	// Name or address; with the protocols unix and unix-stream the path of a socket (@name for an abstract one).
	Server string `json:"rsyslog_server"`
	// Its port, whatever the protocol; RELP is often at 2514, TLS at 6514.
	Port int `json:"rsyslog_port"`
	// How messages are carried. New are datagrams to a UNIX socket ("unix", as /dev/log takes them), a stream to one
	// ("unix-stream") and RELP, where the server acknowledges.
	Protocol Protocol `json:"protocol"`
	// How messages are told apart in a stream, with tcp, TLS and unix-stream: by line breaks or by their length (RFC 6587 3.4.1,
	// which RFC 5425 wants with TLS) (new).
	Framing Framing `json:"framing"`

	// What messages look like; upper and lower case are the same.
	Format Format `json:"format"`
	// The message with the custom format, with %pri% and other tags in it; required with it.
	Logline string `json:"logline"`
	// What every message has as structured data, with or without the brackets.
	StructuredData string `json:"structured_data"`
	// Facility of entries that have none.
	DefaultFacility int `json:"default_facility"`
	// Severity of entries that have none.
	DefaultSeverity int `json:"default_severity"`
	// How many bytes a message has at most, one of which is for the line break at its end. What is longer is cut, and the log says
	// how many were. rsyslog itself takes 8 KiB by default.
	MaxMessageSize conf.Size `json:"max_message_size"`

	// TLS 1.2 or newer, with tcp and relp.
	SSL bool `json:"ssl"`
	// PEM file of the certificates to trust; giving it sets ssl too. By default the system's.
	CACerts string `json:"ca_certs"`
	// PEM file of our certificate, read again at each connection.
	ClientCert string `json:"client_cert"`
	// PEM file of its key. By default it is in the file of the certificate.
	ClientKey string `json:"client_key"`
	// The name that the server's certificate must be for (new). By default rsyslog_server.
	ServerName string `json:"ssl_server_name"`
	// Whether the server's certificate must be for its name (new; the original doesn't look).
	CheckHostname bool `json:"ssl_check_hostname"`
}

// Protocol is a way of carrying messages.
type Protocol string

// The protocols.
const (
	TCP        Protocol = "tcp"
	UDP        Protocol = "udp"
	Unix       Protocol = "unix"        // datagrams, as /dev/log wants them
	UnixStream Protocol = "unix-stream" // a stream
	RELP       Protocol = "relp"
)

// ConfValues implements conf.Enum.
func (Protocol) ConfValues() []string {
	return []string{string(TCP), string(UDP), string(Unix), string(UnixStream), string(RELP)}
}

func (p Protocol) isUnix() bool { return p == Unix || p == UnixStream }
func (p Protocol) hasTLS() bool { return p == TCP || p == RELP }

// Framing is a way of telling messages in a stream apart (RFC 6587, 3.4).
type Framing string

// The framings.
const (
	Newline      Framing = "newline"
	OctetCounted Framing = "octet-counted"
)

// ConfValues implements conf.Enum.
func (Framing) ConfValues() []string { return []string{string(Newline), string(OctetCounted)} }

// Format is what messages look like.
type Format string

// The formats.
const (
	RFC5424 Format = "rfc5424"
	RFC3164 Format = "rfc3164"
	Custom  Format = "custom"
)

// ConfValues implements conf.Enum.
func (*Format) ConfValues() []string {
	return []string{string(RFC5424), string(RFC3164), string(Custom)}
}

// DecodeConf implements conf.Decoder: as in the original, upper and lower case are the same.
func (f *Format) DecodeConf(v conf.Value) error {
	text, ok := v.Text()
	if !ok {
		return fmt.Errorf("must be a string, not %s", v.Kind())
	}
	values := f.ConfValues()
	*f = Format(strings.ToLower(text))
	if !slices.Contains(values, string(*f)) {
		return fmt.Errorf("%q is not one of %s%s", text, conf.QuoteList(values), conf.DidYouMean(strings.ToLower(text), values))
	}
	return nil
}

const (
	defaultMessageSize = 2048
	// maxDatagram is the most that fits into a datagram of UDP over IPv4.
	maxDatagram = 65507
)

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config {
	return &Config{
		Port: 514, Protocol: TCP, Framing: Newline, Format: RFC5424,
		DefaultFacility: 1, DefaultSeverity: 6, MaxMessageSize: defaultMessageSize, CheckHostname: true,
	}
}

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	switch {
	case c.Server == "" && c.Protocol.isUnix():
		o.Errorf("rsyslog_server", "is required: the path of the socket to write to")
	case c.Server == "":
		o.Errorf("rsyslog_server", "is required: the name or address of the server")
	case c.Protocol.isUnix() && !strings.HasPrefix(c.Server, "/") && !strings.HasPrefix(c.Server, "@"):
		o.Errorf("rsyslog_server", "must be the path of a socket with the protocol %q", c.Protocol)
	case !c.Protocol.isUnix() && hasPort(c.Server):
		o.Errorf("rsyslog_server", "must be a name or an address; the port is for rsyslog_port")
	case c.Server == "/dev/log" || strings.HasPrefix(c.Server, "/run/systemd/journal/"):
		o.Warnf("rsyslog_server", "is the journal's own socket: what is sent there comes back as a new entry, and is sent again")
	}
	if !c.Protocol.isUnix() && (c.Port < 1 || c.Port > 65535) {
		o.Errorf("rsyslog_port", "must be a port, 1 to 65535")
	}
	c.validateMessages(o)
	c.validateTLS(o)
}

// hasPort reports whether a server is given as HOST:PORT or [ADDRESS]:PORT.
func hasPort(server string) bool {
	if _, err := netip.ParseAddr(server); err == nil {
		return false
	}
	_, port, err := net.SplitHostPort(server)
	return err == nil && port != ""
}

func (c *Config) validateMessages(o *conf.Object) {
	if c.Format == Custom && strings.TrimSuffix(c.Logline, "\n") == "" {
		o.Errorf("logline", "is required with the format %q", Custom)
	}
	if c.Format == Custom {
		for _, doubt := range doubts(c.Logline) {
			o.Warnf("logline", "%s", doubt)
		}
	} else if c.Logline != "" {
		o.Warnf("logline", "is only used with the format %q", Custom)
	}
	if strings.ContainsAny(c.StructuredData, "\n\x00") {
		o.Errorf("structured_data", "must not have line breaks or NUL in it")
	}
	if c.DefaultFacility < 0 || c.DefaultFacility > 23 {
		o.Warnf("default_facility", "is not one of 0 to 23; messages that have none of their own get the priority 13 (user.notice)")
	}
	if c.DefaultSeverity < 0 || c.DefaultSeverity > 7 {
		o.Warnf("default_severity", "is not one of 0 to 7; messages that have none of their own get the priority 13 (user.notice)")
	}
	if c.Protocol == UDP && c.most() > maxDatagram {
		o.Errorf("max_message_size", "must be at most %d with the protocol %q, which has no larger datagrams", maxDatagram+1, UDP)
	}
	if c.MaxMessageSize > maxMessage {
		o.Errorf("max_message_size", "must be at most %s", conf.Size(maxMessage))
	}
	if c.Framing == OctetCounted && c.Protocol != TCP && c.Protocol != UnixStream {
		o.Warnf("framing", "is for streams; the protocol %q tells messages apart by itself", c.Protocol)
	}
}

// maxMessage is more than any entry has.
const maxMessage = 64 << 20

func (c *Config) validateTLS(o *conf.Object) {
	if c.tls() && !c.Protocol.hasTLS() {
		key := "ssl"
		if !c.SSL {
			key = "ca_certs"
		}
		o.Errorf(key, "cannot be had with the protocol %q", c.Protocol)
	}
	if c.ClientKey != "" && c.ClientCert == "" {
		o.Warnf("client_key", "is not used without client_cert")
	}
	if c.ClientCert != "" && !c.tls() {
		o.Warnf("client_cert", "is not used without ssl or ca_certs")
	}
}

func (c *Config) tls() bool { return c.SSL || c.CACerts != "" }

// most returns how many bytes a message may have, its line feed left out.
func (c *Config) most() int {
	if c.MaxMessageSize <= 0 {
		return defaultMessageSize - 1
	}
	return max(1, int(c.MaxMessageSize)-1)
}

// files returns the files of TLS. As the original does, the key is looked for in the certificate's file if there is none.
func (c *Config) files() tlsfiles.Files {
	f := tlsfiles.Files{CA: c.CACerts, Cert: c.ClientCert, Key: c.ClientKey}
	switch {
	case f.Cert == "":
		f.Key = ""
	case f.Key == "":
		f.Key = f.Cert
	}
	return f
}

func (c *Config) address() string {
	return net.JoinHostPort(strings.Trim(c.Server, "[]"), strconv.Itoa(c.Port))
}

// Limits says how large batches are. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 10000, Bytes: 4 << 20, Age: 300 * time.Millisecond}
}

// CommitEvery returns how long messages over a stream stay such that are sent again when the connection breaks.
func (c *Config) CommitEvery() time.Duration { return time.Second }

// Open connects to the server, so that what is wrong shows at once.
func (c *Config) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	d, err := dial.New("")
	if err != nil {
		return nil, err
	}
	return c.newSender(ctx, d, log.With("sender", name))
}

func (c *Config) newSender(ctx context.Context, d dial.Func, log *slog.Logger) (pump.Sender, error) {
	s := &sender{encoder: newEncoder(c), transport: c.transport(&connector{config: c, dial: d}, log), log: log}
	if err := s.transport.open(ctx); err != nil {
		return nil, err
	}
	if c, ok := s.transport.(committer); ok {
		return committing{s, c}, nil
	}
	return s, nil
}

func (c *Config) transport(to *connector, log *slog.Logger) transport {
	switch c.Protocol {
	case RELP:
		return &relpTransport{connector: to}
	case UDP, Unix:
		return &datagrams{connector: to}
	default:
		return &stream{connector: to, log: log}
	}
}
