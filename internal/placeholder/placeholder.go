// Package placeholder makes names, such as those of files and indices, out of a template and an entry: strftime's %
// directives stand for the entry's time in UTC, {FIELD} for the value of one of its fields.
package placeholder

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lestrrat-go/strftime"

	"journalpump/pump"
)

// Template is a parsed template. It is immutable.
type Template struct {
	parts  []part
	fields int
}

// part is one of: plain text, a format for the time, the name of a field.
type part struct {
	text  string
	time  *strftime.Strftime
	field string
}

// Parse parses a template. "%%", "{{" and "}}" stand for the characters themselves. {MESSAGE} is refused: there would
// be a name for every message.
func Parse(template string) (*Template, error) {
	t := &Template{}
	var text strings.Builder // up to the next field
	rest := template
	for rest != "" {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			i = len(rest)
		}
		text.WriteString(rest[:i])
		rest = rest[i:]
		switch {
		case rest == "":
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			text.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '}':
			return nil, errors.New(`a "}" without its "{" (write "}}" for the character itself)`)
		default:
			name, after, found := strings.Cut(rest[1:], "}")
			if !found {
				return nil, errors.New(`a "{" without its "}" (write "{{" for the character itself)`)
			}
			if err := t.addText(text.String()); err != nil {
				return nil, err
			}
			text.Reset()
			if err := t.addField(name); err != nil {
				return nil, err
			}
			rest = after
		}
	}
	if err := t.addText(text.String()); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Template) addText(text string) error {
	if text == "" {
		return nil
	}
	for text != "" {
		plain, rest, _ := strings.Cut(text, "%")
		if plain != "" {
			t.parts = append(t.parts, part{text: plain})
		}
		if text = text[len(plain):]; text == "" {
			return nil
		}
		// One directive at a time: package strftime makes one layout of package time out of text and directives side by side,
		// in which "P%a" becomes "PMon", an AM or PM and "on".
		_, size := utf8.DecodeRuneInString(rest) // 0 at the end
		n := 1 + size
		f, err := strftime.New(text[:n])
		if err != nil {
			if n == 1 {
				return errors.New(`a "%" with nothing after it (write "%%" for the character itself)`)
			}
			return fmt.Errorf("%q is no directive of strftime; \"%%%%\" is the character itself", text[:n])
		}
		t.parts = append(t.parts, part{time: f})
		text = text[n:]
	}
	return nil
}

func (t *Template) addField(name string) error {
	field := strings.TrimLeft(name, "_") // as senders see them
	if field == "" || strings.ContainsFunc(field, notInName) {
		return fmt.Errorf("{%s} is not the name of a field", name)
	}
	if field == "MESSAGE" {
		return errors.New("{MESSAGE} is not allowed: there would be a name for every message")
	}
	t.parts = append(t.parts, part{field: field})
	t.fields++
	return nil
}

func notInName(r rune) bool {
	return !(r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
}

// Fields returns how many placeholders for fields there are.
func (t *Template) Fields() int { return t.fields }

// Static returns the text when it is the same for every entry.
func (t *Template) Static() (text string, ok bool) {
	var all strings.Builder
	for _, p := range t.parts {
		if p.time != nil || p.field != "" {
			return "", false
		}
		all.WriteString(p.text)
	}
	return all.String(), true
}

// Prefix returns the text before the first thing that depends on the entry.
func (t *Template) Prefix() string {
	prefix := ""
	for _, p := range t.parts {
		if p.field != "" {
			break
		}
		if p.time != nil {
			before, _, _ := strings.Cut(p.time.Pattern(), "%")
			return prefix + before
		}
		prefix += p.text
	}
	return prefix
}

// Value appends a field's value to b in a form that is safe there; ok is false when the entry doesn't have the field.
type Value func(b, value []byte, ok bool) []byte

// Expander fills in a template. It is used by one goroutine at a time and doesn't allocate.
type Expander struct {
	template *Template
	value    Value
	second   int64    // that times are of
	times    [][]byte // the parts that are times, formatted
}

// Expander returns an Expander that puts in field values by way of value.
func (t *Template) Expander(value Value) *Expander {
	return &Expander{template: t, value: value, second: -1 << 63, times: make([][]byte, len(t.parts))}
}

// Append appends the name for r to b.
func (e *Expander) Append(b []byte, r *pump.Record) []byte {
	second := r.Time().Unix()
	for i, p := range e.template.parts {
		switch {
		case p.field != "":
			value, ok := r.Lookup(p.field)
			b = e.value(b, value, ok)
		case p.time != nil:
			if second != e.second { // entries of one second have the same
				e.times[i] = p.time.FormatBuffer(e.times[i][:0], r.Time().UTC())
			}
			b = append(b, e.times[i]...)
		default:
			b = append(b, p.text...)
		}
	}
	e.second = second
	return b
}
