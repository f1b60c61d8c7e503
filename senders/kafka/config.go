package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"journalpump/internal/conf"
	"journalpump/internal/dial"
	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// Config is the settings of a kafka sender. What a key of its own and kafka_properties both set is the key's.
type Config struct {
	// Some brokers of the cluster: a list, or one text with commas. HOST, HOST:PORT (9092), [IPV6]:PORT; ssl:// or sasl_ssl:// in
	// front asks for TLS.
	Address conf.StringList `json:"kafka_address"`
	// The topic. New: {FIELD} stands for the value of an entry's field, strftime's % directives for its time in UTC.
	Topic string `json:"kafka_topic"`
	// How the topic is created if it does not exist. Without it, brokers that create topics by themselves do.
	TopicConfig *TopicConfig `json:"kafka_topic_config"`
	// The records' key, which decides the partition. New: {FIELD}. An entry without the field has no key.
	MsgKey string `json:"kafka_msg_key"`
	// Accepted for the sake of existing configurations, without effect: versions are negotiated with each broker.
	APIVersion apiVersion `json:"kafka_api_version"`
	// Whether a record's time is when it was produced, or the entry's own, but none of the future (new). Kafka's retention goes by
	// it: old entries may be deleted at once.
	Timestamp Timestamp `json:"kafka_timestamp"`
	// Of record batches (new); by default zstd, for which brokers must be of Kafka 2.1 or later.
	Compression Compression `json:"compression"`

	// Whether TLS is used.
	SSL bool `json:"ssl"`
	// PEM file of the certificates to trust. By default the system's.
	CA string `json:"ca"`
	// PEM file of our certificate, read again at each connection.
	Certfile string `json:"certfile"`
	// PEM file of its key.
	Keyfile string `json:"keyfile"`

	// How to log in (new).
	SASLMechanism Mechanism `json:"sasl_mechanism"`
	// The user to log in as (new).
	SASLUsername string `json:"sasl_username"`
	// The user's password (new).
	SASLPassword conf.Secret `json:"sasl_password"`

	// socks5://[USER:PASSWORD@]HOST:PORT; the brokers' names are looked up by the proxy.
	Socks5Proxy conf.Secret `json:"socks5_proxy"`

	// Settings by librdkafka's names, see docs/senders/kafka.md (new). What a key of the sender sets too is the key's.
	Properties Properties `json:"kafka_properties"`

	// As of all senders, see docs/events.md. With them kafka_topic is required for those only that have neither a topic nor a format.
	Routes conf.Value `json:"routes"`
}

// TopicConfig is how a topic is created. Both are required; -1 leaves a number to the broker.
type TopicConfig struct {
	// How many partitions; -1 leaves it to the broker.
	NumPartitions int `json:"num_partitions"`
	// On how many brokers each is; -1 leaves it to the broker.
	ReplicationFactor int `json:"replication_factor"`
}

// Timestamp says what time a record has in Kafka, which counts for a topic's retention.
type Timestamp string

// What a record's time can be.
const (
	SentTime  Timestamp = "sent"  // when it was produced, as with the original
	EntryTime Timestamp = "entry" // the journal entry's own
)

// ConfValues implements conf.Enum.
func (Timestamp) ConfValues() []string { return []string{string(SentTime), string(EntryTime)} }

// apiVersion is whatever kafka-python took: "0.9", "auto" or [0, 9].
type apiVersion struct{}

// DecodeConf implements conf.Decoder.
func (*apiVersion) DecodeConf(v conf.Value) error {
	switch v.Kind() {
	case conf.KindString, conf.KindNumber, conf.KindList:
		return nil
	default:
		return errors.New(`must be a version such as "2.3"; it has no effect, versions are negotiated`)
	}
}

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config { return &Config{Timestamp: SentTime} }

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	c.validateAddress(o)
	c.validateTopic(o)
	if _, err := c.key(); err != nil {
		o.Errorf("kafka_msg_key", "%v", err)
	}
	if t := c.TopicConfig; t != nil && (!validCount(t.NumPartitions) || !validCount(t.ReplicationFactor)) {
		o.Errorf("kafka_topic_config", "num_partitions and replication_factor must both be given, from 1 on (-1: the broker decides)")
	}
	if _, err := dial.New(c.Socks5Proxy.Reveal()); err != nil {
		o.Errorf("socks5_proxy", "%v", err)
	}
	c.validateSecurity(o)
	if c.Properties.Idempotent && c.Properties.LeaderOnly {
		o.Errorf("kafka_properties", "enable.idempotence needs acks=all")
	}
}

func validCount(n int) bool { return n == -1 || n > 0 && n < 1<<15 }

func (c *Config) validateAddress(o *conf.Object) {
	addresses, key := c.addresses()
	if len(addresses) == 0 {
		o.Errorf("kafka_address", "is required: host:port of one broker or several")
		return
	}
	if _, _, err := parseAddresses(addresses); err != nil {
		o.Errorf(key, "%v", err)
	}
}

func (c *Config) addresses() (addresses []string, key string) {
	if len(c.Address) > 0 {
		return c.Address, "kafka_address"
	}
	return c.Properties.Brokers, "kafka_properties"
}

// RouteKey implements senders.Router.
func (c *Config) RouteKey() string { return "topic" }

// CheckRoute implements senders.Router.
func (c *Config) CheckRoute(to string) error {
	if to == "" {
		to = c.Topic
	}
	if to == "" {
		return errors.New("is required: neither it nor kafka_topic says which topic to produce to")
	}
	_, err := parseTopic(to)
	return err
}

func (c *Config) validateTopic(o *conf.Object) {
	if c.Topic == "" {
		if !c.Routes.IsNull() { // each says where it leads
			return
		}
		o.Errorf("kafka_topic", "is required: the topic to produce to")
	} else if _, err := c.topic(); err != nil {
		o.Errorf("kafka_topic", "%v", err)
	}
}

func (c *Config) validateSecurity(o *conf.Object) {
	s := c.security()
	if o.Has("ssl") && !c.SSL && s.tls {
		o.Warnf("ssl", "is false, but an address or security.protocol asks for TLS, and that is what is used")
	}
	if !s.tls {
		for key, value := range map[string]string{"ca": c.CA, "certfile": c.Certfile, "keyfile": c.Keyfile} {
			if value != "" {
				o.Warnf(key, "has no effect without ssl")
			}
		}
	} else if (s.files.Cert == "") != (s.files.Key == "") {
		o.Errorf("", "certfile and keyfile must be given together")
	}
	if s.mechanism == "" && (s.username != "" || !s.password.IsZero()) {
		o.Errorf("sasl_mechanism", "is required with a user name and password: one of %s", strings.Join(Mechanism("").ConfValues(), ", "))
	}
	if s.mechanism != "" && s.username == "" {
		o.Errorf("sasl_username", "is required with a SASL mechanism")
	}
	if s.mechanism != "" && s.password.IsZero() {
		o.Errorf("sasl_password", "is required with a SASL mechanism")
	}
}

// maxFields bounds how long a topic or key can get.
const maxFields = 8

func (c *Config) topic() (*placeholder.Template, error) { return parseTopic(c.Topic) }

func parseTopic(text string) (*placeholder.Template, error) {
	t, err := placeholder.Parse(text)
	if err != nil {
		return nil, err
	}
	if t.Fields() > maxFields {
		return nil, fmt.Errorf("has more than %d fields in it", maxFields)
	}
	if name, static := t.Static(); static && text != "" {
		return t, checkTopic(name)
	}
	return t, nil
}

// key returns nil when there is none. A % is itself: the original's keys were plain text.
func (c *Config) key() (*placeholder.Template, error) {
	if c.MsgKey == "" {
		return nil, nil //nolint:nilnil // no key is not an error
	}
	t, err := placeholder.Parse(strings.ReplaceAll(c.MsgKey, "%", "%%"))
	if err == nil && t.Fields() > maxFields {
		err = fmt.Errorf("has more than %d fields in it", maxFields)
	}
	return t, err
}

const (
	// batchBytes bounds a record batch before compression, so that brokers with the default message.max.bytes
	// (1,048,588) take it whatever the compression.
	batchBytes = 1_000_000
	// sendBytes bounds what one Send gets. It fills four record batches, so that several partitions are busy.
	sendBytes   = 4 << 20
	sendRecords = 20_000
)

// Limits says how large batches are. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	p := &c.Properties
	return pump.BatchLimits{
		Records: cmp.Or(p.SendRecords, sendRecords),
		Bytes:   sendBytes,
		Age:     cmp.Or(p.Linger, 300*time.Millisecond),
	}
}

// Open connects to the cluster and, unless the topic depends on the entry, sees to it that the topic exists.
func (c *Config) Open(ctx context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	topic, err := c.topic()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	key, err := c.key()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	client, err := c.newClient(topic, log.With("sender", name))
	if err != nil {
		return nil, err
	}
	s, err := newSender(c, client, newRouter(topic, key, c.Properties.Partitioner))
	if err == nil {
		err = s.connect(ctx)
	}
	if err != nil {
		client.close()
		return nil, err
	}
	return s, nil
}
