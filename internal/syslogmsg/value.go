package syslogmsg

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Value is a JSON value as it is written; nil where there is none.
type Value []byte

// Empty reports whether there is nothing to show: no value, null, or an empty string.
func (v Value) Empty() bool {
	return len(v) == 0 || string(v) == "null" || string(v) == `""`
}

// Append appends the value as text: a string without its quotes and escapes, the elements of a list with a line break
// between them, nothing for null, and anything else as it is written.
func (v Value) Append(dst []byte) []byte {
	switch {
	case v.Empty():
		return dst
	case v[0] == '[':
		start := len(dst)
		elements(v, func(element Value) bool {
			if len(dst) > start {
				dst = append(dst, '\n')
			}
			dst = element.appendScalar(dst)
			return true
		})
		return dst
	}
	return v.appendScalar(dst)
}

// appendScalar appends a value; a list within a list is as it is written.
func (v Value) appendScalar(dst []byte) []byte {
	if v.Empty() {
		return dst
	}
	if v[0] == '"' {
		return appendUnquoted(dst, v[1:len(v)-1])
	}
	return append(dst, v...)
}

// maxDigits is more than any facility and severity has.
const maxDigits = 9

// Int returns the integer that the value is, or that it is the text of; of a list, its first element.
func (v Value) Int() (n int, ok bool) {
	if len(v) > 0 && v[0] == '[' {
		first := Value(nil)
		elements(v, func(element Value) bool { first = element; return false })
		v = first
	}
	b := bytes.TrimSpace(bytes.Trim(v, `"`))
	digits := bytes.TrimLeft(b, "-")
	if len(digits) == 0 || len(digits) > maxDigits || len(b)-len(digits) > 1 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	if len(b) > len(digits) {
		n = -n
	}
	return n, true
}

// appendUnquoted appends what stands between the quotes of a JSON string (RFC 8259, 7).
func appendUnquoted(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i == len(s)-1 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'u':
			var r rune
			r, s = cutRune(s)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}

// cutRune takes the four digits after \u, and those of the second surrogate, off s.
func cutRune(s []byte) (rune, []byte) {
	r, ok := hex4(s)
	if !ok {
		return utf8.RuneError, s
	}
	s = s[4:]
	if !utf16.IsSurrogate(r) {
		return r, s
	}
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if second, ok := hex4(s[2:]); ok {
			if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
				return pair, s[6:]
			}
		}
	}
	return utf8.RuneError, s
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[:4]), 16, 32)
	return rune(n), err == nil //nolint:gosec // four digits
}
