package pattern

import (
	"slices"
	"strconv"
	"unicode"
)

// escape parses what a backslash outside a class stands for; start is where the backslash is.
func (p *parser) escape(t token, start int, f flags) (item, error) {
	ascii := f&asciiOnly != 0
	switch t.r {
	case 'A':
		return item{n: &node{op: opAssert, at: textStart}, position: true}, nil
	case 'Z':
		return item{n: &node{op: opAssert, at: textEnd}, position: true}, nil
	case 'b', 'B':
		at := wordEdge
		switch {
		case t.r == 'b' && ascii:
			at = asciiEdge
		case t.r == 'B' && ascii:
			at = noASCIIEdge
		case t.r == 'B':
			at = noWordEdge
		}
		return item{n: &node{op: opAssert, at: at}, position: true}, nil
	}
	if set, ok := category(t.r, ascii); ok {
		return item{n: &node{op: opSet, set: set}}, nil
	}
	if isDigit(t.r) && t.r != '0' {
		return p.backslashDigit(t, start, f)
	}
	r, err := p.escapedChar(t, start)
	if err != nil {
		return item{}, err
	}
	return item{n: literal(r, f)}, nil
}

// category returns the set that \d, \s, \w and their opposites stand for.
func category(r rune, ascii bool) (runeSet, bool) {
	switch r {
	case 'd':
		return digitSet(ascii), true
	case 'D':
		return digitSet(ascii).complement(), true
	case 's':
		return spaceSet(ascii), true
	case 'S':
		return spaceSet(ascii).complement(), true
	case 'w':
		return wordSet(ascii), true
	case 'W':
		return wordSet(ascii).complement(), true
	}
	return nil, false
}

// backslashDigit parses \1 to \99, references to a group, and \100 to \377, characters in octal.
func (p *parser) backslashDigit(t token, start int, f flags) (item, error) {
	digits := string(t.r)
	if p.pos < len(p.chars) && isDigit(p.chars[p.pos]) {
		digits += string(p.chars[p.pos])
		p.pos++
		if isOctal(t.r) && isOctal(rune(digits[1])) && p.pos < len(p.chars) && isOctal(p.chars[p.pos]) {
			digits += string(p.chars[p.pos])
			p.pos++
			r, err := p.octal(digits, start)
			return item{n: literal(r, f)}, err
		}
	}
	n, err := p.reference(atoi(digits), start, f)
	return item{n: n}, err
}

// reference returns a reference to what a group matched.
func (p *parser) reference(group, start int, f flags) (*node, error) {
	if group >= len(p.names) {
		return nil, p.fail(start+1, "invalid group reference %d", group)
	}
	if p.widths[group] == nil {
		return nil, p.fail(start, "cannot refer to an open group")
	}
	if err := p.checkLookbehindGroup(group, start); err != nil {
		return nil, err
	}
	return &node{op: opBackref, group: group, fold: f&ignoreCase != 0}, nil
}

func (p *parser) checkLookbehindGroup(group, start int) error {
	if p.behindFrom > 0 && group >= p.behindFrom {
		return p.fail(start, "cannot refer to group defined in the same lookbehind subpattern")
	}
	return nil
}

// octal returns the character with an octal number.
func (s *scanner) octal(digits string, start int) (rune, error) {
	n, err := strconv.ParseUint(digits, 8, 32)
	if err != nil || n > 0o377 {
		return 0, s.fail(start, `octal escape value \%s outside of range 0-0o377`, digits)
	}
	return rune(n), nil
}

// simpleEscape returns the control character that \a, \n and their like stand for.
func simpleEscape(r rune) (rune, bool) {
	switch r {
	case 'a':
		return '\a', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'v':
		return '\v', true
	case '\\':
		return '\\', true
	}
	return 0, false
}

// escapedChar parses an escape that stands for one character, \b being a backspace. t has been taken.
func (p *parser) escapedChar(t token, start int) (rune, error) {
	if r, ok := simpleEscape(t.r); ok {
		return r, nil
	}
	switch {
	case t.r == 'x':
		return p.hex('x', 2, start)
	case t.r == 'u':
		return p.hex('u', 4, start)
	case t.r == 'U':
		return p.hex('U', 8, start)
	case t.r == 'N':
		return 0, p.fail(start, `\N{...}, a character by its name, is not supported: write it as \uXXXX`)
	case isOctal(t.r):
		return p.octal(string(t.r)+p.while(2, isOctal), start)
	case isDigit(t.r), isASCIILetter(t.r):
		return 0, p.fail(start, `bad escape \%c`, t.r)
	}
	return t.r, nil
}

// hex parses a character as exactly n hexadecimal digits.
func (p *parser) hex(letter rune, n, start int) (rune, error) {
	digits := p.while(n, isHex)
	if len(digits) != n {
		return 0, p.fail(start, `incomplete escape \%c%s`, letter, digits)
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || v > unicode.MaxRune {
		return 0, p.fail(start, `bad escape \%c%s`, letter, digits)
	}
	return rune(v), nil
}

// class parses [...]; start is where the bracket is.
func (p *parser) class(start int, f flags) (*node, error) {
	negate := p.accept('^')
	var chars, categories []rune // pairs of bounds; case is ignored in chars only
	for first := true; ; first = false {
		t, ok := p.peek()
		if !ok {
			return nil, p.fail(start, "unterminated character set")
		}
		if t.r == ']' && !t.escaped && !first {
			p.take(t)
			break
		}
		from := p.pos
		lo, set, err := p.classAtom(t, f)
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.is('-') && !p.endsClass(p.pos+1) {
			p.pos++
			t, ok := p.peek()
			if !ok {
				return nil, p.fail(start, "unterminated character set")
			}
			var to runeSet
			if hi, to, err = p.classAtom(t, f); err != nil {
				return nil, err
			}
			if set != nil || to != nil || hi < lo {
				return nil, p.fail(from, "bad character range %s", string(p.chars[from:p.pos]))
			}
		}
		if set != nil {
			categories = append(categories, set...)
		} else {
			chars = append(chars, lo, hi)
		}
	}
	if f&ignoreCase != 0 {
		chars = withCase(chars, f&asciiOnly != 0)
	}
	set := normalize(slices.Concat(chars, categories))
	if negate {
		set = set.complement()
	}
	return &node{op: opSet, set: set}, nil
}

func (p *parser) endsClass(pos int) bool { return pos < len(p.chars) && p.chars[pos] == ']' }

// classAtom takes a character of a class, or a category, which it returns as a set.
func (p *parser) classAtom(t token, f flags) (rune, runeSet, error) {
	start := p.pos
	p.take(t)
	if !t.escaped {
		return t.r, nil, nil
	}
	if set, ok := category(t.r, f&asciiOnly != 0); ok {
		return 0, set, nil
	}
	r, err := p.escapedChar(t, start)
	return r, nil, err
}
