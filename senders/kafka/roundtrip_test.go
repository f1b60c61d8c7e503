package kafka

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"journalpump/senders/sendertest"
)

// crossing has requests wait for each other: none is answered before so many are in flight.
type crossing struct {
	want int
	met  chan struct{} // closed when they are

	mu       sync.Mutex
	meet     sync.Once
	inFlight int
	requests int
	records  int
}

func (x *crossing) control(ctx context.Context, c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		x.arrive(request.(*kmsg.ProduceRequest))
		c.SleepControl(func() {
			select {
			case <-x.met:
			case <-ctx.Done():
			}
		})
		x.mu.Lock()
		defer x.mu.Unlock()
		x.inFlight--
		return nil, nil, false
	})
}

func (x *crossing) arrive(request *kmsg.ProduceRequest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.requests++
	for _, topic := range request.Topics {
		for _, p := range topic.Partitions {
			var batch kmsg.RecordBatch
			if batch.ReadFrom(p.Records) == nil {
				x.records += int(batch.NumRecords)
			}
		}
	}
	if x.inFlight++; x.inFlight == x.want {
		x.meet.Do(func() { close(x.met) })
	}
}

// What makes the sender fast, beside what BenchmarkSend shows: a batch is as few requests as its bytes need, and all partitions, up
// to maxInFlight, get theirs at the same time.
func TestRoundTrips(t *testing.T) {
	batch := sendertest.Batch(0, benchRecords, sendertest.Bodies(journalLines))
	for _, partitions := range []int32{1, 4, 12} {
		for _, compression := range []Compression{None, Zstd} {
			t.Run(fmt.Sprintf("%d/%s", partitions, compression), func(t *testing.T) {
				c := newCluster(t, partitions)
				cfg := configFor(c)
				cfg.Compression = compression
				s := open(t, cfg)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				x := crossing{want: min(int(partitions), maxInFlight), met: make(chan struct{})}
				x.control(ctx, c)
				send(t, s, batch)
				x.mu.Lock()
				defer x.mu.Unlock()
				select {
				case <-x.met:
				default:
					t.Errorf("there were never %d requests in flight", x.want)
				}
				size := batch.Bytes + len(batch.Records)*recordOverhead
				if most := size/batchBytes + int(partitions); x.requests > most {
					t.Errorf("%d requests for %d bytes to %d partitions, want at most %d", x.requests, size, partitions, most)
				}
				if x.records != len(batch.Records) {
					t.Errorf("%d of %d records were sent", x.records, len(batch.Records))
				}
			})
		}
	}
}
