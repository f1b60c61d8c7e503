package pattern

import (
	"fmt"
	"unicode"
)

// scanner hands out characters; a backslash and what follows it are one token.
type scanner struct {
	chars []rune
	pos   int
	what  string // for messages: what is being scanned
}

// token is a character, or an escape: a backslash with it.
type token struct {
	r       rune
	escaped bool
}

func (s *scanner) fail(pos int, format string, args ...any) error {
	return &SyntaxError{Msg: fmt.Sprintf(format, args...), Offset: pos}
}

// peek returns the next token without taking it; ok is false at the end.
func (s *scanner) peek() (t token, ok bool) {
	switch {
	case s.pos >= len(s.chars):
		return token{}, false
	case s.chars[s.pos] != '\\':
		return token{r: s.chars[s.pos]}, true
	case s.pos+1 < len(s.chars):
		return token{r: s.chars[s.pos+1], escaped: true}, true
	default:
		return token{r: '\\', escaped: true}, true // alone at the end: trailing says so
	}
}

// take takes the token that peek returned.
func (s *scanner) take(t token) {
	s.pos++
	if t.escaped {
		s.pos++
	}
}

// trailing is the error of a pattern that ends in a backslash which escapes nothing.
func (s *scanner) trailing() error {
	i := 0
	for i < len(s.chars) && (s.chars[i] != '\\' || i+1 < len(s.chars)) {
		if s.chars[i] == '\\' {
			i++
		}
		i++
	}
	if i < len(s.chars) {
		return s.fail(i, "bad escape (end of %s)", s.what)
	}
	return nil
}

// accept takes the next character if it is r.
func (s *scanner) accept(r rune) bool {
	if s.is(r) {
		s.pos++
		return true
	}
	return false
}

// is reports whether the next character is r.
func (s *scanner) is(r rune) bool { return s.pos < len(s.chars) && s.chars[s.pos] == r }

// until takes everything up to end, and end, and returns what was before it.
func (s *scanner) until(end rune, name string) (string, error) {
	start := s.pos
	for {
		t, ok := s.peek()
		switch {
		case !ok && s.pos == start:
			return "", s.fail(s.pos, "missing %s", name)
		case !ok:
			return "", s.fail(start, "missing %c, unterminated name", end)
		}
		s.take(t)
		if t.r == end && !t.escaped {
			if s.pos == start+1 {
				return "", s.fail(start, "missing %s", name)
			}
			return string(s.chars[start : s.pos-1]), nil
		}
	}
}

// while takes at most n characters of which in is true.
func (s *scanner) while(n int, in func(rune) bool) string {
	start := s.pos
	for s.pos < len(s.chars) && s.pos-start < n && in(s.chars[s.pos]) {
		s.pos++
	}
	return string(s.chars[start:s.pos])
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
func isOctal(r rune) bool { return '0' <= r && r <= '7' }
func isHex(r rune) bool   { return isDigit(r) || 'a' <= r|0x20 && r|0x20 <= 'f' }
func isASCIILetter(r rune) bool {
	return 'a' <= r|0x20 && r|0x20 <= 'z'
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r) {
			continue
		}
		if i == 0 || !unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc) {
			return false
		}
	}
	return s != ""
}
