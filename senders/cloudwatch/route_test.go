package cloudwatch

import (
	"testing"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// A route's stream is created when it is first needed, and again when somebody has deleted it.
func TestRoutesHaveStreamsOfTheirOwn(t *testing.T) {
	f := newFake(t)
	s := open(t, f)
	b := sendertest.Routed(sendertest.Batch(0, 3), &pump.Route{Name: "own"}, &pump.Route{Name: "audit", To: "audit"})
	for round := range 2 {
		if err := s.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		f.mu.Lock()
		for _, r := range f.requests {
			if r.operation == "PutLogEvents" {
				got[r.Stream] += len(r.Events)
			}
		}
		f.mu.Unlock()
		if want := 3 * (round + 1); got["stream"] != want || got["audit"] != want {
			t.Errorf("streams %v, want %d each", got, want)
		}
	}
	f.mu.Lock()
	delete(f.streams, "group\x00audit")
	f.mu.Unlock()
	if err := s.Send(t.Context(), b); err == nil {
		t.Error("the stream that is gone took something")
	}
	if err := s.Send(t.Context(), b); err != nil {
		t.Error(err)
	}
}
