package kafka

import (
	"context"
	"math"

	"journalpump/pump"
)

// sequence is how many records of an idempotent producer a partition has been given (KIP-98). A broker that gets a batch
// it has already, by producer and sequence, acknowledges it and stores nothing.
type sequence struct {
	next int32
	// doubt is the identities of the records of a batch of which nobody knows whether the broker has it. It is sent
	// again as it was: the same records with the same sequence.
	doubt []uint64
}

// advance counts records that were accepted. After the largest number comes 0.
func (s *sequence) advance(n int) {
	s.next = int32((int64(s.next) + int64(n)) % (math.MaxInt32 + 1))
	s.doubt = s.doubt[:0]
}

// remember notes that it isn't known whether the broker has the records.
func (s *sequence) remember(records []pump.Record, indexes []int) {
	s.doubt = s.doubt[:0]
	for _, i := range indexes {
		s.doubt = append(s.doubt, identity(&records[i]))
	}
}

// begins reports whether the group begins with the records in doubt.
func (s *sequence) begins(records []pump.Record, indexes []int) bool {
	if len(indexes) < len(s.doubt) {
		return false
	}
	for k, id := range s.doubt {
		if identity(&records[indexes[k]]) != id {
			return false
		}
	}
	return true
}

// number gives the groups of an idempotent producer their sequences. Where what comes isn't what is in doubt, or sequences
// were forgotten, the producer becomes a new one: a broker would take records with a sequence that it has seen for those
// it has, acknowledge them and store nothing.
func (s *sender) number(ctx context.Context, records []pump.Record, groups []group) error {
	if s.router.forgot {
		s.producer, s.router.forgot = nobody(), false
	}
	for i := range groups {
		g := &groups[i]
		if known := g.topic.sequences[g.partition]; known != nil && !known.begins(records, g.records) {
			s.producer = nobody()
			break
		}
	}
	if s.producer == nobody() {
		p, err := s.client.newProducer(ctx)
		if err != nil {
			return err
		}
		s.producer = p
		for _, t := range s.router.topics {
			clear(t.sequences)
		}
	}
	for i := range groups {
		g := &groups[i]
		known := g.topic.sequences[g.partition]
		if known == nil {
			known = &sequence{}
			g.topic.sequences[g.partition] = known
		}
		g.sequence = known
	}
	return nil
}
