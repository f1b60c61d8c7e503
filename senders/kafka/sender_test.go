package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func send(t *testing.T, s pump.Sender, b pump.Batch) {
	t.Helper()
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// values returns the values of some records.
func values(records []*kgo.Record) [][]byte {
	all := make([][]byte, len(records))
	for i, r := range records {
		all[i] = r.Value
	}
	return all
}

func bodies(b pump.Batch) [][]byte {
	all := make([][]byte, len(b.Records))
	for i := range b.Records {
		all[i] = b.Records[i].Body
	}
	return all
}

// Another library reads what was written, with every codec, and finds key, header and time.
func TestRecords(t *testing.T) {
	for _, compression := range Compression("").ConfValues() {
		t.Run(compression, func(t *testing.T) {
			c := newCluster(t, 1)
			cfg := configFor(c)
			cfg.Compression, cfg.Timestamp, cfg.MsgKey = Compression(compression), EntryTime, "{PID}"
			s := open(t, cfg)
			b := sendertest.Batch(0, 3000, sendertest.Size(500), sendertest.Times(time.UnixMilli(1_700_000_000_000), -time.Second))
			send(t, s, b)
			got := consume(t, c, topicName)[0]
			if !slices.EqualFunc(values(got), bodies(b), bytes.Equal) {
				t.Fatalf("%d records are not what was sent", len(got))
			}
			for i, r := range got {
				id := string(b.Records[i].AppendID(nil))
				if len(r.Headers) != 1 || r.Headers[0].Key != "journalpump-id" || string(r.Headers[0].Value) != id {
					t.Fatalf("record %d has headers %v, want the ID %s", i, r.Headers, id)
				}
				if string(r.Key) != "4711" || !r.Timestamp.Equal(b.Records[i].Time()) {
					t.Fatalf("record %d has key %q and time %v, want %v", i, r.Key, r.Timestamp, b.Records[i].Time())
				}
			}
		})
	}
}

func TestRecordsWithoutKeyAreSentNow(t *testing.T) {
	c := newCluster(t, 1)
	before := time.Now().Truncate(time.Millisecond)
	send(t, open(t, configFor(c)), sendertest.Batch(0, 1))
	r := consume(t, c, topicName)[0][0]
	if r.Key != nil || r.Timestamp.Before(before) || r.Timestamp.After(time.Now()) {
		t.Errorf("key %q, time %v", r.Key, r.Timestamp)
	}
}

// Records with the same key are in one partition, the one that other clients choose, in order.
func TestKeys(t *testing.T) {
	const n = 5
	c := newCluster(t, n, kfake.NumBrokers(3))
	cfg := configFor(c)
	cfg.MsgKey = "{SYSTEMD_UNIT}"
	s := open(t, cfg)
	for i := range 5 {
		send(t, s, sendertest.Batch(100*i, 100))
	}
	other := kgo.StickyKeyPartitioner(nil).ForTopic(topicName)
	total := 0
	for partition, records := range consume(t, c, topicName) {
		total += len(records)
		offset := map[string]string{}
		for _, r := range records {
			if want := other.Partition(r, n); int(partition) != want {
				t.Fatalf("%s is in partition %d, want %d", r.Key, partition, want)
			}
			id := string(r.Headers[0].Value)
			if last := offset[string(r.Key)]; len(last) > len(id) || len(last) == len(id) && last >= id {
				t.Fatalf("%s comes after %s", id, last)
			}
			offset[string(r.Key)] = id
		}
	}
	if total != 500 {
		t.Errorf("%d records", total)
	}
}

// One of four partitions refuses: only its records are sent again, to it.
func TestOnePartitionRefuses(t *testing.T) {
	c := newCluster(t, 4)
	s := open(t, configFor(c))
	refused := int32(-1)
	c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		produce := request.(*kmsg.ProduceRequest)
		refused = produce.Topics[0].Partitions[0].Partition
		return answer(produce, kerr.NotEnoughReplicas), nil, true
	})
	b := sendertest.Batch(0, 4000, sendertest.Size(500))
	err := s.Send(t.Context(), b)
	partial, ok := errors.AsType[*pump.PartialError](err)
	if !ok || len(partial.Errs) == 0 || len(partial.Errs) >= 2000 {
		t.Fatalf("got %v", err)
	}
	again := pump.Batch{}
	for i := range b.Records {
		if e := partial.Errs[i]; e != nil {
			if pump.IsPermanent(e) || !strings.Contains(e.Error(), fmt.Sprintf(`topic "logs", partition %d`, refused)) {
				t.Fatal(e)
			}
			again.Records = append(again.Records, b.Records[i])
		}
	}
	if got := consume(t, c, topicName); len(got[refused]) != 0 {
		t.Errorf("the partition that refused has %d records", len(got[refused]))
	}
	send(t, s, again)
	got := consume(t, c, topicName)
	if !slices.EqualFunc(values(got[refused]), bodies(again), bytes.Equal) {
		t.Errorf("partition %d has %d records, want %d", refused, len(got[refused]), len(again.Records))
	}
	if n := len(got[0]) + len(got[1]) + len(got[2]) + len(got[3]); n != 4000 {
		t.Errorf("%d records", n)
	}
}

// The leader moves; the next attempt knows.
func TestLeaderMoves(t *testing.T) {
	c := newCluster(t, 1, kfake.NumBrokers(3))
	s := open(t, configFor(c))
	sent := 0
	for i := range 6 {
		if err := c.MoveTopicPartition(topicName, 0, int32(i%3)); err != nil {
			t.Fatal(err)
		}
		b := sendertest.Batch(sent, 10)
		if err := s.Send(t.Context(), b); err != nil {
			send(t, s, b)
		}
		sent += 10
	}
	if got := consume(t, c, topicName)[0]; len(got) != sent {
		t.Errorf("%d records, want %d", len(got), sent)
	}
}

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
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
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

// deliver sends by the engine's rules, without its waits, and returns the bodies of dead letters.
func deliver(t *testing.T, s pump.Sender, records []pump.Record) (dead []string) {
	t.Helper()
	for range 50 {
		err := s.Send(t.Context(), pump.Batch{Records: records})
		partial, some := errors.AsType[*pump.PartialError](err)
		switch {
		case err == nil:
			return dead
		case some:
			var again []pump.Record
			for i := range records {
				if e := partial.Errs[i]; pump.IsPermanent(e) || errors.Is(e, pump.ErrTooLarge) {
					dead = append(dead, string(records[i].Body))
				} else if e != nil {
					again = append(again, records[i])
				}
			}
			if records = again; len(records) == 0 {
				return dead
			}
		case errors.Is(err, pump.ErrTooLarge):
			half := len(records) / 2
			if half == 0 {
				return append(dead, string(records[0].Body))
			}
			dead = append(dead, deliver(t, s, records[:half])...)
			records = records[half:]
		}
	}
	t.Fatal("not delivered")
	return nil
}

// A broker that takes only small record batches gets small ones; what is too large by itself is a dead letter.
func TestTooLarge(t *testing.T) {
	c := newCluster(t, 2, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "20000"}))
	cfg := configFor(c)
	cfg.Compression = None
	s := open(t, cfg)
	b := sendertest.Batch(0, 1000, sendertest.Bodies(func(number int) []byte {
		size := 200
		if number == 500 {
			size = 30_000
		}
		return fmt.Appendf(nil, "%d%s", number, strings.Repeat(" ", size))
	}))
	dead := deliver(t, s, b.Records)
	if len(dead) != 1 || !strings.HasPrefix(dead[0], "500 ") {
		t.Errorf("%d dead letters", len(dead))
	}
	got := consume(t, c, topicName)
	if n := len(got[0]) + len(got[1]); n != 999 {
		t.Errorf("%d records", n)
	}
	if err := s.Send(t.Context(), sendertest.Batch(1000, 300)); err != nil {
		t.Errorf("the limit was not remembered: %v", err)
	}
}

// A broker that does not say which record is bad: it is found by halving, and the others are taken in order.
func TestBadRecordIsFound(t *testing.T) {
	c := newCluster(t, 1)
	s := open(t, configFor(c))
	b := sendertest.Batch(0, 100)
	asked, consumed := 0, 0
	c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked++
		produce := request.(*kmsg.ProduceRequest)
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(produce.Topics[0].Partitions[0].Records); err != nil {
			t.Error(err)
		}
		got := consumed + int(batch.NumRecords)
		if consumed <= 63 && 63 < got { // the 63rd record is in it
			if batch.NumRecords == 1 {
				consumed++ // it will not come again
			}
			return answer(produce, kerr.InvalidRecord), nil, true
		}
		consumed = got
		return nil, nil, false
	})
	err := s.Send(t.Context(), b)
	partial, ok := errors.AsType[*pump.PartialError](err)
	if !ok || len(partial.Errs) != 1 || !pump.IsPermanent(partial.Errs[63]) {
		t.Fatalf("got %v", err)
	}
	if asked > 30 {
		t.Errorf("asked %d times", asked)
	}
	want := slices.Delete(bodies(b), 63, 64)
	if got := values(consume(t, c, topicName)[0]); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d records, or not in order", len(got))
	}
}

// What has to be sent again is another batch than the one in doubt: the producer becomes a new one, nothing is taken for a
// repetition that is none.
func TestIdempotentProducerStartsOver(t *testing.T) {
	b := newBroker(t, func(c *Config) { c.Properties.Idempotent = true })
	s, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, s, sendertest.Batch(0, 10))
	first := s.(*sender).producer
	b.Script(sendertest.BreakAfter)
	if err := s.Send(t.Context(), sendertest.Batch(10, 10)); err == nil {
		t.Fatal("no error")
	}
	send(t, s, sendertest.Batch(12, 10)) // a filter has changed
	if s.(*sender).producer == first {
		t.Error("the producer is the same")
	}
	if got := len(b.Accepted()); got != 30 {
		t.Errorf("%d records, want 30", got)
	}
	b.Script(sendertest.BreakAfter)
	if err := s.Send(t.Context(), sendertest.Batch(22, 10)); err == nil {
		t.Fatal("no error")
	}
	send(t, s, sendertest.Batch(22, 20)) // the same and more
	if got := len(b.Accepted()); got != 50 {
		t.Errorf("%d records, want 50", got)
	}
}

func TestIdempotentProducerIsForgotten(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.Properties.Idempotent = true
	s := open(t, cfg)
	send(t, s, sendertest.Batch(0, 10))
	c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		return answer(request.(*kmsg.ProduceRequest), kerr.UnknownProducerID), nil, true
	})
	if err := s.Send(t.Context(), sendertest.Batch(10, 10)); err == nil || pump.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	send(t, s, sendertest.Batch(10, 10))
	if got := consume(t, c, topicName)[0]; len(got) != 20 {
		t.Errorf("%d records", len(got))
	}
}

// A topic that was forgotten starts anew, but not with sequences that the broker knows: it would take the records for those
// it has.
func TestForgottenTopicsAreNotTakenForRepetitions(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.Topic, cfg.Properties.Idempotent = topicName+"{NONE}", true
	cfg.TopicConfig = &TopicConfig{NumPartitions: 1, ReplicationFactor: 1}
	s := open(t, cfg)
	send(t, s, sendertest.Batch(0, 10))
	for i := range maxTopics {
		name := fmt.Sprintf("other%d", i)
		s.(*sender).router.topics[name] = &topic{name: name}
	}
	send(t, s, sendertest.Batch(10, 10))
	send(t, s, sendertest.Batch(20, 10))
	want := bodies(sendertest.Batch(0, 30))
	if got := values(consume(t, c, topicName+"unknown")[0]); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d records are there, want %d", len(got), len(want))
	}
}

// What is of a time that the broker does not take becomes a dead letter where it is the entry's own time, and is sent again
// where a clock must be wrong.
func TestTimesThatTheBrokerDoesNotTake(t *testing.T) {
	for timestamp, permanent := range map[Timestamp]bool{EntryTime: true, SentTime: false} {
		t.Run(string(timestamp), func(t *testing.T) {
			c := newCluster(t, 1)
			cfg := configFor(c)
			cfg.Timestamp = timestamp
			s := open(t, cfg)
			c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
				return answer(request.(*kmsg.ProduceRequest), kerr.InvalidTimestamp), nil, true
			})
			err := s.Send(t.Context(), sendertest.Batch(0, 1))
			if partial, ok := errors.AsType[*pump.PartialError](err); ok {
				err = partial.Errs[0]
			}
			if err == nil || pump.IsPermanent(err) != permanent || !errors.Is(err, kafka.InvalidTimestamp) {
				t.Errorf("got %v, permanent: %t", err, pump.IsPermanent(err))
			}
		})
	}
}

func TestNoRecordIsOfTheFuture(t *testing.T) {
	c := newCluster(t, 1)
	cfg := configFor(c)
	cfg.Timestamp = EntryTime
	send(t, open(t, cfg), sendertest.Batch(0, 1, sendertest.Times(time.Now().Add(24*time.Hour), time.Second)))
	if r := consume(t, c, topicName)[0][0]; r.Timestamp.After(time.Now()) {
		t.Errorf("time %v", r.Timestamp)
	}
}

func TestSequenceNumbersStartAgain(t *testing.T) {
	s := sequence{next: 1<<31 - 3}
	s.advance(2)
	if s.next != 1<<31-1 {
		t.Errorf("got %d", s.next)
	}
	s.advance(3)
	if s.next != 2 {
		t.Errorf("got %d", s.next)
	}
}

func TestNobodyListens(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Address, cfg.Topic = []string{"127.0.0.1:1"}, "logs"
	_, err := cfg.Open(t.Context(), "test", testLog(t))
	if err == nil || pump.IsPermanent(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

// The broker goes away and comes back: what failed is sent again.
func TestBrokerRestarts(t *testing.T) {
	dir := t.TempDir()
	first, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topicName), kfake.DataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, configFor(first))
	send(t, s, sendertest.Batch(0, 10))
	address := first.ListenAddrs()[0]
	first.Close()
	if err := s.Send(t.Context(), sendertest.Batch(10, 10)); err == nil {
		t.Fatal("sent to nobody")
	}
	var port int
	if _, err := fmt.Sscanf(address, "127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	second, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	deliver(t, s, sendertest.Batch(10, 10).Records)
	if got := consume(t, second, topicName)[0]; len(got) != 20 {
		t.Errorf("%d records", len(got))
	}
}

// Writing records allocates nothing for each of them.
func TestRecordsAllocateNothing(t *testing.T) {
	w := &worker{
		sender: &sender{router: newTestRouter(t, "logs", "{SYSTEMD_UNIT}"), batchBytes: 1 << 30},
		batch:  batchWriter{codec: codec{id: codecNone}},
	}
	b := sendertest.Batch(0, 1000)
	g := &group{topic: &topic{}}
	for i := range b.Records {
		g.records = append(g.records, i)
	}
	work := func() {
		w.sender.router.survey(b.Records)
		w.fill(b.Records, g, g.records)
	}
	work()
	if n := testing.AllocsPerRun(10, work); n > 10 {
		t.Errorf("%v allocations for 1000 records", n)
	}
}
