package filters

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// BinaryMode says how a value that is not UTF-8 is written.
type BinaryMode uint8

// The ways to write a value that is not UTF-8.
const (
	BinaryPython  BinaryMode = iota // as the text of a Python bytes literal, b'...'
	BinaryBase64                    // in standard base64
	BinaryReplace                   // every offending byte as U+FFFD
)

// ParseBinaryMode parses the setting binary_fields; "" is the default.
func ParseBinaryMode(s string) (BinaryMode, error) {
	switch s {
	case "", "python":
		return BinaryPython, nil
	case "base64":
		return BinaryBase64, nil
	case "replace":
		return BinaryReplace, nil
	}
	return 0, fmt.Errorf(`%q is no way to write binary fields; there are "python", "base64" and "replace"`, s)
}

// appendText appends v as text: itself where it is UTF-8, else what mode makes of it.
func appendText(dst, v []byte, mode BinaryMode) []byte {
	switch {
	case utf8.Valid(v):
		return append(dst, v...)
	case mode == BinaryBase64:
		return base64.StdEncoding.AppendEncode(dst, v)
	case mode == BinaryReplace:
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

// appendString appends s, which must be UTF-8, as a JSON string. Only what RFC 8259 requires is escaped: quotation marks,
// backslashes and control characters.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		dst = appendEscaped(dst, s[n])
		s = s[n+1:]
	}
}

// plainPrefix returns how many bytes at the beginning of s need no escape. It looks at eight at a time: a byte b needs
// one if b-0x20, (b^'"')-1 or (b^'\\')-1 borrows, which shows in its highest bit.
func plainPrefix(s []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		quote, slash := w^ones*'"', w^ones*'\\'
		found := ((w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\t':
		return append(dst, `\t`...)
	case '\r':
		return append(dst, `\r`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// utf8Prefix returns at most n bytes of s, which must be UTF-8, without cutting a character in two.
func utf8Prefix(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
