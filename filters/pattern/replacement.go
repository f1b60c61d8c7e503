package pattern

import "unicode/utf8"

// Replacement is a compiled replacement template. It belongs to the pattern that it was compiled for and may be used
// concurrently.
type Replacement struct {
	parts  []replacementPart
	groups int // how many groups it needs, the whole match included
}

// replacementPart is some text and then what a group matched.
type replacementPart struct {
	text  []byte
	group int // -1: none
}

// CompileReplacement compiles a template as Python's re.sub takes it: \1 and \g<1> stand for groups by number, \g<name>
// by name, \n and its like for control characters, \\ for a backslash. Its error is a *SyntaxError.
func CompileReplacement(p *Pattern, template string) (*Replacement, error) {
	c := &templateCompiler{
		scanner: scanner{chars: []rune(template), what: "replacement"},
		names:   p.names,
		out:     &Replacement{groups: 1},
	}
	if err := c.trailing(); err != nil {
		return nil, err
	}
	for {
		start := c.pos
		t, ok := c.peek()
		if !ok {
			break
		}
		c.take(t)
		if !t.escaped {
			c.text = utf8.AppendRune(c.text, t.r)
			continue
		}
		if err := c.escape(t.r, start); err != nil {
			return nil, err
		}
	}
	c.flush(-1)
	return c.out, nil
}

type templateCompiler struct {
	scanner
	names []string
	text  []byte
	out   *Replacement
}

// flush ends a part.
func (c *templateCompiler) flush(group int) {
	if len(c.text) > 0 || group >= 0 {
		c.out.parts = append(c.out.parts, replacementPart{text: c.text, group: group})
		c.out.groups = max(c.out.groups, group+1)
	}
	c.text = nil
}

func (c *templateCompiler) group(n, start int) error {
	if n >= len(c.names) {
		return c.fail(start, "invalid group reference %d", n)
	}
	c.flush(n)
	return nil
}

func (c *templateCompiler) escape(r rune, start int) error {
	switch {
	case r == 'g':
		return c.named(start)
	case r == '0':
		v, err := c.octal("0"+c.while(2, isOctal), start)
		c.text = utf8.AppendRune(c.text, v)
		return err
	case isDigit(r):
		return c.numbered(r, start)
	}
	if v, ok := simpleEscape(r); ok {
		c.text = utf8.AppendRune(c.text, v)
		return nil
	}
	if isASCIILetter(r) {
		return c.fail(start, `bad escape \%c`, r)
	}
	c.text = utf8.AppendRune(append(c.text, '\\'), r)
	return nil
}

// named parses \g<...> from the bracket on.
func (c *templateCompiler) named(start int) error {
	if !c.accept('<') {
		return c.fail(start, "missing <")
	}
	at := c.pos
	name, err := c.until('>', "group name")
	if err != nil {
		return err
	}
	if isIdentifier(name) {
		for i, n := range c.names {
			if n == name {
				return c.group(i, at)
			}
		}
		return c.fail(at, "unknown group name %q", name)
	}
	for _, r := range name {
		if !isDigit(r) {
			return c.fail(at, "bad character in group name %q", name)
		}
	}
	return c.group(atoi(name), at)
}

// numbered parses \1 to \99, groups, and \100 to \377, characters in octal.
func (c *templateCompiler) numbered(first rune, start int) error {
	digits := string(first) + c.while(1, isDigit)
	if len(digits) == 2 && isOctal(first) && isOctal(rune(digits[1])) {
		if third := c.while(1, isOctal); third != "" {
			v, err := c.octal(digits+third, start)
			c.text = utf8.AppendRune(c.text, v)
			return err
		}
	}
	return c.group(atoi(digits), start)
}

// append appends the template, filled in for a match.
func (r *Replacement) append(dst, src []byte, loc []int) []byte {
	for i := range r.parts {
		part := &r.parts[i]
		dst = append(dst, part.text...)
		if part.group >= 0 && loc[2*part.group] >= 0 {
			dst = append(dst, src[loc[2*part.group]:loc[2*part.group+1]]...)
		}
	}
	return dst
}

// pieces appends the pieces of what append appends.
func (r *Replacement) pieces(dst []Piece, loc []int) []Piece {
	for i := range r.parts {
		part := &r.parts[i]
		if len(part.text) > 0 {
			dst = append(dst, Piece{Text: part.text})
		}
		if part.group >= 0 && loc[2*part.group] >= 0 {
			dst = append(dst, Piece{Start: loc[2*part.group], End: loc[2*part.group+1]})
		}
	}
	return dst
}
