package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"journalpump/pump"
)

const errCannotSync = syscall.EINVAL

// maxReason is how much of a destination's explanation is kept: some answer with pages of HTML.
const maxReason = 4096

// line is a dead letter as the file has it.
type line struct {
	Time   time.Time       `json:"time"`
	Reader string          `json:"reader"`
	Sender string          `json:"sender"`
	Route  string          `json:"route"` // "" where the sender has no routes
	Cursor string          `json:"cursor"`
	Reason string          `json:"reason"`
	Entry  json.RawMessage `json:"entry"` // an object as the sender saw it; a string if that was no JSON
}

// appendLine appends a letter as a line. The entry is written as it is, byte for byte: it is what is sent again.
func appendLine(b []byte, reader, sender string, l *pump.DeadLetter) []byte {
	b = append(b, `{"time":"`...)
	b = l.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z07:00")
	b = append(b, `","reader":`...)
	b = appendText(b, reader)
	b = append(b, `,"sender":`...)
	b = appendText(b, sender)
	if route := l.Record.Route; route != nil {
		b = append(b, `,"route":`...)
		b = appendText(b, route.Name)
	}
	b = append(b, `,"cursor":"`...)
	b = append(b, l.Record.Position().String()...)
	b = append(b, `","reason":`...)
	b = appendText(b, reasonOf(l.Reason))
	b = append(b, `,"entry":`...)
	if body := l.Record.Body; isObject(body) {
		b = append(b, body...)
	} else {
		b = appendText(b, string(body))
	}
	return append(b, '}', '\n')
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) > maxReason {
		text = text[:maxReason] + "…"
	}
	return text
}

func appendText(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can always be encoded
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte{'\n'})...)
}

// isObject reports whether a body may stand in a line as it is.
func isObject(body []byte) bool {
	return bytes.HasPrefix(body, []byte{'{'}) && bytes.IndexByte(body, '\n') < 0 && json.Valid(body)
}

var (
	errNoEntry  = errors.New("it has no entry")
	errNoSender = errors.New("it does not say whose it is")
)

func parseLine(b []byte) (line, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return l, err
	}
	switch {
	case l.Sender == "":
		return l, errNoSender
	case len(l.Entry) == 0 || string(l.Entry) == "null":
		return l, errNoEntry
	}
	return l, nil
}

// body returns what the sender gets.
func (l *line) body() ([]byte, error) {
	if l.Entry[0] == '{' {
		return l.Entry, nil
	}
	var text string
	if err := json.Unmarshal(l.Entry, &text); err != nil {
		return nil, fmt.Errorf("its entry is neither an object nor a text: %w", err)
	}
	return []byte(text), nil
}

// is reports whether the letter is of the sender NAME, or READER/NAME.
func (l *line) is(name string) bool { return name == l.Sender || name == l.Reader+"/"+l.Sender }
