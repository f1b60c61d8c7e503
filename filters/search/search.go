package search

import (
	"errors"
	"time"

	"journalpump/filters/convert"
	"journalpump/filters/dictmemo"
	"journalpump/filters/pattern"
	"journalpump/pump"
)

// A Locator knows where network addresses are. It may be used concurrently.
type Locator interface {
	// Locate returns degrees; ok is false if ip is no address, or is not known.
	Locate(ip string) (lat, lon float64, ok bool)
}

// Options is what searches need beside their configuration.
type Options struct {
	Geo       Locator          // nil: tags can't call ip_to_geohash
	Threshold time.Duration    // matching a pattern for longer than this is reported
	Now       func() time.Time // nil: nothing is measured
}

// Searches are a reader's searches. They may be used concurrently.
type Searches struct {
	options    Options
	searches   []search
	conditions []condition
	fields     map[string]*field // by name
	words      int               // of a bit set of conditions

	memos dictmemo.Pool[*memo]
}

// search is one configured search.
type search struct {
	name       string
	conditions []int // in the order they are tried
	groups     []groupTag
	static     []staticTag
	calls      []call
}

// condition is a pattern on a field.
type condition struct {
	field   string
	pattern *pattern.Pattern
	groups  bool // a search makes tags of its groups
}

// field is all conditions on one field.
type field struct {
	kind       convert.Kind
	conditions []int
	set        *pattern.Set // of their patterns, in the same order
}

// New compiles searches. Its error joins an *Error for everything that is wrong.
func New(configs []Config, options Options) (*Searches, error) {
	c := &compiler{geo: options.Geo, byPattern: map[[2]string]int{}}
	for i, config := range configs {
		c.add(i, config)
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	s := &Searches{
		options:    options,
		searches:   c.searches,
		conditions: c.conditions,
		fields:     map[string]*field{},
		words:      (len(c.conditions) + 63) / 64,
	}
	patterns := map[string][]*pattern.Pattern{}
	for i, cond := range c.conditions {
		f := s.fields[cond.field]
		if f == nil {
			f = &field{kind: convert.KindOf(cond.field)}
			s.fields[cond.field] = f
		}
		f.conditions = append(f.conditions, i)
		patterns[cond.field] = append(patterns[cond.field], cond.pattern)
	}
	for name, f := range s.fields {
		f.set = pattern.NewSet(patterns[name])
	}
	return s, nil
}

// Names returns the searches' names, in the order of the configuration.
func (s *Searches) Names() []string {
	names := make([]string, len(s.searches))
	for i := range s.searches {
		names[i] = s.searches[i].name
	}
	return names
}

// Search sets matched[i] for every entry of c that at least one search matches; matched has as many elements as
// c.Entries, all false. It returns how often searches matched with which tags, and what took longer than the threshold.
//
// A field that occurs several times matches if one of its values does. Values are seen as senders see them: numbers and
// UUIDs in their canonical form; one that is empty, not UTF-8, or null to senders never matches.
func (s *Searches) Search(c *pump.Chunk, matched []bool) ([]pump.SearchHit, []pump.SlowSearch) {
	m, ok := s.memos.Take(c.Dict)
	if !ok {
		m = &memo{}
	}
	r := &run{
		s:          s,
		c:          c,
		memo:       m,
		found:      make([]uint64, s.words),
		candidates: make([]uint64, s.words),
	}
	m.grow(len(c.Dict.Fields))
	for i := range matched {
		matched[i] = r.entry(i)
	}
	s.memos.Put(c.Dict, m)
	return r.hits.list, r.slow
}
