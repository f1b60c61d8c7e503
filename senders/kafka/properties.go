package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"journalpump/internal/conf"
)

// Properties are settings by the names that librdkafka gives them. Every name is either mapped to what it means here,
// warned about where it would change nothing, or refused with the reason.
type Properties struct {
	Brokers          []string
	ClientID         string
	SecurityProtocol string
	CA, Cert, Key    string
	AnyCertificate   bool // the server's certificate is not verified
	AnyName          bool // it is, but not the name in it
	Mechanism        Mechanism
	Username         string
	Password         conf.Secret
	LeaderOnly       bool // acks=1
	Compression      Compression
	Linger           time.Duration
	SendRecords      int
	BatchBytes       int
	RequestTimeout   time.Duration // for the broker to acknowledge
	SocketTimeout    time.Duration // for a whole request
	DialTimeout      time.Duration
	IdleTimeout      time.Duration
	MetadataAge      time.Duration
	Network          string // "tcp4", "tcp6"; "": either
	Partitioner      Partitioner
	NoAutoCreate     bool
	Idempotent       bool
}

// DecodeConf implements conf.Decoder.
func (p *Properties) DecodeConf(v conf.Value) error {
	o, ok := v.Object()
	if !ok {
		return errors.New("must be an object with librdkafka's names")
	}
	known := properties()
	for name, value := range o.Members() {
		if set := known[name]; set != nil {
			if err := set(p, value); err != nil {
				value.Errorf("%v", err)
			}
			continue
		}
		if why := withoutEffect(name); why != "" {
			o.Warnf(name, "has no effect: %s", why)
			continue
		}
		value.Errorf("is not supported%s", reasonOf(name, known))
	}
	return nil
}

// setter takes the value of a property.
type setter func(p *Properties, v conf.Value) error

// properties returns what is supported. librdkafka's aliases are names of their own.
func properties() map[string]setter {
	m := map[string]setter{
		"bootstrap.servers":                     text(func(p *Properties, s string) { p.Brokers = []string{s} }),
		"client.id":                             text(func(p *Properties, s string) { p.ClientID = s }),
		"security.protocol":                     choice(func(p *Properties, s string) { p.SecurityProtocol = s }, "plaintext", "ssl", "sasl_plaintext", "sasl_ssl"),
		"ssl.ca.location":                       text(func(p *Properties, s string) { p.CA = s }),
		"ssl.certificate.location":              text(func(p *Properties, s string) { p.Cert = s }),
		"ssl.key.location":                      text(func(p *Properties, s string) { p.Key = s }),
		"enable.ssl.certificate.verification":   boolean(func(p *Properties, b bool) { p.AnyCertificate = !b }),
		"ssl.endpoint.identification.algorithm": choice(func(p *Properties, s string) { p.AnyName = s == "none" }, "https", "none"),
		"sasl.mechanisms":                       choice(func(p *Properties, s string) { p.Mechanism = Mechanism(strings.ToUpper(s)) }, Mechanism("").ConfValues()...),
		"sasl.username":                         text(func(p *Properties, s string) { p.Username = s }),
		"sasl.password":                         func(p *Properties, v conf.Value) error { return p.Password.DecodeConf(v) },
		"acks":                                  setAcks,
		"compression.type":                      choice(func(p *Properties, s string) { p.Compression = Compression(s) }, Compression("").ConfValues()...),
		"linger.ms":                             millis(func(p *Properties, d time.Duration) { p.Linger = d }, 0, 900*time.Second),
		"batch.num.messages":                    number(func(p *Properties, n int) { p.SendRecords = n }, 1, 1_000_000),
		"batch.size":                            number(setBatchBytes, 1, 1<<30),
		"message.max.bytes":                     number(setBatchBytes, 1000, 1_000_000_000),
		"request.timeout.ms":                    millis(func(p *Properties, d time.Duration) { p.RequestTimeout = d }, time.Millisecond, 900*time.Second),
		"socket.timeout.ms":                     millis(func(p *Properties, d time.Duration) { p.SocketTimeout = d }, 10*time.Millisecond, 300*time.Second),
		"socket.connection.setup.timeout.ms":    millis(func(p *Properties, d time.Duration) { p.DialTimeout = d }, time.Second, 1000*time.Second),
		"socket.keepalive.enable":               always(true, "keep-alive is always on"),
		"socket.nagle.disable":                  always(true, "Nagle's algorithm is always off"),
		"broker.address.family":                 choice(setFamily, "any", "v4", "v6"),
		"connections.max.idle.ms":               millis(func(p *Properties, d time.Duration) { p.IdleTimeout = d }, time.Second, 24*time.Hour),
		"metadata.max.age.ms":                   millis(func(p *Properties, d time.Duration) { p.MetadataAge = d }, time.Second, 24*time.Hour),
		"partitioner":                           choice(func(p *Properties, s string) { p.Partitioner = Partitioner(s) }, partitioners()...),
		"allow.auto.create.topics":              boolean(func(p *Properties, b bool) { p.NoAutoCreate = !b }),
		"enable.idempotence":                    boolean(func(p *Properties, b bool) { p.Idempotent = b }),
	}
	for alias, name := range map[string]string{
		"metadata.broker.list": "bootstrap.servers", "sasl.mechanism": "sasl.mechanisms", "request.required.acks": "acks",
		"compression.codec": "compression.type", "queue.buffering.max.ms": "linger.ms",
		"topic.metadata.refresh.interval.ms": "metadata.max.age.ms",
	} {
		m[alias] = m[name]
	}
	return m
}

// withoutEffect says why a property would change nothing here.
func withoutEffect(name string) string {
	switch name {
	case "retries", "message.send.max.retries", "retry.backoff.ms", "retry.backoff.max.ms", "message.timeout.ms", "delivery.timeout.ms":
		return "what is not accepted is sent again until it is, with the waits that all senders have"
	case "queue.buffering.max.messages", "queue.buffering.max.kbytes":
		return "nothing is queued, the journal is the queue"
	case "api.version.request", "api.version.fallback.ms", "broker.version.fallback":
		return "versions are always negotiated"
	case "max.in.flight", "max.in.flight.requests.per.connection":
		return "there is one request in flight for each partition, which keeps its order"
	case "reconnect.backoff.ms", "reconnect.backoff.max.ms":
		return "waits between attempts are those that all senders have"
	}
	return ""
}

// reasonOf says why a property is refused.
func reasonOf(name string, known map[string]setter) string {
	switch {
	case name == "ssl.key.password":
		return ": have the key decrypted (openssl pkey), readable by journalpump alone"
	case strings.HasPrefix(name, "ssl.keystore."), strings.HasSuffix(name, ".pem"):
		return ": name PEM files with ssl.ca.location, ssl.certificate.location and ssl.key.location"
	case strings.HasPrefix(name, "sasl.kerberos."), strings.HasPrefix(name, "sasl.oauthbearer."), name == "enable.sasl.oauthbearer.unsecure.jwt":
		return ": of SASL there are " + strings.Join(Mechanism("").ConfValues(), ", ")
	case strings.HasPrefix(name, "transaction"):
		return ": entries are not produced in transactions; see enable.idempotence"
	}
	return conf.DidYouMean(name, slices.Sorted(maps.Keys(known)))
}

// written returns a value as text; librdkafka's configurations give numbers and booleans as such too.
func written(v conf.Value) (string, error) {
	if s, ok := v.Text(); ok {
		return strings.TrimSpace(s), nil
	}
	if n, ok := v.Number(); ok {
		return n.String(), nil
	}
	if b, ok := v.Bool(); ok {
		return strconv.FormatBool(b), nil
	}
	return "", errors.New("must be a text, a number, true or false")
}

func text(set func(*Properties, string)) setter {
	return func(p *Properties, v conf.Value) error {
		s, err := written(v)
		if err == nil {
			set(p, s)
		}
		return err
	}
}

func choice(set func(*Properties, string), allowed ...string) setter {
	return func(p *Properties, v conf.Value) error {
		s, err := written(v)
		if err != nil {
			return err
		}
		for _, a := range allowed {
			if strings.EqualFold(a, s) {
				set(p, a)
				return nil
			}
		}
		return fmt.Errorf("must be one of %s", strings.Join(allowed, ", "))
	}
}

func boolean(set func(*Properties, bool)) setter {
	return func(p *Properties, v conf.Value) error {
		s, err := written(v)
		if err != nil {
			return err
		}
		b, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return errors.New("must be true or false")
		}
		set(p, b)
		return nil
	}
}

// always takes the one value that is how it is here.
func always(value bool, why string) setter {
	return func(p *Properties, v conf.Value) error {
		var err error
		parsed := boolean(func(_ *Properties, b bool) {
			if b != value {
				err = fmt.Errorf("%t is not supported: %s", b, why)
			}
		})(p, v)
		return errors.Join(parsed, err)
	}
}

func number(set func(*Properties, int), low, high int) setter {
	return func(p *Properties, v conf.Value) error {
		s, err := written(v)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be an integer from %d to %d", low, high)
		}
		set(p, n)
		return nil
	}
}

// millis takes milliseconds; librdkafka allows fractions for linger.ms.
func millis(set func(*Properties, time.Duration), low, high time.Duration) setter {
	return func(p *Properties, v conf.Value) error {
		s, err := written(v)
		if err != nil {
			return err
		}
		f, err := strconv.ParseFloat(s, 64)
		d := f * float64(time.Millisecond)
		if err != nil || !(d >= float64(low) && d <= float64(high)) { // so that NaN isn't taken either
			return fmt.Errorf("must be a number of milliseconds from %d to %d", low.Milliseconds(), high.Milliseconds())
		}
		set(p, time.Duration(d))
		return nil
	}
}

func setAcks(p *Properties, v conf.Value) error {
	s, err := written(v)
	if err != nil {
		return err
	}
	switch s {
	case "all", "-1":
		p.LeaderOnly = false
	case "1":
		p.LeaderOnly = true
	case "0":
		return errors.New("0 is not supported: without acknowledgements nobody knows what has arrived; use all or 1")
	default:
		return errors.New("must be all (or -1) or 1")
	}
	return nil
}

func setBatchBytes(p *Properties, n int) {
	if p.BatchBytes == 0 || n < p.BatchBytes {
		p.BatchBytes = n
	}
}

func setFamily(p *Properties, s string) {
	p.Network = map[string]string{"v4": "tcp4", "v6": "tcp6"}[s]
}
