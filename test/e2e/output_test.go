package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// output is what a file sender has written so far. It is read on from where the last read ended; a line without its
// newline is left for later.
type output struct {
	file   string
	offset int64
	lines  []number        // the numbered messages in the order of the file
	ways   map[string]*way // how often each is in it
}

// way is what came of the messages that were logged one way.
type way struct {
	seen []uint16 // how often each number is there
	upTo int      // all numbers up to this one are there
}

func newOutput(file string) *output { return &output{file: file, ways: make(map[string]*way)} }

func (o *output) add(n number) {
	o.lines = append(o.lines, n)
	w := o.ways[n.via]
	if w == nil {
		w = &way{seen: make([]uint16, 1)}
		o.ways[n.via] = w
	}
	if missing := n.n + 1 - len(w.seen); missing > 0 {
		w.seen = append(w.seen, make([]uint16, missing)...)
	}
	w.seen[n.n]++
	for w.upTo+1 < len(w.seen) && w.seen[w.upTo+1] > 0 {
		w.upTo++
	}
}

// read reads what is new.
func (o *output) read(t *testing.T) *output {
	t.Helper()
	f, err := os.Open(o.file)
	if errors.Is(err, os.ErrNotExist) {
		return o
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, o.offset, 1<<62))
	if err != nil {
		t.Fatal(err)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	o.offset += int64(len(data))
	for line := range bytes.Lines(data) {
		var entry struct {
			Message json.RawMessage `json:"MESSAGE"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatalf("%s holds a line that is no object: %v: %q", o.file, err, line)
		}
		var message string
		if json.Unmarshal(entry.Message, &message) != nil {
			continue
		}
		if n, ok := parseNumber(message); ok {
			o.add(n)
		}
	}
	return o
}

// hasAll reports whether all that was sent is there.
func (o *output) hasAll(sent map[string]int) bool {
	for via, last := range sent {
		if w := o.ways[via]; w == nil || w.upTo < last {
			return false
		}
	}
	return true
}

// missing describes what isn't there; "" when all is.
func (o *output) missing(sent map[string]int) string {
	var b strings.Builder
	for via, last := range sent {
		var seen []uint16
		if w := o.ways[via]; w != nil {
			seen = w.seen
		}
		var missing []int
		for n := 1; n <= last; n++ {
			if n >= len(seen) || seen[n] == 0 {
				missing = append(missing, n)
			}
		}
		if missing != nil {
			fmt.Fprintf(&b, "%d of %d messages via %s are missing in %s: %.200s\n", len(missing), last, via, o.file, fmt.Sprint(missing))
		}
	}
	return b.String()
}

// repeated describes what is there more than once; "" when nothing is.
func (o *output) repeated() string {
	var b strings.Builder
	for via, w := range o.ways {
		var repeated []int
		for n, times := range w.seen {
			if times > 1 {
				repeated = append(repeated, n)
			}
		}
		if repeated != nil {
			fmt.Fprintf(&b, "%d of %d messages via %s are there more than once in %s: %.200s\n", len(repeated), len(w.seen)-1, via, o.file, fmt.Sprint(repeated))
		}
	}
	return b.String()
}

// exactly fails the test unless all that was sent is there once.
func (o *output) exactly(t *testing.T, sent map[string]int) {
	t.Helper()
	if m := o.missing(sent); m != "" {
		t.Error(m)
	}
	if r := o.repeated(); r != "" {
		t.Error(r)
	}
}
