package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"journalpump/test/program"
)

// Two routes of one kafka sender: the entries of an event as formatted to one topic, all entries as they are to another. With
// kill -9 in between each record comes at least once, and both topics are complete.
func TestRoutesToTwoTopics(t *testing.T) {
	t.Parallel()
	const entries, kills = 20000, 4
	rnd := newRand(t)
	s := newSetup(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "everything", "sevens"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	config := s.configWith(object{"journal_path": numberedJournal(t, entries), "senders": object{"bus": object{
		"output_type": "kafka", "kafka_address": cluster.ListenAddrs(), "max_send_interval": 0.05,
		"routes": []object{{"on": "seven", "format": "sevens"}, {"name": "all", "on": "ALL", "topic": "everything"}},
	}}})
	config["msg_buffer_max_length"] = 101
	config["events"] = object{"seven": object{"fields": object{"MESSAGE": `7$`}}}
	config["formats"] = object{"sevens": object{
		"keys": object{"number": object{"group": "n", "type": "int"}, "at": object{"time": "micros"}}, "extract": object{"MESSAGE": `(?P<n>\d+)$`},
	}}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	w := newTopicReader(t, cluster, "everything", "sevens")
	for range kills {
		pump := program.Start(t, nil, s.config())
		w.until(t, len(w.ids)+1+rnd.IntN(2000), pump.Ended)
		pump.Kill(t)
	}
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	w.until(t, entries+entries/10, func() bool { return false })
	for n := 1; n <= entries; n++ {
		if !w.plain[n] {
			t.Fatalf("entry %d is not in the topic of all", n)
		}
		if seven := n%10 == 7; w.formatted[n] != seven {
			t.Fatalf("entry %d is in the topic of the event: %t", n, !seven)
		}
	}
	if len(w.ids) != entries+entries/10 {
		t.Errorf("%d IDs", len(w.ids))
	}
	t.Logf("%d records, %d of them again", w.records, w.records-len(w.ids))
}

// topicReader gathers what comes into topics.
type topicReader struct {
	client           *kgo.Client
	ids              map[string]bool
	plain, formatted map[int]bool // numbers of entries
	records          int
}

func newTopicReader(t *testing.T, cluster *kfake.Cluster, topics ...string) *topicReader {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &topicReader{client: client, ids: map[string]bool{}, plain: map[int]bool{}, formatted: map[int]bool{}}
}

// until reads until there are so many different records, or it is given up.
func (w *topicReader) until(t *testing.T, ids int, ended func() bool) {
	t.Helper()
	program.Until(t, "records have come", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		w.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { w.take(t, r) })
		return len(w.ids) >= ids || ended()
	})
}

func (w *topicReader) take(t *testing.T, r *kgo.Record) {
	t.Helper()
	w.records++
	for _, h := range r.Headers {
		if h.Key == "journalpump-id" {
			w.ids[string(h.Value)] = true
		}
	}
	var body struct {
		Number  *int   `json:"number"`
		At      int64  `json:"at"`
		Message string `json:"MESSAGE"`
	}
	if err := json.Unmarshal(r.Value, &body); err != nil {
		t.Fatalf("%s: %s: %v", r.Topic, r.Value, err)
	}
	switch {
	case r.Topic == "sevens" && body.Number != nil && body.At > 0 && body.Message == "":
		w.formatted[*body.Number] = true
	case r.Topic == "everything" && body.Number == nil:
		n, ok := parseNumber(body.Message)
		if !ok {
			t.Fatalf("what is %q?", body.Message)
		}
		w.plain[n.n] = true
	default:
		t.Fatalf("%s has %s", r.Topic, r.Value)
	}
}
