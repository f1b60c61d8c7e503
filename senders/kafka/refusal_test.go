package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

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
