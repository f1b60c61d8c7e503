package sendertest

import (
	"fmt"
	"time"

	"journalpump/pump"
)

// Option changes the entries that Chunk and Batch make.
type Option func(*options)

type options struct {
	body   func(number int) []byte
	fields func(number int) []pump.Field
	start  time.Time
	step   time.Duration
}

// Size makes every body at least so many bytes long.
func Size(bytes int) Option {
	return func(o *options) {
		o.body = func(number int) []byte { return paddedBody(number, bytes) }
	}
}

// Bodies sets what the bodies of the records are.
func Bodies(body func(number int) []byte) Option { return func(o *options) { o.body = body } }

// Fields sets what the fields of the entries are.
func Fields(fields func(number int) []pump.Field) Option {
	return func(o *options) { o.fields = fields }
}

// Times sets the realtime of entry 0 and how much later the next one is. Without it they are of 2026, a millisecond
// apart.
func Times(start time.Time, step time.Duration) Option {
	return func(o *options) { o.start, o.step = start, step }
}

func newOptions(opts []Option) options {
	o := options{
		body:   func(number int) []byte { return paddedBody(number, 0) },
		fields: defaultFields,
		start:  time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		step:   time.Millisecond,
	}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

func paddedBody(number, size int) []byte {
	b := fmt.Appendf(nil, `{"MESSAGE": "message %d", "PRIORITY": 6, "SYSLOG_IDENTIFIER": "sendertest", "padding": "`, number)
	for len(b) < size-2 {
		b = append(b, byte('a'+len(b)%26))
	}
	return append(b, `"}`...)
}

func defaultFields(number int) []pump.Field {
	return []pump.Field{
		{Name: "MESSAGE", Value: fmt.Appendf(nil, "message %d", number)},
		{Name: "PRIORITY", Value: []byte("6")},
		{Name: "SYSLOG_IDENTIFIER", Value: []byte("sendertest")},
		{Name: "_HOSTNAME", Value: []byte("host.example")},
		{Name: "_SYSTEMD_UNIT", Value: fmt.Appendf(nil, "unit-%d.service", number%3)},
		{Name: "_PID", Value: []byte("4711")},
	}
}

// Chunk returns a chunk with the entries numbered from up to and without from+n; the numbers are their sequence numbers.
func Chunk(from, n int, opts ...Option) *pump.Chunk {
	o := newOptions(opts)
	c := &pump.Chunk{From: pump.Position{Cursor: o.position(from - 1)}, To: pump.Position{Cursor: o.position(from + n - 1)}}
	for number := from; number < from+n; number++ {
		first := len(c.Refs)
		for _, f := range o.fields(number) {
			c.Refs = append(c.Refs, pump.OwnRef(len(c.Own)))
			c.Own = append(c.Own, f)
			c.Bytes += len(f.Name) + len(f.Value)
		}
		c.Entries = append(c.Entries, pump.Entry{
			Position: o.position(number), First: uint32(first), Last: uint32(len(c.Refs)), //nolint:gosec // small
		})
	}
	return c
}

func (o *options) position(number int) pump.Cursor {
	if number < 0 {
		return pump.Cursor{}
	}
	at := o.start.Add(time.Duration(number) * o.step)
	return pump.Cursor{
		SeqnumID:  pump.ID128{0x5e, 0x9d},
		Seqnum:    uint64(number),
		BootID:    pump.ID128{0xb0, 0x07},
		Monotonic: uint64(number) * 1000,
		Realtime:  uint64(at.UnixMicro()),
		Parts:     pump.HasSeqnum | pump.HasMonotonic | pump.HasRealtime,
	}
}

// Batch returns a batch of the entries numbered from up to and without from+n. As an engine's often do, the bodies lie
// one behind the other in memory with a newline after each.
func Batch(from, n int, opts ...Option) pump.Batch {
	o := newOptions(opts)
	c := Chunk(from, n, opts...)
	ends := make([]int, n)
	arena := make([]byte, 0, 128*n)
	b := pump.Batch{Records: make([]pump.Record, n)}
	for i := range n {
		arena = append(arena, o.body(from+i)...)
		ends[i] = len(arena)
		arena = append(arena, '\n')
	}
	start := 0
	for i, end := range ends {
		b.Records[i] = pump.Record{Body: arena[start:end], Chunk: c, Index: i}
		b.Bytes += end - start
		start = end + 1
	}
	return b
}

// Routed returns the batch with each record once for each of the routes.
func Routed(b pump.Batch, routes ...*pump.Route) pump.Batch {
	var out pump.Batch
	for i := range b.Records {
		for _, route := range routes {
			r := b.Records[i]
			r.Route = route
			out.Records = append(out.Records, r)
			out.Bytes += len(r.Body)
		}
	}
	return out
}
