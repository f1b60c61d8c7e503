package condition

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"journalpump/filters/pattern"
	"journalpump/internal/glob"
)

// node is a condition or a part of one.
type node struct {
	kind  nodeKind
	index int     // of a test or a program
	subs  []*node // the others'
}

type nodeKind uint8

const (
	allNode nodeKind = iota // all subs hold; without any it holds
	anyNode                 // one sub holds
	notNode                 // its one sub does not
	testNode
	programNode
)

// test is what a condition asks of one field.
type test struct {
	field    *field
	patterns []*pattern.Pattern
	first    int // of patterns in field.patterns
	globs    []*glob.Glob
	is       []string
	present  bool
}

// field is a field that there are tests on.
type field struct {
	number   int32
	exact    map[string][]int // tests that a value passes for what it is
	others   []int            // tests with globs, or for any value
	patterns []*pattern.Pattern
	owners   []int        // of patterns: their tests
	set      *pattern.Set // of patterns; nil without any
	programs []int        // that look at no other field
}

// compiler makes one test of equal ones, and one program of equal expressions.
type compiler struct {
	set    *Set
	byTest map[string]int
	byText map[string]int
}

func (c *compiler) condition(config Config) (*node, error) {
	if len(config) == 0 {
		return &node{kind: allNode}, nil
	}
	one := &node{kind: anyNode}
	for i := range config {
		n, err := c.clause(&config[i])
		if err != nil {
			return nil, err
		}
		one.subs = append(one.subs, n)
	}
	if len(one.subs) == 1 {
		return one.subs[0], nil
	}
	return one, nil
}

// clause returns all that a clause asks for: what is cheap first.
func (c *compiler) clause(config *Clause) (*node, error) {
	all := &node{kind: allNode}
	for _, t := range []struct {
		field string
		test  FieldTest
	}{
		{transportField, FieldTest{Is: config.Transports}},
		{identifierField, globsOf(config.Identifiers)},
		{unitField, globsOf(config.Units)},
		{messageIDField, FieldTest{Is: config.MessageIDs}},
		{priorityField, FieldTest{Is: config.Priority.texts()}},
	} {
		if err := c.addTest(all, t.field, t.test); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Fields)) {
		if err := c.addTest(all, name, config.Fields[name]); err != nil {
			return nil, fmt.Errorf("fields.%s: %w", name, err)
		}
	}
	if len(config.Any) > 0 {
		n, err := c.condition(config.Any)
		if err != nil {
			return nil, err
		}
		all.subs = append(all.subs, n)
	}
	if len(config.Not) > 0 {
		n, err := c.condition(config.Not)
		if err != nil {
			return nil, err
		}
		all.subs = append(all.subs, &node{kind: notNode, subs: []*node{n}})
	}
	if config.Expression != "" {
		n, err := c.expression(string(config.Expression))
		if err != nil {
			return nil, fmt.Errorf("expression: %w", err)
		}
		all.subs = append(all.subs, n)
	}
	return all, nil
}

func globsOf(list []string) FieldTest {
	var t FieldTest
	for _, text := range list {
		if glob.IsPattern(text) {
			t.Globs = append(t.Globs, text)
		} else {
			t.Is = append(t.Is, text)
		}
	}
	return t
}

func (p Priority) texts() []string {
	texts := make([]string, len(p))
	for i, level := range p {
		texts[i] = strconv.Itoa(int(level))
	}
	return texts
}

// addTest adds a test to a clause's, unless it asks for nothing.
func (c *compiler) addTest(all *node, name string, config FieldTest) error {
	if len(config.Is)+len(config.Globs)+len(config.Patterns) == 0 && !config.Present {
		return nil
	}
	key := fmt.Sprintf("%s\x00%q\x00%q\x00%q\x00%t", name, config.Is, config.Globs, config.Patterns, config.Present)
	n, known := c.byTest[key]
	if !known {
		t := test{present: config.Present, is: config.Is}
		for _, expr := range config.Patterns {
			p, err := pattern.Compile(expr)
			if err != nil {
				return err
			}
			t.patterns = append(t.patterns, p)
		}
		for _, text := range config.Globs {
			t.globs = append(t.globs, glob.Compile(text))
		}
		t.field = c.field(name)
		t.first = len(t.field.patterns)
		n = len(c.set.tests)
		c.set.tests = append(c.set.tests, t)
		c.byTest[key] = n
		t.field.add(n, &t)
	}
	all.subs = append(all.subs, &node{kind: testNode, index: n})
	return nil
}

func (c *compiler) field(name string) *field {
	f := c.set.fields[name]
	if f == nil {
		f = &field{number: int32(len(c.set.fields)), exact: map[string][]int{}} //nolint:gosec // few
		c.set.fields[name] = f
	}
	return f
}

func (f *field) add(n int, t *test) {
	for _, value := range t.is {
		f.exact[value] = append(f.exact[value], n)
	}
	if t.present || len(t.globs) > 0 {
		f.others = append(f.others, n)
	}
	for _, p := range t.patterns {
		f.patterns = append(f.patterns, p)
		f.owners = append(f.owners, n)
	}
}

// expression returns the parts of an expression that all have to hold: what looks at one field can be decided for it alone.
func (c *compiler) expression(text string) (*node, error) {
	parts, err := conjuncts(text)
	if err != nil {
		return nil, err
	}
	all := &node{kind: allNode}
	for _, p := range parts {
		all.subs = append(all.subs, c.program(p))
	}
	return all, nil
}

func (c *compiler) program(p *program) *node {
	i, known := c.byText[p.text]
	if !known {
		i = len(c.set.programs)
		c.byText[p.text] = i
		c.set.programs = append(c.set.programs, p)
		for _, name := range p.fields {
			if _, placed := c.set.slots[name]; !placed {
				c.set.slots[name] = len(c.set.slots)
			}
		}
		if len(p.fields) == 1 {
			p.alone = c.field(p.fields[0])
			p.alone.programs = append(p.alone.programs, i)
		}
	}
	return &node{kind: programNode, index: i}
}

// finish places the bits of an entry.
func (c *compiler) finish() {
	s := c.set
	for _, f := range s.fields {
		if len(f.patterns) > 0 {
			f.set = pattern.NewSet(f.patterns)
		}
	}
	bits := len(s.tests) + len(s.fields)
	machine := newMachine()
	for _, p := range s.programs {
		if p.alone != nil {
			p.bit = bits
			p.without = p.holds(&machine, map[string]any{p.fields[0]: ""})
			bits += 2
		}
	}
	s.words = (bits + 63) / 64
	s.wordsOut = (len(s.conditions) + 63) / 64
}
