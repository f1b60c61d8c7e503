package kafka

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

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
