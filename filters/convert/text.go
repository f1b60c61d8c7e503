package convert

import (
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// BinaryMode says how a value that is not UTF-8 is written.
type BinaryMode uint8

// The ways to write a value that is not UTF-8.
const (
	Python  BinaryMode = iota // as the text of a Python bytes literal, b'...'
	Base64                    // in standard base64
	Replace                   // every offending byte as U+FFFD
)

// ParseBinaryMode parses the setting binary_fields; "" is the default.
func ParseBinaryMode(s string) (BinaryMode, error) {
	switch s {
	case "", "python":
		return Python, nil
	case "base64":
		return Base64, nil
	case "replace":
		return Replace, nil
	}
	return 0, fmt.Errorf(`%q is no way to write binary fields; there are "python", "base64" and "replace"`, s)
}

// AppendText appends v as text, which is always UTF-8: itself where it is UTF-8, else what mode makes of it.
func AppendText(dst, v []byte, mode BinaryMode) []byte {
	switch {
	case utf8.Valid(v):
		return append(dst, v...)
	case mode == Base64:
		return base64.StdEncoding.AppendEncode(dst, v)
	case mode == Replace:
		return appendReplaced(dst, v)
	}
	return appendBytesLiteral(dst, v)
}

func appendReplaced(dst, v []byte) []byte {
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		dst = utf8.AppendRune(dst, r)
		v = v[n:]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendBytesLiteral appends what Python's repr() makes of a bytes object. It is quoted with ' unless it holds a ' and no ".
func appendBytesLiteral(dst, v []byte) []byte {
	quote := byte('\'')
	var single, double bool
	for _, c := range v {
		single = single || c == '\''
		double = double || c == '"'
	}
	if single && !double {
		quote = '"'
	}
	dst = append(dst, 'b', quote)
	for _, c := range v {
		switch {
		case c == quote || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, quote)
}
