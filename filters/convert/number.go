package convert

import (
	"bytes"
	"math"
	"strconv"
)

// maxIntDigits is the most digits that Python's int() takes (sys.int_info.default_max_str_digits).
const maxIntDigits = 4300

// AppendInt appends the number that Python's int() reads: white space around it, a sign, leading zeros and single
// underscores between digits are allowed.
func AppendInt(dst, v []byte) (out []byte, ok bool) {
	if len(v) == 1 && isDigit(v[0]) { // a PRIORITY
		return append(dst, v[0]), true
	}
	negative, digits, ok := cutSign(v)
	if !ok || !underscoresBetween(digits, isDigit) {
		return dst, false
	}
	count, start := 0, len(dst)
	if negative {
		dst = append(dst, '-')
	}
	first := len(dst)
	for _, c := range digits {
		if c == '_' {
			continue
		}
		count++
		if c != '0' || len(dst) > first {
			dst = append(dst, c)
		}
	}
	if count > maxIntDigits {
		return dst[:start], false
	}
	if len(dst) == first { // nothing but zeros
		dst = append(dst[:start], '0')
	}
	return dst, true
}

// cutSign takes white space and the sign off a number; ok is false if nothing is left.
func cutSign(v []byte) (negative bool, digits []byte, ok bool) {
	v = bytes.Trim(v, " \t\n\v\f\r")
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		negative = v[0] == '-'
		v = v[1:]
	}
	return negative, v, len(v) > 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// underscoresBetween reports whether v consists of digits, with at most one underscore between two of them.
func underscoresBetween(v []byte, digit func(byte) bool) bool {
	after := false // a digit
	for _, c := range v {
		switch {
		case digit(c):
			after = true
		case c == '_' && after:
			after = false
		default:
			return false
		}
	}
	return after
}

// maxExact is the largest number up to which Python's floating-point numbers hold every integer.
const maxExact = 1 << 53

// AppendSeconds appends a number of microseconds, which AppendInt takes, as seconds with a fraction.
func AppendSeconds(dst, v []byte) (out []byte, ok bool) {
	if micros, ok := parseDigits(v); ok {
		return AppendTimestamp(dst, micros), true
	}
	start := len(dst)
	if dst, ok = AppendInt(dst, v); !ok {
		return dst, false
	}
	number := dst[start:]
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil && -maxExact <= n && n <= maxExact {
		dst = dst[:start]
		if n < 0 {
			dst = append(dst, '-')
			n = -n
		}
		return AppendTimestamp(dst, uint64(n)), true //nolint:gosec // not negative
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return dst[:start], false // Python raises OverflowError
	}
	return appendFloat(dst[:start], f/1e6), true
}

// parseDigits returns the number that v is if it is one as journald writes it and stays well below maxExact.
func parseDigits(v []byte) (n uint64, ok bool) {
	if len(v) == 0 || len(v) > 15 && (len(v) > 16 || v[0] > '8') {
		return 0, false
	}
	for _, c := range v {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// appendFloat appends f so that JSON parsers which tell integers from other numbers do not take it for an integer.
func appendFloat(dst []byte, f float64) []byte {
	if math.Abs(f) >= 1e16 { // where Python begins to write an exponent
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}
