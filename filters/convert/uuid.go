package convert

import (
	"bytes"
	"unicode/utf8"
)

const (
	uuidDigits = 32
	uuidText   = uuidDigits + 4
)

// AppendUUID appends the UUID that Python's uuid.UUID() reads: in lower case, with dashes. Beside 32 hexadecimal digits
// that takes braces, dashes anywhere, "urn:" and "uuid:", and whatever of 32 characters int(text, 16) takes.
func AppendUUID(dst, v []byte) (out []byte, ok bool) {
	if len(v) == uuidDigits && underscoresBetween(v, isHexDigit) && bytes.IndexByte(v, '_') < 0 {
		return appendDashed(dst, v), true
	}
	if !utf8.Valid(v) {
		return dst, false
	}
	v = bytes.ReplaceAll(v, []byte("urn:"), nil)
	v = bytes.ReplaceAll(v, []byte("uuid:"), nil)
	v = bytes.ReplaceAll(bytes.Trim(v, "{}"), []byte("-"), nil)
	if len(v) != uuidDigits {
		return dst, false
	}
	_, digits, ok := cutSign(v)
	if !ok {
		return dst, false
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		digits = bytes.TrimPrefix(digits[2:], []byte("_"))
	}
	if !underscoresBetween(digits, isHexDigit) {
		return dst, false
	}
	digits = bytes.ReplaceAll(digits, []byte("_"), nil)
	padded := append(bytes.Repeat([]byte("0"), uuidDigits-len(digits)), digits...)
	return appendDashed(dst, padded), true
}

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// appendDashed appends 32 hexadecimal digits in lower case and dashed.
func appendDashed(dst, digits []byte) []byte {
	var b [uuidText]byte
	n := 0
	for i, c := range digits {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			b[n] = '-'
			n++
		}
		if 'A' <= c && c <= 'F' {
			c |= 0x20
		}
		b[n] = c
		n++
	}
	return append(dst, b[:]...)
}
