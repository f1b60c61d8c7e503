package filters

import (
	"unicode/utf8"

	"journalpump/filters/convert"
	"journalpump/filters/jsontext"
)

// encoder writes values as JSON. It keeps the memory that values need which are not written as they are; so it must
// not be used concurrently.
type encoder struct {
	mode    convert.BinaryMode
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
	e.scratch = convert.AppendText(e.scratch[:0], v, e.mode)
	return e.scratch
}

// appendValue appends v, converted, as JSON.
func (e *encoder) appendValue(dst []byte, kind convert.Kind, v []byte) []byte {
	ok := false
	switch kind {
	case convert.Int:
		dst, ok = convert.AppendInt(dst, v)
	case convert.UUID:
		dst, ok = appendQuotedUUID(dst, v)
	case convert.Seconds:
		dst, ok = convert.AppendSeconds(dst, v)
	case convert.Null:
		return append(dst, "null"...)
	case convert.Text:
	}
	if ok {
		return dst
	}
	return jsontext.AppendString(dst, e.text(v))
}

func appendQuotedUUID(dst, v []byte) (out []byte, ok bool) {
	start := len(dst)
	if dst, ok = convert.AppendUUID(append(dst, '"'), v); !ok {
		return dst[:start], false
	}
	return append(dst, '"'), true
}
