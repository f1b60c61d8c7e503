package filters

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// conversion is what becomes of a field's value. It goes by the field's name with its leading underscores; a value that
// does not lend itself to it stays text.
type conversion uint8

const (
	asText    conversion = iota
	asInt                // as Python's int() of a bytes object
	asUUID               // as Python's str(uuid.UUID())
	asSeconds            // microseconds as seconds with a fraction
	asNull               // whatever the value: null
)

func conversionOf(rawName string) conversion {
	switch rawName {
	case "PRIORITY", "CODE_LINE", "_PID", "_GID", "_AUDIT_ID", "_AUDIT_LOGINUID", "_AUDIT_SESSION", "_AUDIT_TYPE":
		return asInt
	case "_BOOT_ID", "_MACHINE_ID", "MESSAGE_ID":
		return asUUID
	case "_SOURCE_REALTIME_TIMESTAMP", "COREDUMP_TIMESTAMP", "__REALTIME_TIMESTAMP":
		return asSeconds
	case "_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP":
		return asNull
	}
	return asText
}

// encoder writes values as JSON. It keeps the memory that values need which are not written as they are; so it must
// not be used concurrently.
type encoder struct {
	mode    BinaryMode
	scratch []byte
}

const maxScratch = 1 << 20 // more is given back after use

// text returns v as text; it is valid until the next call.
func (e *encoder) text(v []byte) []byte {
	if utf8.Valid(v) {
		return v
	}
	if cap(e.scratch) > maxScratch {
		e.scratch = nil
	}
	e.scratch = appendText(e.scratch[:0], v, e.mode)
	return e.scratch
}

// appendValue appends v, converted, as JSON.
func (e *encoder) appendValue(dst []byte, conv conversion, v []byte) []byte {
	ok := false
	switch conv {
	case asInt:
		dst, ok = appendInt(dst, v)
	case asUUID:
		dst, ok = appendUUID(dst, v)
	case asSeconds:
		dst, ok = appendConvertedSeconds(dst, v)
	case asNull:
		return append(dst, "null"...)
	case asText:
	}
	if ok {
		return dst
	}
	return appendString(dst, e.text(v))
}

// maxIntDigits is the most digits that Python's int() takes (sys.int_info.default_max_str_digits).
const maxIntDigits = 4300

// appendInt appends the number that Python's int() reads: white space around it, a sign, leading zeros and
// single underscores between digits are allowed.
func appendInt(dst, v []byte) (out []byte, ok bool) {
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

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

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

// smallInt returns the value of a number that appendInt wrote, cut to the range of an int8.
func smallInt(number []byte) int8 {
	n, err := strconv.ParseInt(string(number), 10, 8)
	if err != nil && number[0] == '-' {
		return math.MinInt8
	} else if err != nil {
		return math.MaxInt8
	}
	return int8(n)
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

// maxExact is the largest number up to which Python's floating-point numbers hold every integer.
const maxExact = 1 << 53

// appendConvertedSeconds appends a number of microseconds as seconds.
func appendConvertedSeconds(dst, v []byte) (out []byte, ok bool) {
	if micros, ok := parseDigits(v); ok {
		return appendSeconds(dst, micros), true
	}
	start := len(dst)
	if dst, ok = appendInt(dst, v); !ok {
		return dst, false
	}
	number := dst[start:]
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil && -maxExact <= n && n <= maxExact {
		dst = dst[:start]
		if n < 0 {
			dst = append(dst, '-')
			n = -n
		}
		return appendSeconds(dst, uint64(n)), true //nolint:gosec // not negative
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return dst[:start], false // Python raises OverflowError
	}
	return appendFloat(dst[:start], f/1e6), true
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

const (
	uuidDigits = 32
	uuidText   = uuidDigits + 4
)

// appendUUID appends the UUID that Python's uuid.UUID() reads, as a JSON string. Beside 32 hexadecimal digits that takes
// braces, dashes anywhere, "urn:" and "uuid:", and whatever of 32 characters int(text, 16) takes.
func appendUUID(dst, v []byte) (out []byte, ok bool) {
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

// appendDashed appends 32 hexadecimal digits in lower case, dashed and quoted.
func appendDashed(dst, digits []byte) []byte {
	var b [uuidText + 2]byte
	n := 1
	b[0] = '"'
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
	b[n] = '"'
	return append(dst, b[:]...)
}
