package promise

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const topic = "journal"

// kafka is a broker in this process, with a topic of one partition.
type kafka struct {
	*gate
	cluster *kfake.Cluster
}

func newKafka(t *testing.T) *kafka {
	t.Helper()
	k := &kafka{}
	k.gate = newGate(t, nil, nil)
	listen := func(string, string) (net.Listener, error) { return k.gate, nil }
	var err error
	if k.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic), kfake.ListenFn(listen)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = k.Close()
		k.cluster.Close()
	})
	return k
}

func (k *kafka) settings(host string) map[string]any {
	port := k.address[strings.LastIndexByte(k.address, ':'):]
	return map[string]any{"output_type": "kafka", "kafka_address": host + port, "kafka_topic": topic}
}

func (k *kafka) set(t *testing.T, f Fault) {
	t.Helper()
	if err := k.gate.set(f); err != nil {
		t.Error(err)
	}
}

func (k *kafka) incidents() int { return k.broken() }

// accepted returns what the topic holds, as another library's client reads it.
func (k *kafka) accepted(t *testing.T) (numbers []int) {
	t.Helper()
	left := k.cluster.PartitionInfo(topic, 0).HighWatermark
	if left == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.address), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading the topic, %d records left: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			numbers = appendNumbers(numbers, r.Value)
			left--
		})
	}
	return numbers
}
