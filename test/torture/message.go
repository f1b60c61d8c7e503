// Package torture mistreats journals: it has numbered messages written to them while their files are rotated, deleted,
// rewritten, linked and copied, and it knows, from journalctl, which of the messages were really stored. What read along
// is then held against that.
package torture

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// A Message is one of the test's own. Those of a source are numbered from 1 in the order in which they were sent.
type Message struct {
	Source string
	Number int
	Sent   time.Time
}

const prefix = "torture "

// String returns the text to log.
func (m Message) String() string {
	return prefix + m.Source + " " + strconv.Itoa(m.Number) + " " + strconv.FormatInt(m.Sent.UnixNano(), 10)
}

// Parse reads what String wrote; ok is false for all other messages.
func Parse(text []byte) (m Message, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(prefix))
	if !ok {
		return Message{}, false
	}
	var nano int64
	if _, err := fmt.Sscan(string(rest), &m.Source, &m.Number, &nano); err != nil {
		return Message{}, false
	}
	m.Sent = time.Unix(0, nano)
	return m, true
}
