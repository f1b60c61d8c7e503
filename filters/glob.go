package filters

import "unicode/utf8"

// Glob is a shell pattern as Python's fnmatch.fnmatchcase takes them: * is any text (with slashes), ? any character,
// [a-z] and [!a-z] one of a set, and a [ that is never closed stands for itself. There is no escape and no bad pattern.
type Glob struct {
	pattern string
	tokens  []globToken
}

type globKind uint8

const (
	globOne  globKind = iota // the character from
	globAny                  // any character
	globStar                 // any text
	globSet                  // one of set
)

type globToken struct {
	kind    globKind
	from    rune
	negated bool
	set     []runeRange
}

type runeRange struct{ from, to rune }

// CompileGlob compiles a pattern.
func CompileGlob(pattern string) *Glob {
	g := &Glob{pattern: pattern}
	rest := []rune(pattern)
	for len(rest) > 0 {
		var t globToken
		t, rest = nextGlobToken(rest)
		if t.kind == globStar && len(g.tokens) > 0 && g.tokens[len(g.tokens)-1].kind == globStar {
			continue
		}
		g.tokens = append(g.tokens, t)
	}
	return g
}

// String returns the pattern.
func (g *Glob) String() string { return g.pattern }

func nextGlobToken(p []rune) (t globToken, rest []rune) {
	switch p[0] {
	case '*':
		return globToken{kind: globStar}, p[1:]
	case '?':
		return globToken{kind: globAny}, p[1:]
	case '[':
		if end := closingBracket(p); end > 0 {
			return globSetOf(p[1:end]), p[end+1:]
		}
	}
	return globToken{kind: globOne, from: p[0]}, p[1:]
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

func globSetOf(p []rune) globToken {
	t := globToken{kind: globSet}
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

func (t *globToken) matches(r rune) bool {
	switch t.kind {
	case globOne:
		return r == t.from
	case globSet:
		for _, s := range t.set {
			if s.from <= r && r <= s.to {
				return !t.negated
			}
		}
		return t.negated
	case globAny, globStar:
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
		case k < len(g.tokens) && g.tokens[k].kind == globStar:
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
	for k < len(g.tokens) && g.tokens[k].kind == globStar {
		k++
	}
	return k == len(g.tokens)
}
