package pattern

import (
	"errors"
	"math"
	"strings"
	"unicode"
)

// What Python's re module accepts is described in https://docs.python.org/3/library/re.html; what it does where that
// is silent was found out by asking it (see oracle_test.go).

// flags are the inline flags that change what the parts of a pattern mean.
type flags uint8

const (
	ignoreCase flags = 1 << iota
	multiLine
	dotAll
	verbose
	asciiOnly
	unicodeToo // only said, never needed: it is the default
)

func flagOf(r rune) (flags, bool) {
	switch r {
	case 'i':
		return ignoreCase, true
	case 'm':
		return multiLine, true
	case 's':
		return dotAll, true
	case 'x':
		return verbose, true
	case 'a':
		return asciiOnly, true
	case 'u':
		return unicodeToo, true
	}
	return 0, false
}

// maxDepth bounds how deeply groups may be nested. Package regexp gives up at 1000 levels of its own.
const maxDepth = 200

// tree is a parsed pattern.
type tree struct {
	root  *node
	names []string // of the groups by number, "" for those without; [0] is the whole match
}

// errRestart says that flags for the whole pattern were found inside it, so that it must be read again with them.
var errRestart = errors.New("flags for the whole pattern changed")

// parse parses a pattern as Python's re.compile does.
func parse(expr string) (*tree, error) {
	chars := []rune(expr)
	global := flags(0)
	for {
		p := &parser{scanner: scanner{chars: chars, what: "pattern"}, global: global, byName: map[string]int{}}
		p.names = []string{""}
		p.widths = []*width{nil}
		root, err := p.pattern()
		if errors.Is(err, errRestart) {
			global = p.global
			continue
		}
		if err != nil {
			return nil, err
		}
		return &tree{root: root, names: p.names}, nil
	}
}

// parser turns characters into a tree.
type parser struct {
	scanner
	global flags
	depth  int

	names  []string // of the groups opened so far
	byName map[string]int
	widths []*width // of the groups closed so far; nil while open

	behindFrom int            // inside a look-behind: the first group that was opened in it; 0 outside
	forward    []*SyntaxError // conditions on groups that were not opened yet, and their numbers
	forwardTo  []int          // in the same order
}

func (p *parser) pattern() (*node, error) {
	if err := p.trailing(); err != nil {
		return nil, err
	}
	root, err := p.alternatives(p.global)
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.chars) {
		return nil, p.fail(p.pos, "unbalanced parenthesis")
	}
	for i, group := range p.forwardTo {
		if group >= len(p.names) {
			return nil, p.forward[i]
		}
	}
	return root, nil
}

// alternatives parses a|b|c, up to the end or a closing parenthesis.
func (p *parser) alternatives(f flags) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(p.pos, "groups nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	var subs []*node
	for {
		n, err := p.sequence(f)
		if err != nil {
			return nil, err
		}
		subs = append(subs, n)
		if !p.accept('|') {
			break
		}
	}
	if len(subs) == 1 {
		return subs[0], nil
	}
	return &node{op: opAlternate, subs: subs}, nil
}

// item is a part of a sequence and what the parser has to know of it to tell whether it may be repeated.
type item struct {
	n        *node
	repeat   bool // it is a repeat already
	position bool // it is a position, such as ^
}

// sequence parses parts that follow each other, up to the end, a bar or a closing parenthesis.
func (p *parser) sequence(f flags) (*node, error) {
	var items []item
	for {
		t, ok := p.peek()
		if !ok || !t.escaped && (t.r == '|' || t.r == ')') {
			return concat(items), nil
		}
		if f&verbose != 0 && !t.escaped && p.skipVerbose(t) {
			continue
		}
		start := p.pos
		p.take(t)
		var it item
		var err error
		switch {
		case t.escaped:
			it, err = p.escape(t, start, f)
		case t.r == '[':
			it.n, err = p.class(start, f)
		case t.r == '(':
			var skip bool
			it.n, skip, err = p.group(start, f)
			if skip && err == nil {
				continue
			}
		case strings.ContainsRune("*+?{", t.r):
			r, isRepeat, rerr := p.quantifier(t.r, start)
			if rerr != nil {
				return nil, rerr
			}
			if !isRepeat { // a { that begins no count stands for itself
				it.n = literal('{', f)
				break
			}
			if err := p.repeatLast(items, r, start); err != nil {
				return nil, err
			}
			continue
		default:
			it = p.special(t.r, f)
		}
		if err != nil {
			return nil, err
		}
		items = append(items, it)
	}
}

func concat(items []item) *node {
	switch len(items) {
	case 0:
		return &node{op: opEmpty}
	case 1:
		return items[0].n
	}
	subs := make([]*node, len(items))
	for i := range items {
		subs[i] = items[i].n
	}
	return &node{op: opConcat, subs: subs}
}

// skipVerbose takes white space or a comment of the verbose syntax.
func (p *parser) skipVerbose(t token) bool {
	switch {
	case strings.ContainsRune(" \t\n\r\v\f", t.r):
		p.take(t)
		return true
	case t.r == '#':
		for {
			t, ok := p.peek()
			if !ok {
				return true
			}
			p.take(t)
			if t.r == '\n' && !t.escaped {
				return true
			}
		}
	}
	return false
}

// special parses ^, $ and ., which stand for something, and characters that stand for themselves.
func (p *parser) special(r rune, f flags) item {
	switch r {
	case '.':
		if f&dotAll != 0 {
			return item{n: &node{op: opSet, set: runeSet{0, unicode.MaxRune}}}
		}
		return item{n: &node{op: opSet, set: runeSet{0, '\n' - 1, '\n' + 1, unicode.MaxRune}}}
	case '^':
		at := textStart
		if f&multiLine != 0 {
			at = lineStart
		}
		return item{n: &node{op: opAssert, at: at}, position: true}
	case '$':
		at := textEndNL
		if f&multiLine != 0 {
			at = lineEnd
		}
		return item{n: &node{op: opAssert, at: at}, position: true}
	}
	return item{n: literal(r, f)}
}

func literal(r rune, f flags) *node {
	if f&ignoreCase != 0 {
		return &node{op: opSet, set: withCase([]rune{r, r}, f&asciiOnly != 0)}
	}
	return &node{op: opSet, set: runeSet{r, r}}
}

// count is a parsed quantifier.
type count struct {
	min, max         int
	lazy, possessive bool
}

// maxRepeat is the largest count that Python's re takes on 64-bit machines, less one; on others it fits an int.
const maxRepeat = min(1<<32, math.MaxInt) - 2

// quantifier parses what follows *, +, ? or {; ok is false if a { was none.
func (p *parser) quantifier(r rune, start int) (c count, ok bool, err error) {
	switch r {
	case '*':
		c = count{min: 0, max: unlimited}
	case '+':
		c = count{min: 1, max: unlimited}
	case '?':
		c = count{min: 0, max: 1}
	default:
		c, ok, err = p.braces(start)
		if !ok || err != nil {
			return count{}, false, err
		}
	}
	switch {
	case p.accept('?'):
		c.lazy = true
	case p.accept('+'):
		c.possessive = true
	}
	return c, true, nil
}

// braces parses the rest of {m}, {m,}, {,n} or {m,n}.
func (p *parser) braces(start int) (c count, ok bool, err error) {
	back := p.pos
	if p.is('}') {
		return count{}, false, nil
	}
	lo := p.while(len(p.chars), isDigit)
	hi := lo
	if p.accept(',') {
		hi = p.while(len(p.chars), isDigit)
	}
	if !p.accept('}') {
		p.pos = back
		return count{}, false, nil
	}
	c = count{min: 0, max: unlimited}
	if lo != "" {
		c.min = atoi(lo)
	}
	if hi != "" {
		c.max = atoi(hi)
	}
	if c.min > maxRepeat || c.max > maxRepeat {
		return count{}, false, p.fail(start, "the repetition number is too large")
	}
	if c.max != unlimited && c.max < c.min {
		return count{}, false, p.fail(start, "min repeat greater than max repeat")
	}
	return c, true, nil
}

// atoi returns the value of decimal digits, or more than any limit if there are too many.
func atoi(digits string) int {
	n := uint64(0)
	for _, r := range digits {
		n = min(10*n+uint64(r-'0'), maxRepeat+1) //nolint:gosec // a digit
	}
	return int(n)
}

// repeatLast puts the last item under a repeat.
func (p *parser) repeatLast(items []item, c count, start int) error {
	if len(items) == 0 || items[len(items)-1].position {
		return p.fail(start, "nothing to repeat")
	}
	last := &items[len(items)-1]
	if last.repeat {
		return p.fail(start, "multiple repeat")
	}
	last.repeat = true
	last.n = &node{op: opRepeat, subs: []*node{last.n}, min: c.min, max: c.max, lazy: c.lazy}
	if c.possessive {
		last.n = &node{op: opAtomic, subs: []*node{last.n}}
	}
	return nil
}
