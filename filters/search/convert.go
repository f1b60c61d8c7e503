package search

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"
)

// conversion is how a field's value becomes what patterns see: as it does for senders, except that times stay as the
// journal has them.
type conversion uint8

const (
	asText conversion = iota
	asInt
	asUUID
	asNull // never matches
)

func conversionOf(name string) conversion {
	switch name {
	case "PRIORITY", "CODE_LINE", "_PID", "_GID", "_AUDIT_ID", "_AUDIT_LOGINUID", "_AUDIT_SESSION", "_AUDIT_TYPE":
		return asInt
	case "_BOOT_ID", "_MACHINE_ID", "MESSAGE_ID":
		return asUUID
	case "_SOURCE_MONOTONIC_TIMESTAMP":
		return asNull
	}
	return asText
}

// apply returns value as text, or as nil if it had to be appended to dst, which is returned as well. What can't be
// converted stays as it is. ok is false for what no pattern matches.
func (c conversion) apply(dst, value []byte) (out, text []byte, ok bool) {
	switch c {
	case asInt:
		if out, ok := appendInt(dst, value); ok {
			return out, nil, true
		}
	case asUUID:
		if out, ok := appendUUID(dst, value); ok {
			return out, nil, true
		}
	case asNull:
		return dst, value, false
	case asText:
	}
	return dst, value, len(value) > 0 && utf8.Valid(value)
}

// maxIntDigits is the most digits that Python's int() takes.
const maxIntDigits = 4300

// appendInt appends a number as Python's str(int(value)) has it: white space around it, a plus, leading zeros and
// underscores between digits are left out.
func appendInt(dst, value []byte) (out []byte, ok bool) {
	digits := bytes.Trim(value, " \t\n\v\f\r")
	negative := len(digits) > 0 && digits[0] == '-'
	if negative || len(digits) > 0 && digits[0] == '+' {
		digits = digits[1:]
	}
	start := len(dst)
	if negative {
		dst = append(dst, '-')
	}
	first, count := len(dst), 0
	for i, b := range digits {
		switch {
		case '0' <= b && b <= '9':
			count++
			if b != '0' || len(dst) > first {
				dst = append(dst, b)
			}
		case b == '_' && i > 0 && digits[i-1] != '_' && i < len(digits)-1:
		default:
			return dst[:start], false
		}
	}
	if count == 0 || count > maxIntDigits {
		return dst[:start], false
	}
	if len(dst) == first { // nothing but zeros
		dst = append(dst[:start], '0')
	}
	return dst, true
}

// appendUUID appends a UUID as Python's str(uuid.UUID(value)) has it: in lower case, with dashes.
func appendUUID(dst, value []byte) (out []byte, ok bool) {
	var id [16]byte
	if len(value) != hex.EncodedLen(len(id)) {
		value = bytes.ReplaceAll(value, []byte("urn:"), nil)
		value = bytes.ReplaceAll(value, []byte("uuid:"), nil)
		value = bytes.ReplaceAll(bytes.Trim(value, "{}"), []byte("-"), nil)
	}
	if len(value) != hex.EncodedLen(len(id)) {
		return dst, false
	}
	if _, err := hex.Decode(id[:], value); err != nil {
		return dst, false
	}
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{b})
	}
	return dst, true
}
