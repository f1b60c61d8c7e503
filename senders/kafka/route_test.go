package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// Records go to the topics of their routes, which may depend on the entry, with IDs of their own.
func TestRoutes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, kfake.SeedTopics(1, "audit", "units.unit-0.service", "units.unit-1.service", "units.unit-2.service"))
	cfg := configFor(c)
	root, _ := conf.Parse("f", []byte(`{"routes": []}`))
	cfg.Routes = root.Get("routes")
	s := open(t, cfg)
	routes := []*pump.Route{{Name: "own", Mark: "own"}, {Name: "audit", To: "audit", Mark: "audit"}, {Name: "units", To: "units.{_SYSTEMD_UNIT}", Mark: "units"}}
	plain := sendertest.Batch(0, 30)
	var b pump.Batch
	for i := range plain.Records {
		for _, route := range routes {
			r := plain.Records[i]
			r.Route = route
			b.Records = append(b.Records, r)
			b.Bytes += len(r.Body)
		}
	}
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for topic, want := range map[string]int{topicName: 30, "audit": 30, "units.unit-0.service": 10, "units.unit-1.service": 10, "units.unit-2.service": 10} {
		n := 0
		for _, records := range consume(t, c, topic) {
			n += len(records)
			for _, r := range records {
				ids[idOf(r)] = true
			}
		}
		if n != want {
			t.Errorf("%s has %d records, want %d", topic, n, want)
		}
	}
	if len(ids) != len(b.Records) {
		t.Errorf("%d IDs for %d records", len(ids), len(b.Records))
	}
	for i := range b.Records {
		if id := string(b.Records[i].AppendID(nil)); !ids[id] {
			t.Errorf("no record has the ID %s", id)
		}
	}
}

func idOf(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == idHeader {
			return string(h.Value)
		}
	}
	return ""
}

func TestCheckRoute(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	for to, want := range map[string]string{
		"audit.{_SYSTEMD_UNIT}": "", "": "is required", "a b": "a topic's name has only", "{MESSAGE}": "{MESSAGE} is not allowed",
	} {
		if err := c.CheckRoute(to); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if c.Topic = "logs"; c.CheckRoute("") != nil {
		t.Error("kafka_topic does not do")
	}
}
