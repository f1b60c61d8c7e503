package kafka

import (
	"math/rand/v2"
	"slices"

	"github.com/cespare/xxhash/v2"

	"journalpump/internal/placeholder"
	"journalpump/pump"
)

const (
	// maxTopics bounds how many topics are remembered.
	maxTopics = 1000
	// maxKey bounds a key that comes from an entry, in bytes. What is longer is cut.
	maxKey = 1024
	// minShare is how many bytes without a key go to one partition before the next one gets some: small record batches
	// compress badly.
	minShare = 128 << 10
)

// router says which records of a batch go to which partition. It is used by one goroutine at a time.
type router struct {
	topicName   string                           // when all go to one
	topic       *placeholder.Expander            // otherwise
	routes      map[string]*placeholder.Expander // by where they lead, pump.Route.To
	keyText     []byte                           // when all have the same key, or none
	key         *placeholder.Expander            // otherwise
	partitioner Partitioner
	// faithful has records that were not accepted wait for their partition's leader: an idempotent producer may have
	// given them to it already.
	faithful bool

	topics map[string]*topic
	// forgot says that topics were forgotten, and with them how far their sequences had come.
	forgot bool
	// kept says where records without a key were to go that were not accepted. They go there again, so that they are
	// before what comes after them.
	kept map[uint64]int

	// Of the batch at hand, with memory that is used again.
	used   []*topic
	names  []string
	items  []item
	keys   []byte
	groups []group
	name   []byte
}

// topic is what is remembered about one.
type topic struct {
	name      string
	turn      int               // counts the partitions that records without a key have been given to
	maxBytes  int               // of a record batch, as the broker's refusals have shown; 0: not known to be bounded
	sequences map[int]*sequence // by partition, of an idempotent producer

	// Of the batch at hand.
	inUse   bool
	loose   int // bytes of records without a key
	filled  int // bytes given to the partition whose turn it is
	groupOf map[int]int
}

// shrink bounds record batches, unless they are bounded more narrowly. 0 is no bound.
func (t *topic) shrink(size int) {
	if size > 0 && (t.maxBytes == 0 || size < t.maxBytes) {
		t.maxBytes = size
	}
}

// item is where a record goes, and its key as a part of keys.
type item struct {
	topic    *topic
	from, to int
}

// group is the records of a batch that go to one partition, in their order.
type group struct {
	topic     *topic
	partition int
	records   []int // indexes in the batch
	sequence  *sequence
	outcome
}

func newRouter(topicTemplate, keyTemplate *placeholder.Template, p Partitioner) *router {
	r := &router{partitioner: p, topics: map[string]*topic{}, kept: map[uint64]int{}, routes: map[string]*placeholder.Expander{}}
	if name, static := topicTemplate.Static(); static {
		r.topicName = name
	} else {
		r.topic = topicTemplate.Expander(topicValue)
	}
	if keyTemplate == nil {
		return r
	}
	if text, static := keyTemplate.Static(); static {
		r.keyText = []byte(text)
	} else {
		r.key = keyTemplate.Expander(keyValue)
	}
	return r
}

// keyValue is a placeholder.Value. A key without any value in it is none.
func keyValue(b, value []byte, _ bool) []byte { return append(b, value...) }

// survey finds the topics and keys of the records, and returns the topics' names.
func (r *router) survey(records []pump.Record) []string {
	for _, t := range r.used {
		t.inUse = false
	}
	r.used, r.names, r.items, r.keys = r.used[:0], r.names[:0], r.items[:0], append(r.keys[:0], r.keyText...)
	if len(r.topics) > maxTopics && len(r.kept) == 0 {
		clear(r.topics)
		r.forgot = true
	}
	for i := range records {
		it := item{topic: r.topicOf(&records[i]), to: len(r.keyText)}
		if r.key != nil {
			it.from = len(r.keys)
			r.keys = r.key.Append(r.keys, &records[i])
			r.keys = r.keys[:min(len(r.keys), it.from+maxKey)]
			it.to = len(r.keys)
		}
		if it.from == it.to {
			it.topic.loose += len(records[i].Body)
		}
		r.items = append(r.items, it)
	}
	return r.names
}

func (r *router) topicOf(record *pump.Record) *topic {
	switch {
	case record.To() != "":
		r.name = legalTopic(r.routed(record.To()).Append(r.name[:0], record))
	case r.topic != nil:
		r.name = legalTopic(r.topic.Append(r.name[:0], record))
	case len(r.used) == 1 && r.used[0].name == r.topicName:
		return r.used[0]
	default:
		r.name = append(r.name[:0], r.topicName...)
	}
	t := r.topics[string(r.name)]
	if t == nil {
		t = &topic{name: string(r.name), turn: rand.IntN(1 << 16), groupOf: map[int]int{}, sequences: map[int]*sequence{}}
		r.topics[t.name] = t
	}
	if !t.inUse {
		t.inUse, t.loose, t.filled = true, 0, 0
		t.turn++
		clear(t.groupOf)
		r.used = append(r.used, t)
		r.names = append(r.names, t.name)
	}
	return t
}

// routed returns what makes the topics of a route.
func (r *router) routed(to string) *placeholder.Expander {
	e := r.routes[to]
	if e == nil {
		t, err := parseTopic(to)
		if err != nil { // CheckRoute has seen it
			t = &placeholder.Template{}
		}
		e = t.Expander(topicValue)
		r.routes[to] = e
	}
	return e
}

// spread groups the surveyed records by partition. The groups are good until the next survey.
func (r *router) spread(records []pump.Record, found map[string]partitions, batchBytes int) []group {
	r.groups = r.groups[:0]
	var last *topic
	var where partitions
	var share int
	for i := range r.items {
		t := r.items[i].topic
		if t != last {
			last, where = t, found[t.name]
			share = max(minShare, min(batchBytes, t.loose/len(where.leading)+1))
		}
		g := r.groupFor(t, r.partition(t, where, i, &records[i], share))
		g.records = append(g.records, i)
	}
	clear(r.kept)
	return r.groups
}

// partition returns where record i goes.
func (r *router) partition(t *topic, where partitions, i int, record *pump.Record, share int) int {
	if p, ok := r.partitioner.byKey(r.keyOf(i), len(where.all)); ok {
		return where.all[p]
	}
	if len(r.kept) > 0 {
		usable := where.leading
		if r.faithful {
			usable = where.all
		}
		if p, ok := r.kept[identity(record)]; ok && slices.Contains(usable, p) {
			return p
		}
	}
	if t.filled > 0 && t.filled+len(record.Body) > share {
		t.turn++
		t.filled = 0
	}
	t.filled += len(record.Body)
	return where.leading[t.turn%len(where.leading)]
}

// keyOf returns the key of record i, nil if it has none.
func (r *router) keyOf(i int) []byte {
	it := r.items[i]
	if it.from == it.to {
		return nil
	}
	return r.keys[it.from:it.to]
}

func (r *router) groupFor(t *topic, partition int) *group {
	if i, ok := t.groupOf[partition]; ok {
		return &r.groups[i]
	}
	n := len(r.groups)
	t.groupOf[partition] = n
	if n < cap(r.groups) {
		r.groups = r.groups[:n+1]
	} else {
		r.groups = append(r.groups, group{})
	}
	g := &r.groups[n]
	*g = group{topic: t, partition: partition, records: g.records[:0]}
	return g
}

// keep has those records that have no key and were not accepted go to the same partition once more.
func (r *router) keep(records []pump.Record, g *group) {
	for _, i := range g.rest {
		r.kept[identity(&records[i])] = g.partition
	}
}

// identity is a number that is practically an entry's own.
func identity(r *pump.Record) uint64 {
	var memory [pump.MaxID]byte
	return xxhash.Sum64(r.AppendID(memory[:0]))
}
