package search

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"journalpump/filters/pattern"
)

// Config is one search. An entry matches if it has all fields and the pattern of each is found in its value.
type Config struct {
	// The metric's name.
	Name string `json:"name"`
	// Patterns by field, with the field's name as it is in the journal. They are regular expressions of Python and are looked for
	// anywhere in the value, before redaction. Without any, every entry matches.
	Fields map[string]string `json:"fields"`
	// Tags of the metric, besides the named groups of the patterns. ip_to_geohash(TAG,PRECISION) is the geohash of the address in
	// the tag TAG, with PRECISION letters (8; at most 12), and wants geoip_database.
	Tags map[string]string `json:"tags"`
}

// Error says what is wrong with a search.
type Error struct {
	Index int    // in the list of searches
	Key   string // in the search, such as "fields.MESSAGE"
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("search %d: %s: %v", e.Index+1, e.Key, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// messageField is the field that is looked at last: it is the one most entries do not share.
const messageField = "MESSAGE"

// compiler turns configurations into searches. Equal patterns on the same field become one condition.
type compiler struct {
	geo        Locator
	searches   []search
	conditions []condition
	byPattern  map[[2]string]int // conditions by field and pattern
	errs       []error
}

func (c *compiler) add(index int, config Config) {
	fail := func(key string, err error) { c.errs = append(c.errs, &Error{Index: index, Key: key, Err: err}) }
	s := search{name: config.Name}
	if s.name == "" {
		fail("name", errors.New("is missing"))
	}
	for _, field := range fieldOrder(config.Fields) {
		n, err := c.condition(field, config.Fields[field])
		if err != nil {
			fail("fields."+field, err)
			continue
		}
		s.conditions = append(s.conditions, n)
	}
	c.groupTags(&s)
	for _, name := range slices.Sorted(maps.Keys(config.Tags)) {
		value := config.Tags[name]
		if !strings.ContainsAny(value, "()") {
			s.static = append(s.static, staticTag{name: name, value: value})
			continue
		}
		call, err := c.parseCall(name, value)
		if err != nil {
			fail("tags."+name, err)
			continue
		}
		s.calls = append(s.calls, call)
	}
	for i := range s.calls {
		if !s.bind(&s.calls[i]) && len(c.errs) == 0 {
			fail("tags."+s.calls[i].name, fmt.Errorf("there is neither a named group nor a tag %q", s.calls[i].argument))
		}
	}
	s.dropOverridden()
	c.searches = append(c.searches, s)
}

// fieldOrder returns the names of fields in the order they are looked at. An empty pattern on MESSAGE is none.
func fieldOrder(fields map[string]string) []string {
	names := slices.Collect(maps.Keys(fields))
	names = slices.DeleteFunc(names, func(n string) bool { return n == messageField && fields[n] == "" })
	slices.SortFunc(names, func(a, b string) int {
		if (a == messageField) != (b == messageField) {
			if a == messageField {
				return 1
			}
			return -1
		}
		return cmp.Compare(a, b)
	})
	return names
}

func (c *compiler) condition(field, expr string) (int, error) {
	key := [2]string{field, expr}
	if n, ok := c.byPattern[key]; ok {
		return n, nil
	}
	p, err := pattern.Compile(expr)
	if err != nil {
		return 0, err
	}
	c.conditions = append(c.conditions, condition{field: field, pattern: p})
	n := len(c.conditions) - 1
	c.byPattern[key] = n
	return n, nil
}

// groupTags collects the named groups. Of several with the same name the last one counts.
func (c *compiler) groupTags(s *search) {
	for _, n := range s.conditions {
		for group, name := range c.conditions[n].pattern.Names() {
			if name == "" {
				continue
			}
			s.groups = slices.DeleteFunc(s.groups, func(g groupTag) bool { return g.name == name })
			s.groups = append(s.groups, groupTag{name: name, condition: n, group: group})
			c.conditions[n].groups = true
		}
	}
}

const (
	defaultPrecision = 8
	maxPrecision     = 12 // characters; what 64 bits hold
)

func (c *compiler) parseCall(name, value string) (call, error) {
	// The original looks for the call anywhere in the value.
	m := regexp.MustCompile(`([a-z_]+)\(([a-z0-9_,]+)\)`).FindStringSubmatch(value)
	if m == nil {
		return call{}, fmt.Errorf("invalid function call %q", value)
	}
	if m[1] != "ip_to_geohash" {
		return call{}, fmt.Errorf("unknown function %q", m[1])
	}
	args := strings.Split(m[2], ",")
	out := call{name: name, argument: args[0], precision: defaultPrecision}
	if len(args) > 1 {
		p, err := strconv.Atoi(args[1])
		if err != nil || p < 1 || p > maxPrecision || len(args) > 2 {
			return call{}, fmt.Errorf("ip_to_geohash takes a tag and a precision of 1 to %d, not %q", maxPrecision, m[2])
		}
		out.precision = uint(p)
	}
	if c.geo == nil {
		return call{}, errors.New("ip_to_geohash needs a geoip_database, and none is configured")
	}
	return out, nil
}

// bind finds what a call's argument names.
func (s *search) bind(c *call) bool {
	c.group = slices.IndexFunc(s.groups, func(g groupTag) bool { return g.name == c.argument })
	c.static = slices.IndexFunc(s.static, func(t staticTag) bool { return t.name == c.argument })
	return c.group >= 0 || c.static >= 0
}

// dropOverridden marks the groups that no tag is made of because a configured tag has their name.
func (s *search) dropOverridden() {
	for i := range s.groups {
		name := s.groups[i].name
		s.groups[i].hidden = slices.ContainsFunc(s.static, func(t staticTag) bool { return t.name == name }) ||
			slices.ContainsFunc(s.calls, func(c call) bool { return c.name == name })
	}
}
