package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// maxDepth bounds how deep objects and lists are nested, so that no file exhausts the stack.
const maxDepth = 100

// Parse parses a file. The Object is never nil; where the file is no JSON object it is empty and the Report says why.
func Parse(file string, src []byte) (*Object, *Report) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	r := newReport(file, src)
	empty := &Object{Value{n: &node{kind: KindObject}, r: r}}
	root, err := parse(src)
	if err != nil {
		r.add(err.offset, "", false, err.text(r))
		return empty, r
	}
	n := convert(root)
	v := Value{n: n, r: r}
	if n.kind != KindObject {
		v.Errorf("must be an object, { … }, not %s", n.kind)
		return empty, r
	}
	v.dropDuplicates()
	return &Object{v}, r
}

// syntaxError says what was expected at an offset; opened is the offset of what is still open there, or -1.
type syntaxError struct {
	offset int
	what   string
	opened int
}

func (e *syntaxError) text(r *Report) string {
	if e.opened < 0 {
		return e.what
	}
	return fmt.Sprintf("%s; the %q of line %d is not closed", e.what, r.src[e.opened], r.line(e.opened))
}

func parse(src []byte) (hujson.Value, *syntaxError) {
	if !utf8.Valid(src) {
		return hujson.Value{}, &syntaxError{invalidUTF8(src), "is not UTF-8", -1}
	}
	scan := scanBrackets(src)
	if scan.tooDeep >= 0 {
		return hujson.Value{}, &syntaxError{scan.tooDeep, fmt.Sprintf("nested deeper than %d levels", maxDepth), -1}
	}
	// The line break ends a comment in the last line, which hujson would miss.
	v, err := hujson.Parse(append(bytes.Clone(src), '\n'))
	if err != nil {
		return v, explain(src, scan, err)
	}
	return v, nil
}

func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		c, size := utf8.DecodeRune(src[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(src)
}

var hujsonPlace = regexp.MustCompile(`^hujson: line (\d+), column (\d+): `)

// explain turns hujson's error into one that says what was expected. It never quotes more than a word of the file: it
// could be a secret.
func explain(src []byte, scan brackets, err error) *syntaxError {
	offset := offsetOf(src, err.Error())
	what := err.Error()
	if m := hujsonPlace.FindString(what); m != "" {
		what = what[len(m):]
	}
	want := expected(what)
	switch {
	case want == aValue && keyExpected(src[:offset]):
		want = aKey
	case want == aValue && scan.last == 0:
		want = anObject
	}
	switch {
	case scan.openString >= 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return &syntaxError{scan.openString, "the string that begins here has no closing quote", -1}
	case scan.openComment >= 0 && errors.Is(err, io.ErrUnexpectedEOF):
		return &syntaxError{scan.openComment, "the comment that begins here is not closed with */", -1}
	case errors.Is(err, io.ErrUnexpectedEOF) && scan.opened >= 0:
		return &syntaxError{offset, "the file ends here, expected " + want, scan.opened}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &syntaxError{offset, "the file ends here, expected " + want, -1}
	case strings.HasPrefix(what, "invalid literal") && want == aKey:
		return &syntaxError{offset, "expected " + aKey, -1}
	case strings.HasPrefix(what, "invalid literal"):
		at, text := badLiteral(src, offset)
		return &syntaxError{at, text, -1}
	}
	c, _ := utf8.DecodeRune(src[min(offset, len(src)):])
	text := fmt.Sprintf("unexpected %s, expected %s", strconv.QuoteRune(c), want)
	if c == '#' {
		text += "; comments begin with //"
	}
	return &syntaxError{offset, text, -1}
}

func offsetOf(src []byte, text string) int {
	m := hujsonPlace.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	offset := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(src[offset:], '\n')
		if i < 0 {
			return len(src)
		}
		offset += i + 1
	}
	return min(offset+column-1, len(src))
}

const (
	aKey     = "a key in double quotes"
	aValue   = "a value"
	anObject = "an object, { … }"
)

// keyExpected reports whether a key is what may follow src.
func keyExpected(src []byte) bool {
	scan := scanBrackets(src)
	return scan.opened >= 0 && src[scan.opened] == '{' && (scan.last == '{' || scan.last == ',')
}

// expected picks out of hujson's message what would have been right.
func expected(hujsonText string) string {
	for _, e := range []struct{ in, out string }{
		{"at start of object name", aKey},
		{"object after name", "':'"},
		{"after object name", "':'"},
		{"object after value", "',' or '}'"},
		{"after object value", "',' or '}'"},
		{"array after value", "',' or ']'"},
		{"after array value", "',' or ']'"},
		{"after top-level value", "nothing more"},
		{"in line comment", "a line break"},
		{"comment", "a comment"},
	} {
		if strings.Contains(hujsonText, e.in) {
			return e.out
		}
	}
	return aValue
}

// badLiteral says what is wrong with the string or word at offset, and where.
func badLiteral(src []byte, offset int) (at int, text string) {
	if src[offset] != '"' {
		word := src[offset:]
		if end := bytes.IndexFunc(word, func(c rune) bool { return !strings.ContainsRune("+-._", c) && !isAlnum(c) }); end >= 0 {
			word = word[:end]
		}
		if len(word) > 0 && (word[0] == '-' || word[0] == '+' || word[0] == '.' || (word[0] >= '0' && word[0] <= '9')) {
			return offset, "is not a number as JSON has them"
		}
		switch lower := strings.ToLower(string(word)); lower {
		case "true", "false", "null":
			return offset, fmt.Sprintf("expected %s in lower-case letters", lower)
		case "none":
			return offset, "expected null"
		}
		return offset, "expected a value: text must be in double quotes"
	}
	for i := offset + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\n':
			return offset, "the string that begins here has no closing quote in its line"
		case c < ' ':
			return i, fmt.Sprintf(`a control character in a string must be written as \u%04x`, c)
		case c == '\\' && i+1 < len(src):
			if !strings.ContainsRune(`"\/bfnrt`, rune(src[i+1])) && !validUnicodeEscape(src[i+1:]) {
				return i, `a backslash in a string must be doubled (\\) unless it begins one of \" \\ \/ \b \f \n \r \t \u0000`
			}
			i++
		case c == '"':
			return offset, "is not a string as JSON has them"
		}
	}
	return offset, "is not a string as JSON has them"
}

func validUnicodeEscape(b []byte) bool {
	if len(b) < 5 || b[0] != 'u' {
		return false
	}
	_, err := strconv.ParseUint(string(b[1:5]), 16, 16)
	return err == nil
}

func isAlnum(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// brackets is what a pass over a file without understanding it finds; every offset is -1 where there is none.
type brackets struct {
	opened      int  // offset of the innermost bracket that is not closed
	openString  int  // of a string without end
	openComment int  // of a comment without end
	tooDeep     int  // of the bracket that is one too many
	last        byte // the last byte that is neither white space nor comment
}

func scanBrackets(src []byte) brackets {
	found := brackets{-1, -1, -1, -1, 0}
	var open []int
	for i := 0; i < len(src); i++ {
		if c := src[i]; c > ' ' && c != '/' {
			found.last = c
		}
		switch src[i] {
		case '"':
			end := stringEnd(src, i)
			if end < 0 {
				found.openString = i
				end = len(src)
			}
			i = end
		case '/':
			end := commentEnd(src, i)
			if end < 0 {
				found.openComment = i
				end = len(src)
			}
			i = end
		case '{', '[':
			open = append(open, i)
			if len(open) > maxDepth {
				found.tooDeep = i
				return found
			}
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		}
	}
	if len(open) > 0 {
		found.opened = open[len(open)-1]
	}
	return found
}

// stringEnd returns the offset of the quote that closes the string at start, or -1.
func stringEnd(src []byte, start int) int {
	for i := start + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// commentEnd returns the offset of the last byte of the comment at start, or -1; start itself when there is no comment.
func commentEnd(src []byte, start int) int {
	var end string
	switch rest := src[start:]; {
	case bytes.HasPrefix(rest, []byte("//")):
		end = "\n"
	case bytes.HasPrefix(rest, []byte("/*")):
		end = "*/"
	default:
		return start
	}
	i := bytes.Index(src[start+2:], []byte(end))
	switch {
	case i >= 0:
		return start + 2 + i + len(end) - 1
	case end == "\n":
		return len(src)
	}
	return -1
}

// convert turns the syntax tree into ours, which has decoded strings and no comments.
func convert(h hujson.Value) *node {
	n := &node{offset: h.StartOffset}
	switch t := h.Value.(type) {
	case *hujson.Object:
		n.kind = KindObject
		for _, m := range t.Members {
			name := convert(m.Name) // a string: hujson lets nothing else be a name
			n.members = append(n.members, member{key: name.text, offset: name.offset, value: convert(m.Value)})
		}
	case *hujson.Array:
		n.kind = KindList
		for _, e := range t.Elements {
			n.elems = append(n.elems, convert(e))
		}
	case hujson.Literal:
		n.text = string(t)
		switch t.Kind() {
		case '"':
			n.kind, n.text = KindString, t.String()
		case '0':
			n.kind = KindNumber
		case 't', 'f':
			n.kind = KindBool
		default:
			n.kind = KindNull
		}
	}
	return n
}
