package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
