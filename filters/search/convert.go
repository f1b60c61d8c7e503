package search

import (
	"unicode/utf8"

	"journalpump/filters/convert"
)

// appendConverted returns a field's value as patterns see it: as senders do, except that times stay as the journal has
// them. It is appended to dst, which is returned as well, or value itself. ok is false for what no pattern matches.
func appendConverted(dst, value []byte, kind convert.Kind) (out, text []byte, ok bool) {
	start := len(dst)
	switch kind {
	case convert.Int:
		dst, ok = convert.AppendInt(dst, value)
	case convert.UUID:
		dst, ok = convert.AppendUUID(dst, value)
	case convert.Null:
		return dst, nil, false
	case convert.Text, convert.Seconds:
	}
	if ok {
		return dst, dst[start:], true
	}
	return dst, value, len(value) > 0 && utf8.Valid(value)
}
