package format

import (
	"bytes"
	"encoding/json"
	"strconv"

	"journalpump/filters/convert"
	"journalpump/filters/jsontext"
)

// appendText appends a text, which is UTF-8, as a type; ok is false if it does not lend itself to it, or is empty.
func appendText(dst []byte, kind Type, text []byte) (out []byte, ok bool) {
	if len(text) == 0 {
		return dst, false
	}
	switch kind {
	case Int:
		if out, ok = convert.AppendInt(dst, text); ok {
			return out, true
		}
		return dst, false
	case Float:
		return appendFloat(dst, text)
	case Bool:
		return appendBool(dst, text)
	case JSON:
		if out, ok = appendCompact(dst, text); ok {
			return out, true
		}
	case Natural, String:
	}
	return jsontext.AppendString(dst, text), true
}

// appendFloat appends a number as it is written, if JSON has it so.
func appendFloat(dst, text []byte) (out []byte, ok bool) {
	const longest = 64
	if len(text) > longest {
		return dst, false
	}
	text = bytes.TrimSpace(text) // as of int
	number, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil || number-number != 0: // infinite, or not a number
		return dst, false
	case json.Valid(text):
		return append(dst, text...), true
	}
	return strconv.AppendFloat(dst, number, 'f', -1, 64), true
}

func appendBool(dst, text []byte) (out []byte, ok bool) {
	switch string(text) {
	case "1", "true", "True", "TRUE", "yes", "Yes", "on":
		return append(dst, "true"...), true
	case "0", "false", "False", "FALSE", "no", "No", "off":
		return append(dst, "false"...), true
	}
	return dst, false
}

// appendCompact appends JSON on one line.
func appendCompact(dst, text []byte) (out []byte, ok bool) {
	switch text[0] { // most texts are none
	case '{', '[', '"', 't', 'f', 'n', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ' ', '\t', '\n':
	default:
		return dst, false
	}
	if !json.Valid(text) {
		return dst, false
	}
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return append(dst, text...), true
	}
	b := bytes.NewBuffer(dst)
	if json.Compact(b, text) != nil {
		return dst, false
	}
	return b.Bytes(), true
}
