package logging

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// style is how a line of text begins.
type style uint8

const (
	plain         style = iota // time and level
	coloured                   // the same, for a terminal
	journalStream              // <PRIORITY>, which journald takes off again: see sd-daemon(3)
)

// textSink writes one line an event.
type textSink struct {
	style style

	mu  sync.Mutex
	out io.Writer
	buf []byte
}

func (s *textSink) write(e event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = s.appendLine(s.buf[:0], e)
	_, err := s.out.Write(s.buf)
	return err
}

const (
	dim   = "\x1b[2m"
	reset = "\x1b[0m"
)

func (s *textSink) appendLine(b []byte, e event) []byte {
	if s.style == journalStream {
		b = fmt.Appendf(b, "<%d>", Priority(e.level))
		b = appendMessage(b, e, "", "")
		return append(b, '\n')
	}
	before, after, colour := "", "", ""
	if s.style == coloured {
		before, after, colour = dim, reset, levelColour(e.level)
	}
	if !e.time.IsZero() {
		b = append(b, before...)
		b = e.time.AppendFormat(b, "2006-01-02 15:04:05.000")
		b = append(b, after...)
		b = append(b, ' ')
	}
	b = append(b, colour...)
	b = fmt.Appendf(b, "%-8s", levelName(e.level))
	if colour != "" {
		b = append(b, reset...)
	}
	b = append(b, ' ')
	b = appendMessage(b, e, before, after)
	return append(b, '\n')
}

// appendMessage appends the message and its attributes, those between before and after.
func appendMessage(b []byte, e event, before, after string) []byte {
	b = appendOneLine(b, e.message)
	for _, f := range e.fields {
		b = append(b, ' ')
		b = append(b, before...)
		b = appendOneLine(b, f.name)
		b = append(b, '=')
		b = append(b, after...)
		if f.value == "" || strings.ContainsAny(f.value, " \"=") {
			b = strconv.AppendQuote(b, f.value)
		} else {
			b = appendOneLine(b, f.value)
		}
	}
	return b
}

// appendOneLine appends s with what could end the line or talk to the terminal written as Go's escapes.
func appendOneLine(b []byte, s string) []byte {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return append(b, s...)
	}
	quoted := strconv.Quote(s)
	return append(b, strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)...)
}

func levelName(level slog.Level) string {
	switch {
	case level >= LevelCritical:
		return "CRITICAL"
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARNING"
	case level >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

func levelColour(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "\x1b[1;31m" // bold red
	case level >= slog.LevelWarn:
		return "\x1b[33m" // yellow
	case level >= slog.LevelInfo:
		return "\x1b[32m" // green
	}
	return dim
}
