package kafka

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// journalLines are entries much as a journal's are: a dozen fields that repeat and a message that does not.
func journalLines(number int) []byte {
	return fmt.Appendf(nil, `{"MESSAGE": "Accepted publickey for user%d from 10.%d.%d.%d port %d ssh2", "PRIORITY": 6, "SYSLOG_IDENTIFIER": "sshd", `+
		`"SYSTEMD_UNIT": "ssh.service", "HOSTNAME": "web-%d.example.com", "TRANSPORT": "syslog", "PID": %d, "BOOT_ID": "5cb60ba3-a1d0-4a86-b6a0-52ee73e4a0d4", `+
		`"MACHINE_ID": "8d6a0ae0-9b58-4a86-b6a0-52ee73e4a0d4", "REALTIME_TIMESTAMP": 1763.%06d, "timestamp": "2026-11-20T00:00:00.%06d"}`,
		number%97, number%251, number/7%251, number/3%251, 1024+number*7%60000, number%5, number*13%32768, number%1000000, number%1000000)
}

const benchRecords = 10_000

// BenchmarkSend produces to a broker in this process that throws records away, with this sender and with franz-go's
// client, which gets the same record values, keys and headers and is flushed at the end of each batch.
func BenchmarkSend(b *testing.B) {
	for _, partitions := range []int32{1, 4} {
		for _, compression := range []Compression{None, Zstd, Snappy, LZ4} {
			c := newCluster(b, partitions, kfake.BlackholeProduce())
			compare(b, c.ListenAddrs(), topicName, partitions, compression)
		}
	}
}

// BenchmarkBroker does so with the real broker whose address is in the environment.
func BenchmarkBroker(b *testing.B) {
	address := os.Getenv("JOURNALPUMP_KAFKA")
	if address == "" {
		b.Skip("JOURNALPUMP_KAFKA is not set to the address of a broker")
	}
	for _, partitions := range []int32{1, 4} {
		for _, compression := range []Compression{None, Zstd} {
			compare(b, []string{address}, fmt.Sprintf("bench-%d-%s", partitions, compression), partitions, compression)
		}
	}
}

func compare(b *testing.B, addresses []string, topic string, partitions int32, compression Compression) {
	b.Helper()
	batch := sendertest.Batch(0, benchRecords, sendertest.Bodies(journalLines))
	cfg := DefaultConfig()
	cfg.Address, cfg.Topic, cfg.Compression = addresses, topic, compression
	cfg.TopicConfig = &TopicConfig{NumPartitions: int(partitions), ReplicationFactor: 1}
	name := fmt.Sprintf("%d/%s", partitions, compression)
	b.Run(name+"/ours", func(b *testing.B) { benchOurs(b, cfg, batch) })
	b.Run(name+"/franz", func(b *testing.B) { benchFranz(b, cfg, batch) })
}

func benchOurs(b *testing.B, cfg *Config, batch pump.Batch) {
	b.Helper()
	s := open(b, cfg)
	for range 100 { // a topic that was just made has no leader for a moment
		if s.Send(b.Context(), batch) == nil {
			break
		}
	}
	sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
}

func benchFranz(b *testing.B, cfg *Config, batch pump.Batch) {
	b.Helper()
	codec := map[Compression]kgo.CompressionCodec{
		None: kgo.NoCompression(), Zstd: kgo.ZstdCompression(), Snappy: kgo.SnappyCompression(), LZ4: kgo.Lz4Compression(),
	}[cfg.Compression]
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Address...), kgo.DefaultProduceTopic(cfg.Topic), kgo.ProducerBatchCompression(codec),
		kgo.DisableIdempotentWrite(), kgo.ProducerBatchMaxBytes(batchBytes), kgo.MaxBufferedRecords(2*benchRecords), kgo.ProducerLinger(0))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	sendertest.Measure(b, batch, func() error {
		var failed error
		for i := range batch.Records {
			r := &kgo.Record{
				Value:   batch.Records[i].Body,
				Headers: []kgo.RecordHeader{{Key: idHeader, Value: batch.Records[i].AppendID(make([]byte, 0, 48))}},
			}
			client.Produce(b.Context(), r, func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
		}
		return errors.Join(client.Flush(b.Context()), failed)
	})
}
