package kafka

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"journalpump/internal/placeholder"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// The values are those of Apache Kafka's own UtilsTest.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("%q: got %d, want %d", key, got, want)
		}
	}
}

func TestPartitioners(t *testing.T) {
	other := kgo.StickyKeyPartitioner(nil).ForTopic("logs")
	for i := range 1000 {
		key := fmt.Appendf(nil, "key-%d", i)
		got, ok := Murmur2Random.byKey(key, 7)
		if want := other.Partition(&kgo.Record{Key: key}, 7); !ok || got != want {
			t.Fatalf("%s: got %d, want %d", key, got, want)
		}
	}
	for _, test := range []struct {
		p    Partitioner
		key  []byte
		want int // -1: any
	}{
		{"", nil, -1}, {Murmur2Random, nil, -1}, {Murmur2, nil, int(murmur2(nil) & 0x7fffffff % 7)}, {ConsistentRandom, nil, -1},
		{Consistent, nil, 0}, {Random, []byte("x"), -1},
		{Consistent, []byte("123456789"), 0xcbf43926 % 7}, {ConsistentRandom, []byte("123456789"), 0xcbf43926 % 7}, // CRC-32's check value
	} {
		got, ok := test.p.byKey(test.key, 7)
		if ok != (test.want >= 0) || ok && got != test.want {
			t.Errorf("%s of %q: got %d, %t, want %d", test.p, test.key, got, ok, test.want)
		}
	}
}

func TestLegalTopic(t *testing.T) {
	for in, want := range map[string]string{
		"logs.a_b-C9": "logs.a_b-C9", "user@1000.service": "user_1000.service", "ünï": "__n__", "..": "__", ".": "_", "...": "...", "a/b\x00\n": "a_b__",
	} {
		if got := string(legalTopic([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	a, b := legalTopic([]byte(strings.Repeat("x", 300)+"a")), legalTopic([]byte(strings.Repeat("x", 300)+"b"))
	if len(a) != maxTopic || len(b) != maxTopic || bytes.Equal(a, b) {
		t.Errorf("got %s and %s", a, b)
	}
}

func FuzzLegalTopic(f *testing.F) {
	f.Add([]byte("a/b"))
	f.Add([]byte(".."))
	f.Add([]byte(strings.Repeat("é", 200)))
	f.Fuzz(func(t *testing.T, name []byte) {
		if err := checkTopic(string(legalTopic(topicValue(nil, name, true)))); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	})
}

func newTestRouter(t testing.TB, topicText, key string) *router { //nolint:thelper // used by a benchmark and a fuzz test too
	topicTemplate, err := placeholder.Parse(topicText)
	if err != nil {
		t.Fatal(err)
	}
	var keyTemplate *placeholder.Template
	if key != "" {
		if keyTemplate, err = placeholder.Parse(key); err != nil {
			t.Fatal(err)
		}
	}
	return newRouter(topicTemplate, keyTemplate, "")
}

func several(names []string, n int) map[string]partitions {
	found := map[string]partitions{}
	for _, name := range names {
		var p partitions
		for i := range n {
			p.all = append(p.all, i)
		}
		p.leading = p.all
		found[name] = p
	}
	return found
}

// route checks that every record is in one group, in order, and returns how many each group has.
func route(t *testing.T, r *router, b pump.Batch, found func([]string) map[string]partitions) map[string]int {
	t.Helper()
	groups := r.spread(b.Records, found(r.survey(b.Records)), batchBytes)
	sizes := map[string]int{}
	var all []int
	for i := range groups {
		if !slices.IsSorted(groups[i].records) {
			t.Errorf("group %d is not in order", i)
		}
		sizes[fmt.Sprint(groups[i].topic.name, "/", groups[i].partition)] += len(groups[i].records)
		all = append(all, groups[i].records...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != len(b.Records) {
		t.Errorf("%d of %d records are in groups", len(all), len(b.Records))
	}
	return sizes
}

func TestRouting(t *testing.T) {
	four := func(names []string) map[string]partitions { return several(names, 4) }
	if got := route(t, newTestRouter(t, "logs", "k"), sendertest.Batch(0, 1000), four); len(got) != 1 {
		t.Errorf("one key: %v", got)
	}
	got := route(t, newTestRouter(t, "logs.{SYSTEMD_UNIT}", "{SYSTEMD_UNIT}"), sendertest.Batch(0, 999), four)
	if len(got) != 3 {
		t.Errorf("a topic and a key a unit: %v", got)
	}
	for name, n := range got {
		if !strings.HasPrefix(name, "logs.unit-") || n != 333 {
			t.Errorf("a topic and a key a unit: %v", got)
		}
	}
	r := newTestRouter(t, "logs", "{NO_SUCH_FIELD}")
	if got := route(t, r, sendertest.Batch(0, 100), four); len(got) != 1 {
		t.Errorf("a small batch without a key: %v", got)
	}
	if got := route(t, r, sendertest.Batch(0, 4000, sendertest.Size(500)), four); len(got) != 4 {
		t.Errorf("a large batch without a key: %v", got)
	}
	used := map[string]bool{}
	for range 4 {
		for name := range route(t, r, sendertest.Batch(0, 100), four) {
			used[name] = true
		}
	}
	if len(used) != 4 {
		t.Errorf("four small batches went to %v", used)
	}
	leading := func(names []string) map[string]partitions {
		f := several(names, 4)
		f["logs"] = partitions{all: []int{0, 1, 2, 3}, leading: []int{2}}
		return f
	}
	if got := route(t, r, sendertest.Batch(0, 4000, sendertest.Size(500)), leading); got["logs/2"] != 4000 {
		t.Errorf("partitions without leaders: %v", got)
	}
}

// What was not accepted goes where it was to go, so that it isn't behind what comes later.
func TestRefusedRecordsKeepTheirPartition(t *testing.T) {
	four := func(names []string) map[string]partitions { return several(names, 4) }
	r := newTestRouter(t, "logs", "")
	b := sendertest.Batch(0, 4000, sendertest.Size(500))
	groups := r.spread(b.Records, four(r.survey(b.Records)), batchBytes)
	if len(groups) != 4 {
		t.Fatalf("%d groups", len(groups))
	}
	where := groups[2].partition
	groups[2].rest = groups[2].records
	again := pump.Batch{}
	for _, i := range groups[2].rest {
		again.Records = append(again.Records, b.Records[i])
	}
	r.keep(b.Records, &groups[2])
	if got := route(t, r, again, four); got[fmt.Sprint("logs/", where)] != len(again.Records) {
		t.Errorf("went to %v, not to partition %d", got, where)
	}
	if len(r.kept) != 0 {
		t.Errorf("%d are remembered", len(r.kept))
	}
}

// Records that an idempotent producer may have given to a partition wait for its leader.
func TestRecordsWaitForTheirLeader(t *testing.T) {
	for faithful, want := range map[bool]string{true: "logs/2", false: "logs/1"} {
		r := newTestRouter(t, "logs", "")
		r.faithful = faithful
		b := sendertest.Batch(0, 10)
		r.survey(b.Records)
		r.keep(b.Records, &group{partition: 2, outcome: outcome{rest: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}})
		got := route(t, r, b, func(names []string) map[string]partitions {
			return map[string]partitions{names[0]: {all: []int{0, 1, 2}, leading: []int{1}}}
		})
		if got[want] != 10 {
			t.Errorf("faithful %t: went to %v, want %s", faithful, got, want)
		}
	}
}

func TestTopicsAreForgotten(t *testing.T) {
	r := newTestRouter(t, "{N}", "")
	for i := range 3 {
		b := sendertest.Batch(i*700, 700, sendertest.Fields(func(number int) []pump.Field {
			return []pump.Field{{Name: "N", Value: fmt.Append(nil, number)}}
		}))
		if got := route(t, r, b, func(names []string) map[string]partitions { return several(names, 1) }); len(got) != 700 {
			t.Errorf("%d topics", len(got))
		}
	}
	if n := len(r.topics); n > maxTopics+700 {
		t.Errorf("%d topics are remembered", n)
	}
}
