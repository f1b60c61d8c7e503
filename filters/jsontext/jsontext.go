// Package jsontext writes texts as JSON.
package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendString appends s, which must be UTF-8, as a JSON string. Only what RFC 8259 requires is escaped: quotation marks,
// backslashes and control characters.
func AppendString(dst, s []byte) []byte {
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

const hexDigits = "0123456789abcdef"

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

// Prefix returns at most n bytes of s, which must be UTF-8, without cutting a character in two.
func Prefix(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// AppendText appends what the inside of a JSON string stands for. What is no valid escape stays as it is.
func AppendText(dst, inside []byte) []byte {
	for {
		i := bytes.IndexByte(inside, '\\')
		if i < 0 || i+1 == len(inside) {
			return append(dst, inside...)
		}
		dst = append(dst, inside[:i]...)
		c := inside[i+1]
		inside = inside[i+2:]
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			r, n := rune16(inside)
			inside = inside[n:]
			if low, m := utf16Low(inside); utf16.IsSurrogate(r) && m > 0 {
				r = utf16.DecodeRune(r, low)
				inside = inside[m:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// rune16 returns the number that four hexadecimal digits make, and how many bytes they are; U+FFFD and 0 if there are none.
func rune16(s []byte) (r rune, n int) {
	const digits = 4
	if len(s) < digits {
		return utf8.RuneError, 0
	}
	for _, c := range s[:digits] {
		i := strings.IndexByte(hexDigits, c|0x20)
		if '0' <= c && c <= '9' {
			i = int(c - '0')
		}
		if i < 0 {
			return utf8.RuneError, 0
		}
		r = r<<4 | rune(i) //nolint:gosec // below 16
	}
	return r, digits
}

// utf16Low returns the second half of a surrogate pair, if s begins with one as an escape.
func utf16Low(s []byte) (r rune, n int) {
	if !bytes.HasPrefix(s, []byte(`\u`)) {
		return 0, 0
	}
	r, n = rune16(s[2:])
	if n == 0 || r < 0xdc00 || r > 0xdfff {
		return 0, 0
	}
	return r, n + 2
}
