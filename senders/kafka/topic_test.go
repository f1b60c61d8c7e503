package kafka

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestTopicsAreCreated(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.Topic, cfg.TopicConfig = "logs.{SYSTEMD_UNIT}", &TopicConfig{NumPartitions: 2, ReplicationFactor: 1}
	for range 2 { // the second time they exist
		send(t, open(t, cfg), sendertest.Batch(0, 300))
	}
	for i := range 3 {
		n := 0
		for partition, records := range consume(t, c, fmt.Sprintf("logs.unit-%d.service", i)) {
			if partition > 1 {
				t.Errorf("partition %d", partition)
			}
			n += len(records)
		}
		if n != 200 {
			t.Errorf("topic %d has %d records", i, n)
		}
	}
}

// Somebody else creates the topic between our looking and our creating.
// A broker that hasn't heard yet of a topic that was created is asked again.
func TestTopicIsAwaited(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.Topic = "fresh"
	cfg.TopicConfig = &TopicConfig{NumPartitions: 1, ReplicationFactor: 1}
	created, asked := false, 0
	c.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		created = true
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !created || asked == 3 {
			return nil, nil, false
		}
		asked++
		response := request.ResponseKind().(*kmsg.MetadataResponse)
		host, port, err := net.SplitHostPort(c.ListenAddrs()[0])
		if err != nil {
			return nil, err, true
		}
		n, err := strconv.ParseInt(port, 10, 32)
		response.Brokers = []kmsg.MetadataResponseBroker{{Host: host, Port: int32(n)}}
		response.Topics = []kmsg.MetadataResponseTopic{{Topic: &cfg.Topic, ErrorCode: kerr.UnknownTopicOrPartition.Code}}
		return response, err, true
	})
	send(t, open(t, cfg), sendertest.Batch(0, 1))
	if asked != 3 {
		t.Errorf("asked %d times before the topic was known", asked)
	}
}

func TestTopicExistsAlready(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.TopicConfig = &TopicConfig{NumPartitions: 1, ReplicationFactor: 1}
	cfg.Topic = "fresh"
	first := open(t, cfg)
	s := open(t, cfg).(*sender)
	if err := s.client.create(t.Context(), "fresh"); err != nil {
		t.Errorf("creating a topic that exists: %v", err)
	}
	send(t, s, sendertest.Batch(0, 1))
	send(t, first, sendertest.Batch(1, 1))
}

func TestBrokerCreatesTopics(t *testing.T) {
	c := newCluster(t, 1, kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
	cfg := configFor(c)
	cfg.Topic = "fresh"
	send(t, open(t, cfg), sendertest.Batch(0, 10))
	if got := consume(t, c, "fresh")[0]; len(got) != 10 {
		t.Errorf("%d records", len(got))
	}
}

func TestNoTopic(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"the broker does not create it":   func(*Config) {},
		"it is not to be created":         func(c *Config) { c.Properties.NoAutoCreate = true },
		"nor where the entry decides":     func(c *Config) { c.Topic, c.Properties.NoAutoCreate = "x.{PID}", true },
		"it cannot be created like this":  func(c *Config) { c.TopicConfig = &TopicConfig{NumPartitions: 1, ReplicationFactor: 99} },
		"or cannot be created with zeros": func(c *Config) { c.TopicConfig = &TopicConfig{} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configFor(newCluster(t, 1))
			cfg.Topic = "fresh"
			change(cfg)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s, err := cfg.Open(ctx, "test", testLog(t))
			if err == nil {
				err = s.Send(ctx, sendertest.Batch(0, 1))
				defer s.Close()
			}
			if err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), `"fresh"`) && !strings.Contains(err.Error(), `"x.4711"`) {
				t.Errorf("got %v", err)
			}
		})
	}
}
