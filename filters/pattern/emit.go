package pattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// dialect writes the parts of a pattern for one engine.
type dialect struct {
	set     func(b *strings.Builder, s runeSet) error
	assert  func(b *strings.Builder, at place) error
	repeat  func(e *emitter, n *node) error
	capture func(b *strings.Builder, group int)
	// beyond writes what is not regular.
	beyond func(e *emitter, n *node) error
}

// emitter writes a tree as a pattern of another engine.
type emitter struct {
	strings.Builder
	dialect
}

// errNotInDialect says that an engine has no word for a part of the pattern, so that another one must be used.
var errNotInDialect = errors.New("not in this dialect")

func emit(n *node, d dialect) (string, error) {
	e := &emitter{dialect: d}
	if err := e.node(n); err != nil {
		return "", err
	}
	return e.String(), nil
}

func (e *emitter) node(n *node) error {
	switch n.op {
	case opEmpty:
		e.WriteString("(?:)")
		return nil
	case opSet:
		return e.set(&e.Builder, n.set)
	case opConcat:
		for _, s := range n.subs {
			if err := e.part(s); err != nil {
				return err
			}
		}
		return nil
	case opAlternate:
		return e.alternate(n.subs)
	case opRepeat:
		return e.repeat(e, n)
	case opCapture:
		e.capture(&e.Builder, n.group)
		return e.closed(n.subs[0])
	case opAssert:
		return e.assert(&e.Builder, n.at)
	default:
		return e.beyond(e, n)
	}
}

// alternate writes subs with bars between them.
func (e *emitter) alternate(subs []*node) error {
	for i, s := range subs {
		if i > 0 {
			e.WriteByte('|')
		}
		if err := e.node(s); err != nil {
			return err
		}
	}
	return nil
}

// part writes n as a part of a sequence.
func (e *emitter) part(n *node) error {
	if n.op == opAlternate {
		return e.wrapped(n)
	}
	return e.node(n)
}

// atom writes n so that a quantifier after it repeats all of it.
func (e *emitter) atom(n *node) error {
	if n.op == opSet || n.op == opCapture {
		return e.node(n)
	}
	return e.wrapped(n)
}

func (e *emitter) wrapped(n *node) error {
	e.WriteString("(?:")
	return e.closed(n)
}

// closed writes n and the parenthesis after it.
func (e *emitter) closed(n *node) error {
	if err := e.node(n); err != nil {
		return err
	}
	e.WriteByte(')')
	return nil
}

// quantifier writes a repeat's count.
func (e *emitter) quantifier(minimum, maximum int, lazy bool) {
	switch {
	case minimum == 0 && maximum == unlimited:
		e.WriteByte('*')
	case minimum == 1 && maximum == unlimited:
		e.WriteByte('+')
	case minimum == 0 && maximum == 1:
		e.WriteByte('?')
	case maximum == unlimited:
		fmt.Fprintf(e, "{%d,}", minimum)
	case minimum == maximum:
		fmt.Fprintf(e, "{%d}", minimum)
	default:
		fmt.Fprintf(e, "{%d,%d}", minimum, maximum)
	}
	if lazy {
		e.WriteByte('?')
	}
}

// writeRune writes a character of a set or a literal so that no engine takes it for anything else.
func writeRune(b *strings.Builder, r rune) {
	if isDigit(r) || isASCIILetter(r) {
		b.WriteRune(r)
		return
	}
	fmt.Fprintf(b, `\x{%X}`, r)
}

func writeSet(b *strings.Builder, s runeSet) {
	if r, ok := s.single(); ok {
		writeRune(b, r)
		return
	}
	b.WriteByte('[')
	for i := 0; i < len(s); i += 2 {
		writeRune(b, s[i])
		if s[i+1] > s[i] {
			b.WriteByte('-')
			writeRune(b, s[i+1])
		}
	}
	b.WriteByte(']')
}

// The dialects of package regexp. Both are meant for texts that don't end in a newline (see textEndNL); the ASCII one
// is right for ASCII texts only, for which it makes smaller and faster programs.
func re2ASCII() dialect {
	return re2(unicode.MaxASCII, func(at place) (string, bool) {
		if at == wordEdge {
			return `\b`, true
		}
		return `\B`, at == noWordEdge
	})
}

func re2Full() dialect {
	return re2(unicode.MaxRune, func(place) (string, bool) { return "", false })
}

func re2(maxRune rune, edges func(place) (string, bool)) dialect {
	return dialect{
		set: func(b *strings.Builder, s runeSet) error {
			if maxRune == unicode.MaxASCII {
				s = s.ascii()
			}
			switch {
			case len(s) == 0:
				b.WriteString(`[^\x00-\x{10FFFF}]`)
			case len(s) == 2 && s[0] == 0 && s[1] == maxRune:
				b.WriteString("(?s:.)")
			case len(s) == 4 && s[0] == 0 && s[1] == '\n'-1 && s[2] == '\n'+1 && s[3] == maxRune:
				b.WriteByte('.')
			default:
				writeSet(b, s)
			}
			return nil
		},
		assert: func(b *strings.Builder, at place) error {
			word, ok := map[place]string{
				textStart: `\A`, textEnd: `\z`, textEndNL: `\z`, lineStart: `(?m:^)`, lineEnd: `(?m:$)`,
				asciiEdge: `\b`, noASCIIEdge: `\B`,
			}[at]
			if !ok {
				if word, ok = edges(at); !ok {
					return errNotInDialect
				}
			}
			b.WriteString(word)
			return nil
		},
		repeat:  re2Repeat,
		capture: func(b *strings.Builder, _ int) { b.WriteByte('(') },
		beyond:  func(*emitter, *node) error { return errNotInDialect },
	}
}

// maxRE2Repeat is the largest count that package regexp takes.
const maxRE2Repeat = 1000

// re2Repeat writes a repeat; one over the limit as several repeats one after the other.
func re2Repeat(e *emitter, n *node) error {
	if n.min <= maxRE2Repeat && n.max <= maxRE2Repeat {
		if err := e.atom(n.subs[0]); err != nil {
			return err
		}
		e.quantifier(n.min, n.max, n.lazy)
		return nil
	}
	const most = 20 * maxRE2Repeat
	if n.min > most || n.max > most || n.has(opCapture) {
		return errNotInDialect
	}
	for rest := n.min; rest > 0; rest -= maxRE2Repeat {
		if err := e.atom(n.subs[0]); err != nil {
			return err
		}
		e.quantifier(min(rest, maxRE2Repeat), min(rest, maxRE2Repeat), n.lazy)
	}
	if n.max == unlimited {
		if err := e.atom(n.subs[0]); err != nil {
			return err
		}
		e.quantifier(0, unlimited, n.lazy)
		return nil
	}
	for rest := n.max - n.min; rest > 0; rest -= maxRE2Repeat {
		if err := e.atom(n.subs[0]); err != nil {
			return err
		}
		e.quantifier(0, min(rest, maxRE2Repeat), n.lazy)
	}
	return nil
}

// has reports whether n or anything below it is of kind o.
func (n *node) has(o op) bool {
	found := false
	n.walk(func(m *node) { found = found || m.op == o })
	return found
}

// backtracking is the dialect of regexp2, which is .NET's. spare is the number of a group that the pattern does not have.
func backtracking(spare int) dialect {
	const word = `[\p{L}\p{N}_]`
	const asciiWord = `[0-9A-Za-z_]`
	edge := func(w string) string { return `(?:(?<=` + w + `)(?!` + w + `)|(?<!` + w + `)(?=` + w + `))` }
	noEdge := func(w string) string {
		// Python's \B does not match in an empty text.
		return `(?:(?<=` + w + `)(?=` + w + `)|(?!\A\z)(?<!` + w + `)(?!` + w + `))`
	}
	asserts := map[place]string{
		textStart: `\A`, textEnd: `\z`, textEndNL: `(?=\n?\z)`, lineStart: `(?m:^)`, lineEnd: `(?m:$)`,
		wordEdge: edge(word), noWordEdge: noEdge(word), asciiEdge: edge(asciiWord), noASCIIEdge: noEdge(asciiWord),
	}
	return dialect{
		set: func(b *strings.Builder, s runeSet) error {
			if len(s) == 0 {
				b.WriteString("(?!)")
				return nil
			}
			writeSet(b, s)
			return nil
		},
		assert: func(b *strings.Builder, at place) error {
			b.WriteString(asserts[at])
			return nil
		},
		repeat: func(e *emitter, n *node) error {
			body := n.subs[0]
			if body.has(opAtomic) {
				// regexp2 2.12 does not go back before a repeated atomic group, (?:(?>a))?a never matches "a"; inside
				// another group it does.
				body = &node{op: opCapture, group: spare, subs: n.subs}
			}
			if err := e.atom(body); err != nil {
				return err
			}
			e.quantifier(n.min, n.max, n.lazy)
			return nil
		},
		capture: func(b *strings.Builder, group int) { fmt.Fprintf(b, "(?<%d>", group) },
		beyond:  backtrackingBeyond,
	}
}

func backtrackingBeyond(e *emitter, n *node) error {
	switch n.op {
	case opAtomic:
		e.WriteString("(?>")
		return e.closed(n.subs[0])
	case opLook:
		e.WriteString("(?")
		if n.behind {
			e.WriteByte('<')
		}
		if n.negate {
			e.WriteByte('!')
		} else {
			e.WriteByte('=')
		}
		return e.closed(n.subs[0])
	case opBackref:
		if n.fold {
			fmt.Fprintf(e, `(?i:\k<%d>)`, n.group)
		} else {
			fmt.Fprintf(e, `\k<%d>`, n.group)
		}
		return nil
	case opConditional:
		fmt.Fprintf(e, "(?(%d)", n.group)
		if err := e.part(n.subs[0]); err != nil {
			return err
		}
		e.WriteByte('|')
		if err := e.part(n.subs[1]); err != nil {
			return err
		}
		e.WriteByte(')')
		return nil
	case opEmpty, opSet, opConcat, opAlternate, opRepeat, opCapture, opAssert: // see emitter.node
	}
	return errNotInDialect
}
