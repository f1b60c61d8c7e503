package stdout

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"journalpump/pump"
)

// formatter writes entries as journalctl does: time, host, who[pid]: message.
type formatter struct {
	zone   *time.Location
	color  bool
	prefix []byte // reused
}

// shown is what is shown of an entry. It comes from the record's body, so that redaction and field filters hold.
type shown struct {
	at                      time.Time
	host, identifier, unit  string
	command, pid, sourcePID string
	message                 string
	hasMessage              bool
	priority                int // -1: none
}

const noPriority = -1

func parse(r *pump.Record) shown {
	s := shown{at: r.Time(), priority: noPriority}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return s
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return s
		}
		var value any
		if d.Decode(&value) != nil {
			return s
		}
		s.set(key, value)
	}
	return s
}

func (s *shown) set(key json.Token, value any) {
	switch key {
	case "timestamp":
		if t, err := time.Parse("2006-01-02T15:04:05", text(value)); err == nil {
			s.at = t
		}
	case "HOSTNAME":
		s.host = text(value)
	case "SYSLOG_IDENTIFIER":
		s.identifier = text(value)
	case "SYSTEMD_UNIT":
		s.unit = text(value)
	case "COMM":
		s.command = text(value)
	case "PID":
		s.pid = text(value)
	case "SYSLOG_PID":
		s.sourcePID = text(value)
	case "MESSAGE":
		s.message, s.hasMessage = text(value), true
	case "PRIORITY":
		if p, err := strconv.Atoi(text(value)); err == nil && p >= 0 && p <= 7 {
			s.priority = p
		}
	}
}

// text returns a value as text; the elements of a field that occurs several times go below each other.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		lines := make([]string, len(v))
		for i, e := range v {
			lines[i] = text(e)
		}
		return strings.Join(lines, "\n")
	case nil:
		return ""
	}
	b, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(b)
}

// The colours are journalctl's: red for errors, yellow for warnings, bold for notices, grey for debug messages.
const (
	reset  = "\x1b[0m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	bold   = "\x1b[1m"
	grey   = "\x1b[90m"
	green  = "\x1b[32m"
)

func colorOf(priority int) string {
	switch priority {
	case 0, 1, 2, 3:
		return red
	case 4:
		return yellow
	case 5:
		return bold
	case 7:
		return grey
	}
	return ""
}

// append appends the entry as a line, or several when the message has several.
func (f *formatter) append(b []byte, r *pump.Record) []byte {
	s := parse(r)
	if !s.hasMessage {
		s.message = string(r.Body)
	}
	b = f.paint(b, grey, s.at.In(f.zone).AppendFormat(nil, "Jan 02 15:04:05.000"))
	f.prefix = f.prefix[:0]
	if s.host != "" {
		f.prefix = append(appendVisible(append(f.prefix, ' '), s.host), ' ')
	} else {
		f.prefix = append(f.prefix, ' ')
	}
	b = append(b, f.prefix...)
	width := len("Jan 02 15:04:05.000") + utf8.RuneCount(f.prefix)

	f.prefix = s.appendWho(f.prefix[:0])
	b = f.paint(b, green, f.prefix)
	b = append(b, ": "...)
	width += utf8.RuneCount(f.prefix) + len(": ")
	return f.appendMessage(b, &s, width)
}

// appendWho appends identifier[pid], or the unit or the command where there is no identifier.
func (s *shown) appendWho(b []byte) []byte {
	who, pid := s.identifier, s.pid
	for _, other := range []string{s.unit, s.command, "unknown"} {
		if who == "" {
			who = other
		}
	}
	if pid == "" {
		pid = s.sourcePID
	}
	b = appendVisible(b, who)
	if pid != "" {
		b = append(appendVisible(append(b, '['), pid), ']')
	}
	return b
}

// maxIndent keeps a long prefix from leaving no room for the lines after the first.
const maxIndent = 60

func (f *formatter) appendMessage(b []byte, s *shown, indent int) []byte {
	color := colorOf(s.priority)
	first := true
	for line := range strings.SplitSeq(strings.TrimRight(s.message, "\r\n"), "\n") {
		if !first {
			for range min(indent, maxIndent) {
				b = append(b, ' ')
			}
		}
		first = false
		f.prefix = appendVisible(f.prefix[:0], strings.TrimSuffix(line, "\r"))
		b = f.paint(b, color, f.prefix)
		b = append(b, '\n')
	}
	return b
}

func (f *formatter) paint(b []byte, color string, text []byte) []byte {
	if !f.color || color == "" || len(text) == 0 {
		return append(b, text...)
	}
	return append(append(append(b, color...), text...), reset...)
}

// appendVisible appends text with everything escaped that a terminal would act on instead of showing it.
func appendVisible(b []byte, text string) []byte {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !validAt(text, i):
			b = appendHex(b, rune(text[i]))
		case r == '\t':
			b = append(b, '\t')
		case hidden(r):
			b = appendHex(b, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

func validAt(text string, i int) bool {
	_, size := utf8.DecodeRuneInString(text[i:])
	return size > 1
}

// hidden reports control characters, line separators, and formatting characters such as those that turn the direction
// of writing; joiners only join letters and emoji.
func hidden(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != nonJoiner && r != joiner
}

func appendHex(b []byte, r rune) []byte {
	if r < 0x100 {
		const digits = "0123456789abcdef"
		return append(b, '\\', 'x', digits[r>>4], digits[r&15])
	}
	quoted := strconv.QuoteRuneToASCII(r) // '\u202e'
	return append(b, quoted[1:len(quoted)-1]...)
}
