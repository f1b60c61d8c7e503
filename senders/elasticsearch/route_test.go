package elasticsearch

import (
	"testing"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestRoutesHaveIndicesOfTheirOwn(t *testing.T) {
	c := newCluster(t, "9.1.4")
	s, _ := openTo(t, c.URL, nil)
	b := sendertest.Routed(sendertest.Batch(0, 3), &pump.Route{Name: "own", Mark: "own"}, &pump.Route{Name: "audit", To: "audit", Mark: "audit"})
	send(t, s, b)
	got := map[string]int{}
	ids := map[string]bool{}
	for i, d := range c.docs {
		got[d.index]++
		ids[d.id] = true
		if want := string(b.Records[i].AppendID(nil)); d.id != want {
			t.Errorf("_id %q, want %q", d.id, want)
		}
	}
	if got["journalpump-2026-11-20"] != 3 || got["audit-2026-11-20"] != 3 || len(ids) != 6 {
		t.Errorf("indices %v, %d IDs", got, len(ids))
	}
}

func TestCheckRoute(t *testing.T) {
	for to, good := range map[string]bool{"": true, "audit": true, "Audit": false, "a*": false} {
		if err := DefaultConfig().CheckRoute(to); (err == nil) != good {
			t.Errorf("%q: %v", to, err)
		}
	}
}
