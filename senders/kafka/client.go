package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"journalpump/internal/dial"
	"journalpump/internal/placeholder"
	"journalpump/pump"
)

const (
	defaultTimeout     = 30 * time.Second
	defaultDialTimeout = 10 * time.Second
	// defaultMetadataAge is short because what is fetched is little: the one topic, except where it depends on the entry.
	defaultMetadataAge = 30 * time.Second
)

// client asks the cluster. It is used by several goroutines at a time.
type client struct {
	kafka        *kafka.Client
	transport    *kafka.Transport
	connections  *connections
	topicConfig  *TopicConfig
	autoCreate   bool
	requiredAcks kafka.RequiredAcks
	hints        hints
	log          *slog.Logger
}

func (c *Config) newClient(topic *placeholder.Template, log *slog.Logger) (*client, error) {
	p := &c.Properties
	list, _ := c.addresses()
	addresses, _, err := parseAddresses(list)
	if err != nil {
		return nil, pump.Permanent(err)
	}
	dialer, err := dial.New(c.Socks5Proxy.Reveal())
	if err != nil {
		return nil, pump.Permanent(err)
	}
	security := c.security()
	encryption, err := security.config()
	if err != nil {
		return nil, err // a file that may be mended
	}
	login, err := security.login()
	if err != nil {
		return nil, err
	}
	conns := &connections{dialer: dialer, network: p.Network, open: map[*connection]struct{}{}}
	transport := &kafka.Transport{
		Dial:        conns.dial,
		DialTimeout: cmp.Or(p.DialTimeout, defaultDialTimeout),
		IdleTimeout: p.IdleTimeout,
		MetadataTTL: cmp.Or(p.MetadataAge, defaultMetadataAge),
		ClientID:    cmp.Or(p.ClientID, "journalpump"),
		TLS:         encryption,
		SASL:        login,
	}
	if name, static := topic.Static(); static && c.Routes.IsNull() {
		transport.MetadataTopics = []string{name}
	}
	acks := kafka.RequireAll
	if p.LeaderOnly {
		acks = kafka.RequireOne
	}
	return &client{
		kafka: &kafka.Client{
			Addr:      kafka.TCP(addresses...),
			Timeout:   cmp.Or(p.SocketTimeout, 2*p.RequestTimeout, defaultTimeout), // half of it is what the broker is given
			Transport: transport,
		},
		transport:    transport,
		connections:  conns,
		topicConfig:  c.TopicConfig,
		autoCreate:   !p.NoAutoCreate,
		requiredAcks: acks,
		hints:        hints{tls: encryption != nil, sasl: login != nil},
		log:          log,
	}, nil
}

// reset lets go of all connections and of what is known about the cluster.
func (c *client) reset() {
	c.transport.CloseIdleConnections()
	c.connections.hangUp(false)
}

func (c *client) close() {
	c.transport.CloseIdleConnections()
	c.connections.hangUp(true)
}

// partitions are those of a topic.
type partitions struct {
	all     []int // a key's place is among these
	leading []int // those that have a leader; what may go anywhere goes to one of these
}

// partitions returns those of each topic. Topics that do not exist are created where that is configured.
func (c *client) partitions(ctx context.Context, topics []string) (map[string]partitions, error) {
	found := make(map[string]partitions, len(topics))
	missing, err := c.lookUp(ctx, topics, found)
	if err != nil || len(missing) == 0 {
		return found, err
	}
	for _, name := range missing {
		if err := c.create(ctx, name); err != nil {
			return nil, fmt.Errorf("creating the topic %q: %w", name, err)
		}
		c.log.Info("the topic did not exist and was created", "topic", name)
	}
	return found, c.await(ctx, missing, found)
}

// await adds topics to found that were just created, which brokers learn of one after the other.
func (c *client) await(ctx context.Context, topics []string, found map[string]partitions) error {
	const attempts, pause = 40, 100 * time.Millisecond
	var missing []string
	var err error
	for range attempts {
		missing, err = c.lookUp(ctx, topics, found)
		switch {
		case err == nil && len(missing) == 0:
			return nil
		case err == nil:
			err = fmt.Errorf("topic %q: %w", missing[0], kafka.UnknownTopicOrPartition)
		case !errors.Is(err, kafka.LeaderNotAvailable):
			return err
		}
		c.transport.CloseIdleConnections() // what it knows of the topics it takes for true for a while
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
	return err
}

// lookUp adds the topics that exist to found and returns those that don't.
func (c *client) lookUp(ctx context.Context, topics []string, found map[string]partitions) (missing []string, err error) {
	m, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, fmt.Errorf("asking for the topics' partitions: %w", c.hints.explain(err))
	}
	for i := range m.Topics {
		t := &m.Topics[i]
		switch {
		case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			missing = append(missing, t.Name)
		case t.Error != nil:
			return nil, fmt.Errorf("topic %q: %w", t.Name, t.Error)
		default:
			var p partitions
			for k := range t.Partitions {
				p.all = append(p.all, t.Partitions[k].ID)
				if t.Partitions[k].Leader.Host != "" {
					p.leading = append(p.leading, t.Partitions[k].ID)
				}
			}
			if len(p.leading) == 0 {
				return nil, fmt.Errorf("topic %q: none of its %d partitions has a leader: %w", t.Name, len(p.all), kafka.LeaderNotAvailable)
			}
			found[t.Name] = p
		}
	}
	return missing, nil
}

// create creates a topic as configured, or has the broker do it, and waits until it can be used.
func (c *client) create(ctx context.Context, name string) error {
	if c.topicConfig != nil {
		return c.createConfigured(ctx, name)
	}
	if !c.autoCreate {
		return fmt.Errorf("%w; set kafka_topic_config to have it created", kafka.UnknownTopicOrPartition)
	}
	ctx, cancel := context.WithTimeout(ctx, c.kafka.Timeout)
	defer cancel()
	const attempts, pause = 20, 100 * time.Millisecond
	var code kafka.Error
	for range attempts { // a broker first answers that it does not know the topic, and creates it
		r, err := c.transport.RoundTrip(ctx, c.kafka.Addr, &metadata.Request{TopicNames: []string{name}, AllowAutoTopicCreation: true})
		if err != nil {
			return c.hints.explain(err)
		}
		m, ok := r.(*metadata.Response)
		if !ok || len(m.Topics) != 1 {
			return errors.New("the broker's answer is about something else")
		}
		if code = kafka.Error(m.Topics[0].ErrorCode); code == 0 {
			return nil
		}
		if code != kafka.UnknownTopicOrPartition && code != kafka.LeaderNotAvailable {
			break
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
	if code == kafka.UnknownTopicOrPartition {
		return fmt.Errorf("%w, and the broker does not create it by itself; set kafka_topic_config to have it created", code)
	}
	return code
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *client) createConfigured(ctx context.Context, name string) error {
	r, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: c.topicConfig.NumPartitions, ReplicationFactor: c.topicConfig.ReplicationFactor,
	}}})
	if err != nil {
		return c.hints.explain(err)
	}
	err = r.Errors[name]
	if errors.Is(err, kafka.TopicAlreadyExists) {
		c.transport.CloseIdleConnections() // what is known of the cluster is older than the topic
		return nil
	}
	return err
}

// initProducer asks any broker for a producer ID. It is kafka-go's request without its Transaction method, for which a
// coordinator of transactions would be looked up (and its topic created), which only transactions need.
type initProducer initproducerid.Request

// ApiKey implements protocol.Message.
func (*initProducer) ApiKey() protocol.ApiKey { return protocol.InitProducerId } //nolint:revive // kafka-go's name

func (c *client) newProducer(ctx context.Context) (producer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.kafka.Timeout)
	defer cancel()
	m, err := c.transport.RoundTrip(ctx, c.kafka.Addr, &initProducer{ProducerID: -1, ProducerEpoch: -1})
	if err != nil {
		return nobody(), fmt.Errorf("asking for a producer ID: %w", c.hints.explain(err))
	}
	r, ok := m.(*initproducerid.Response)
	if !ok {
		return nobody(), errors.New("asking for a producer ID: the broker's answer is about something else")
	}
	if r.ErrorCode != 0 {
		return nobody(), fmt.Errorf("asking for a producer ID: %w", kafka.Error(r.ErrorCode))
	}
	return producer{id: r.ProducerID, epoch: r.ProducerEpoch}, nil
}

// produce sends a record batch and returns what the broker made of it.
func (c *client) produce(ctx context.Context, topic string, partition int, batch []byte) error {
	body := &payload{data: batch}
	defer body.takeBack()
	r, err := c.kafka.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: c.requiredAcks,
		RawRecords:   protocol.RawRecordSet{Reader: body},
	})
	if err != nil {
		return c.hints.explain(err)
	}
	if r.Error != nil && len(r.RecordErrors) > 0 {
		return &badRecordsError{err: r.Error, records: r.RecordErrors}
	}
	return r.Error
}

// payload is bytes that kafka-go's goroutines may read up to when they are taken back, and not after that, even if a
// request was given up early.
type payload struct {
	mu   sync.Mutex
	data []byte
	read int
}

var errTakenBack = errors.New("the request was given up")

// WriteTo implements io.WriterTo, which io.Copy prefers. w is memory.
func (p *payload) WriteTo(w io.Writer) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data == nil {
		return 0, errTakenBack
	}
	n, err := w.Write(p.data[p.read:])
	p.read += n
	return int64(n), err
}

// Read implements io.Reader.
func (p *payload) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data == nil {
		return 0, errTakenBack
	}
	if p.read == len(p.data) {
		return 0, io.EOF
	}
	n := copy(b, p.data[p.read:])
	p.read += n
	return n, nil
}

func (p *payload) takeBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data = nil
}
