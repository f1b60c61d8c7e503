package kafka

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"journalpump/internal/dial"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topicName = "logs"

func testLog(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(tb.Output(), nil))
}

// newCluster starts a broker in this process with the topic "logs".
func newCluster(tb testing.TB, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	tb.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, topicName)}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func configFor(c *kfake.Cluster) *Config {
	cfg := DefaultConfig()
	cfg.Address = c.ListenAddrs()
	cfg.Topic = topicName
	return cfg
}

func open(tb testing.TB, cfg *Config) pump.Sender {
	tb.Helper()
	s, err := cfg.Open(tb.Context(), "test", testLog(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// consume returns what a topic holds, by partition, as another library's client reads it.
func consume(tb testing.TB, c *kfake.Cluster, topic string, opts ...kgo.Opt) map[int32][]*kgo.Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	left := 0
	for _, end := range ends(ctx, tb, client, topic) {
		left += int(end)
	}
	got := map[int32][]*kgo.Record{}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			tb.Fatalf("consuming, %d records left: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got[r.Partition] = append(got[r.Partition], r)
			left--
		})
	}
	return got
}

// ends returns the offsets after the last record of each partition.
func ends(ctx context.Context, tb testing.TB, client *kgo.Client, topic string) map[int32]int64 {
	tb.Helper()
	ask := kmsg.NewPtrMetadataRequest()
	ask.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	m, err := ask.RequestWith(ctx, client)
	if err != nil {
		tb.Fatal(err)
	}
	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID = -1
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = topic
	for _, p := range m.Topics[0].Partitions {
		latest := kmsg.NewListOffsetsRequestTopicPartition()
		latest.Partition, latest.Timestamp = p.Partition, -1
		of.Partitions = append(of.Partitions, latest)
	}
	list.Topics = append(list.Topics, of)
	all := map[int32]int64{}
	for _, shard := range client.RequestSharded(ctx, list) {
		if shard.Err != nil {
			tb.Fatal(shard.Err)
		}
		for _, p := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics[0].Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				tb.Fatal(err)
			}
			all[p.Partition] = p.Offset
		}
	}
	return all
}

// broker is a sendertest.Destination.
type broker struct {
	t       *testing.T
	cluster *kfake.Cluster
	config  *Config
	drop    atomic.Bool // the next answer does not reach the sender
}

func newBroker(t *testing.T, change func(*Config)) *broker {
	t.Helper()
	b := &broker{t: t, cluster: newCluster(t, 1)}
	b.config = configFor(b.cluster)
	change(b.config)
	return b
}

func (b *broker) Open(ctx context.Context) (pump.Sender, error) {
	s, err := b.config.Open(ctx, "test", testLog(b.t))
	if err == nil {
		connections := s.(*sender).client.connections
		connections.dialer = b.dropping(connections.dialer)
		s.(*sender).client.reset()
	}
	return s, err
}

func (b *broker) dropping(through dial.Func) dial.Func {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := through(ctx, network, address)
		return &droppingConn{Conn: c, drop: &b.drop}, err
	}
}

// droppingConn breaks when an answer arrives.
type droppingConn struct {
	net.Conn
	drop *atomic.Bool
}

func (c *droppingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.drop.CompareAndSwap(true, false) {
		_ = c.Conn.Close()
		return 0, syscall.ECONNRESET
	}
	return n, err
}

func (b *broker) Accepted() [][]byte {
	var all [][]byte
	for _, r := range consume(b.t, b.cluster, topicName)[0] {
		all = append(all, r.Value)
	}
	return all
}

func (b *broker) Script(f sendertest.Fault) {
	skip := 0
	if f == sendertest.RefusePart || f == sendertest.BreakWithin {
		skip = 1 // the first record batch is taken
	}
	var once sync.Once
	b.cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		if skip > 0 {
			skip--
			return nil, nil, false
		}
		due := false
		once.Do(func() { due = true })
		if !due {
			return nil, nil, false
		}
		b.cluster.DropControl()
		return b.misbehave(f, request.(*kmsg.ProduceRequest))
	})
}

//nolint:revive // the order of results is kfake's
func (b *broker) misbehave(f sendertest.Fault, request *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
	switch f {
	case sendertest.Refuse, sendertest.RefusePart:
		return answer(request, kerr.NotLeaderForPartition), nil, true
	case sendertest.RefuseForever:
		response := answer(request, kerr.InvalidRecord)
		bad := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		bad.RelativeOffset, bad.ErrorMessage = 1, new("no key")
		response.Topics[0].Partitions[0].ErrorRecords = append(response.Topics[0].Partitions[0].ErrorRecords, bad)
		return response, nil, true
	case sendertest.TooLarge:
		return answer(request, kerr.MessageTooLarge), nil, true
	case sendertest.Slow:
		b.cluster.SleepControl(func() {
			timer := time.NewTimer(300 * time.Millisecond)
			<-timer.C
		})
		return nil, nil, false
	case sendertest.Hang:
		return nil, nil, true
	case sendertest.BreakBefore, sendertest.BreakWithin:
		return nil, net.ErrClosed, true
	case sendertest.BreakAfter:
		b.drop.Store(true)
		return nil, nil, false
	default:
		b.t.Errorf("a broker cannot show the fault %q", f)
		return nil, nil, false
	}
}

// answer refuses all partitions of a request.
func answer(request *kmsg.ProduceRequest, e *kerr.Error) *kmsg.ProduceResponse {
	response := request.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range request.Topics {
		of := kmsg.NewProduceResponseTopic()
		of.Topic = t.Topic
		for _, p := range t.Partitions {
			one := kmsg.NewProduceResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, e.Code
			of.Partitions = append(of.Partitions, one)
		}
		response.Topics = append(response.Topics, of)
	}
	return response
}
