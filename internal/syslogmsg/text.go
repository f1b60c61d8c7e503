package syslogmsg

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"
)

// Nil stands for what there is none of (RFC 5424, 6: NILVALUE).
const Nil = '-'

// The most bytes of header fields, RFC 5424, 6.
const (
	MaxHost   = 255
	MaxApp    = 48
	MaxProcID = 128
)

// AppendHeader appends a value as a field of a header: of printable ASCII without spaces (RFC 5424, 6: PRINTUSASCII), with
// _ for anything else, at most so many bytes, and Nil for nothing.
func AppendHeader(dst []byte, v Value, most int) []byte {
	start := len(dst)
	dst = v.Append(dst)
	if len(dst) == start {
		return append(dst, Nil)
	}
	return Printable(dst, start, most)
}

// Printable makes dst[start:] fit for a header, see AppendHeader.
func Printable(dst []byte, start, most int) []byte {
	field := dst[start:]
	n := 0
	for i := 0; i < len(field) && n < most; n++ {
		if c := field[i]; c > ' ' && c < 0x7f {
			field[n] = c
			i++
			continue
		}
		_, size := utf8.DecodeRune(field[i:])
		field[n] = '_'
		i += size
	}
	return dst[:start+n]
}

// Escape replaces NUL, and with lines also line feeds, in dst[start:] by # and their number in octal, as rsyslog and
// RFC 5424, 6.4, do.
func Escape(dst []byte, start int, lines bool) []byte {
	text := dst[start:]
	more := bytes.Count(text, []byte{0})
	if lines {
		more += bytes.Count(text, []byte{'\n'})
	}
	if more == 0 {
		return dst
	}
	dst = append(dst, make([]byte, 3*more)...)
	to := len(dst)
	for from := start + len(text) - 1; to-1 > from; from-- { // from the end, so that nothing is overwritten
		switch c := dst[from]; {
		case c == 0:
			to -= copy(dst[to-4:], "#000")
		case c == '\n' && lines:
			to -= copy(dst[to-4:], "#012")
		default:
			to--
			dst[to] = c
		}
	}
	return dst
}

// Cut shortens dst[start:] to at most so many bytes without splitting a character.
func Cut(dst []byte, start, most int) (short []byte, cut bool) {
	if len(dst)-start <= most {
		return dst, false
	}
	end := start + most
	for i := 0; i < utf8.UTFMax-1 && end > start && !utf8.RuneStart(dst[end]); i++ {
		end--
	}
	return dst[:end], true
}

// Clock writes times, in UTC. Those of the same second cost little.
type Clock struct {
	second           uint64
	rfc3339, rfc3164 []byte
}

const microseconds = 1_000_000

func (c *Clock) set(second uint64) {
	if second == c.second && c.rfc3339 != nil {
		return
	}
	t := time.Unix(int64(second), 0).UTC() //nolint:gosec // microseconds of 64 bits
	c.second = second
	c.rfc3339 = t.AppendFormat(c.rfc3339[:0], "2006-01-02T15:04:05")
	c.rfc3164 = t.AppendFormat(c.rfc3164[:0], time.Stamp)
}

// AppendRFC3339 appends a time, given in microseconds since 1970, as RFC 5424, 6.2.3, has it. As in journalpump 2.5
// there is no fraction where it would be zero.
func (c *Clock) AppendRFC3339(dst []byte, realtime uint64) []byte {
	c.set(realtime / microseconds)
	dst = append(dst, c.rfc3339...)
	if micro := realtime % microseconds; micro != 0 {
		dst = append(dst, '.')
		start := len(dst)
		dst = strconv.AppendUint(dst, microseconds+micro, 10)
		dst = append(dst[:start], dst[start+1:]...) // the 1, which kept the zeros
	}
	return append(dst, 'Z')
}

// AppendRFC3164 appends a time, given in microseconds since 1970, as RFC 3164, 4.1.2, has it.
func (c *Clock) AppendRFC3164(dst []byte, realtime uint64) []byte {
	c.set(realtime / microseconds)
	return append(dst, c.rfc3164...)
}
