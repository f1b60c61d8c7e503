// Package glob matches names against shell patterns.
package glob

import (
	"strings"
	"unicode/utf8"
)

// Glob is a shell pattern as Python's fnmatch.fnmatchcase takes them: * is any text (with slashes), ? any character,
// [a-z] and [!a-z] one of a set, and a [ that is never closed stands for itself. There is no escape and no bad pattern.
type Glob struct {
	pattern string
	tokens  []token
}

type kind uint8

const (
	oneKind  kind = iota // the character from
	anyKind              // any character
	starKind             // any text
	setKind              // one of set
)

type token struct {
	kind    kind
	from    rune
	negated bool
	set     []runeRange
}

type runeRange struct{ from, to rune }

// IsPattern reports whether s can match anything but itself.
func IsPattern(s string) bool { return strings.ContainsAny(s, "*?[") }

// Compile compiles a pattern.
func Compile(pattern string) *Glob {
	g := &Glob{pattern: pattern}
	rest := []rune(pattern)
	for len(rest) > 0 {
		var t token
		t, rest = nextToken(rest)
		if t.kind == starKind && len(g.tokens) > 0 && g.tokens[len(g.tokens)-1].kind == starKind {
			continue
		}
		g.tokens = append(g.tokens, t)
	}
	return g
}

// String returns the pattern.
func (g *Glob) String() string { return g.pattern }

func nextToken(p []rune) (t token, rest []rune) {
	switch p[0] {
	case '*':
		return token{kind: starKind}, p[1:]
	case '?':
		return token{kind: anyKind}, p[1:]
	case '[':
		if end := closingBracket(p); end > 0 {
			return setOf(p[1:end]), p[end+1:]
		}
	}
	return token{kind: oneKind, from: p[0]}, p[1:]
}

// closingBracket returns the index of the ] that closes the set at the beginning of p, or 0. A ] that comes first, or
// first after the !, belongs to the set.
func closingBracket(p []rune) int {
	i := 1
	if i < len(p) && p[i] == '!' {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	for ; i < len(p); i++ {
		if p[i] == ']' {
			return i
		}
	}
	return 0
}

func setOf(p []rune) token {
	t := token{kind: setKind}
	if p[0] == '!' {
		t.negated = true
		p = p[1:]
	}
	for len(p) > 0 {
		if len(p) > 2 && p[1] == '-' {
			t.set = append(t.set, runeRange{p[0], p[2]}) // from > to: holds nothing
			p = p[3:]
			continue
		}
		t.set = append(t.set, runeRange{p[0], p[0]})
		p = p[1:]
	}
	return t
}

func (t *token) matches(r rune) bool {
	switch t.kind {
	case oneKind:
		return r == t.from
	case setKind:
		for _, s := range t.set {
			if s.from <= r && r <= s.to {
				return !t.negated
			}
		}
		return t.negated
	case anyKind, starKind:
	}
	return true
}

// Match reports whether the whole text matches. Going back to the last star alone is enough: an earlier one could only
// take more of what the later one takes anyway. So the time is at most the product of both lengths.
func (g *Glob) Match(text []byte) bool {
	i, k := 0, 0        // what is to be matched next: text[i:] with tokens[k:]
	star, from := -1, 0 // the last star, and where what it does not take begins
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case k < len(g.tokens) && g.tokens[k].kind == starKind:
			star, from = k, i
			k++
		case k < len(g.tokens) && g.tokens[k].matches(r):
			i += n
			k++
		case star >= 0:
			_, n = utf8.DecodeRune(text[from:])
			from += n
			i, k = from, star+1
		default:
			return false
		}
	}
	for k < len(g.tokens) && g.tokens[k].kind == starKind {
		k++
	}
	return k == len(g.tokens)
}
