package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"journalpump/pump"
)

// maxInFlight is how many partitions of one batch are served at once.
const maxInFlight = 8

// sender is a pump.Sender.
type sender struct {
	client     *client
	router     *router
	batchBytes int
	entryTimes bool
	newCodec   func() codec
	workers    []*worker

	idempotent bool
	producer   producer
}

func newSender(c *Config, client *client, r *router) (*sender, error) {
	newCodec, err := newCodecs(cmp.Or(c.Compression, c.Properties.Compression))
	if err != nil {
		return nil, pump.Permanent(err)
	}
	r.faithful = c.Properties.Idempotent
	return &sender{
		client:     client,
		router:     r,
		batchBytes: cmp.Or(c.Properties.BatchBytes, batchBytes),
		entryTimes: c.Timestamp == EntryTime,
		newCodec:   newCodec,
		idempotent: c.Properties.Idempotent,
		producer:   nobody(),
	}, nil
}

// connect sees to it that the cluster can be reached, and that the topic exists if there is only one.
func (s *sender) connect(ctx context.Context) error {
	var topics []string
	if s.router.topicName != "" {
		topics = []string{s.router.topicName}
	}
	_, err := s.client.partitions(ctx, append([]string{}, topics...)) // not nil, which would be all topics
	return err
}

// Send produces the records and returns nil when all partitions have acknowledged theirs.
func (s *sender) Send(ctx context.Context, b pump.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	groups, err := s.plan(ctx, b.Records)
	if err != nil {
		s.client.reset()
		return err
	}
	s.deliver(ctx, b.Records, groups)
	return s.conclude(b.Records, groups)
}

func (s *sender) plan(ctx context.Context, records []pump.Record) ([]group, error) {
	found, err := s.client.partitions(ctx, s.router.survey(records))
	if err != nil {
		return nil, err
	}
	groups := s.router.spread(records, found, s.batchBytes)
	if s.idempotent {
		err = s.number(ctx, records, groups)
	}
	return groups, err
}

// deliver has the groups produced, several at once.
func (s *sender) deliver(ctx context.Context, records []pump.Record, groups []group) {
	n := min(maxInFlight, len(groups))
	for len(s.workers) < n {
		s.workers = append(s.workers, &worker{sender: s, batch: batchWriter{codec: s.newCodec()}})
	}
	var next atomic.Int64
	work := func(w *worker) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(groups) {
				return
			}
			w.produce(ctx, records, &groups[i])
		}
	}
	var others sync.WaitGroup
	for _, w := range s.workers[1:n] {
		others.Go(func() { work(w) })
	}
	work(s.workers[0])
	others.Wait()
}

// conclude makes one error of what has become of the groups, and has the next Send start with new connections where that
// may help.
func (s *sender) conclude(records []pump.Record, groups []group) error {
	partial := &pump.PartialError{Errs: map[int]error{}}
	var first error
	rest, lost, reset := 0, false, false
	for i := range groups {
		g := &groups[i]
		maps.Copy(partial.Errs, g.refused)
		if g.err == nil {
			continue
		}
		first = cmp.Or(first, g.err)
		g.topic.shrink(g.smaller)
		rest += len(g.rest)
		lost = lost || lostSequence(g.err)
		reset = reset || !errors.Is(g.err, errSmaller)
		for _, index := range g.rest {
			partial.Errs[index] = g.err
		}
		s.router.keep(records, g)
	}
	if reset {
		s.client.reset()
	}
	if lost {
		s.producer = nobody()
	}
	switch {
	case len(partial.Errs) == 0:
		return nil
	case rest < len(records):
		return partial
	case errors.Is(first, errSmaller) && len(groups) == 1:
		return fmt.Errorf("%w: %w", pump.ErrTooLarge, first) // halves are tried at once, without a wait
	}
	return first
}

// Close gives up the connections.
func (s *sender) Close() error {
	s.client.close()
	return nil
}
