package torture

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Place is where journalctl has found a message.
type Place struct {
	SeqnumID string // in hexadecimal
	Seqnum   uint64
}

// Stored is what was stored, according to journalctl: it looks into files before they go.
type Stored struct {
	places map[string][]Place // by source and number; the zero Place: not stored
	known  map[string]bool    // files that were looked at and don't change any more
}

// NewStored returns what knows of nothing yet.
func NewStored() *Stored {
	return &Stored{places: map[string][]Place{}, known: map[string]bool{}}
}

// Look takes note of what is in the files.
func (s *Stored) Look(t *testing.T, files ...string) {
	t.Helper()
	args := []string{"--output=export", "--output-fields=MESSAGE", "--all", "--quiet", "--no-pager"}
	var once []string
	for _, file := range files {
		key := identity(file)
		if key == "" || s.known[key] {
			continue
		}
		if !active(file) {
			once = append(once, key)
		}
		args = append(args, "--file="+file)
	}
	if len(args) == 5 {
		return
	}
	for m, p := range listed(t, args) {
		s.add(m, p)
	}
	for _, key := range once {
		s.known[key] = true
	}
}

// active reports whether a file may still be written, by its name.
func active(file string) bool { return !strings.Contains(file, "@") && !strings.HasSuffix(file, "~") }

// identity tells a file and its state apart from others; "" if it is gone.
func identity(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.ModTime().UnixNano(), info.Size())
}

func (s *Stored) add(m Message, p Place) {
	list := s.places[m.Source]
	if more := m.Number + 1 - len(list); more > 0 {
		list = append(list, make([]Place, more)...)
	}
	list[m.Number] = p
	s.places[m.Source] = list
}

// Where returns where a message was stored; ok is false if it was not.
func (s *Stored) Where(source string, number int) (p Place, ok bool) {
	list := s.places[source]
	if number >= len(list) {
		return Place{}, false
	}
	return list[number], list[number].Seqnum != 0
}

// Count returns how many messages of a source were stored.
func (s *Stored) Count(source string) int {
	n := 0
	for _, p := range s.places[source] {
		if p.Seqnum != 0 {
			n++
		}
	}
	return n
}

// Present returns the messages that are in the files now.
func Present(t *testing.T, files ...string) map[Message]bool {
	t.Helper()
	args := []string{"--output=export", "--output-fields=MESSAGE", "--all", "--quiet", "--no-pager"}
	for _, file := range files {
		args = append(args, "--file="+file)
	}
	there := map[Message]bool{}
	for m := range listed(t, args) {
		there[m] = true
	}
	return there
}

// listed yields the messages that journalctl prints.
func listed(t *testing.T, args []string) func(yield func(Message, Place) bool) {
	t.Helper()
	return func(yield func(Message, Place) bool) {
		cmd := exec.CommandContext(t.Context(), "journalctl", args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatalf("starting journalctl: %v", err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		var at Place
		for lines.Scan() {
			name, value, _ := bytes.Cut(lines.Bytes(), []byte("="))
			switch string(name) {
			case "__CURSOR":
				at = parsePlace(string(value))
			case "MESSAGE":
				if m, ok := Parse(value); ok && !yield(m, at) {
					return
				}
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("reading from journalctl: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%q: %v: %s", cmd.Args, err, said.Bytes())
		}
	}
}

func parsePlace(cursor string) (p Place) {
	for part := range strings.SplitSeq(cursor, ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "s":
			p.SeqnumID = value
		case "i":
			p.Seqnum, _ = strconv.ParseUint(value, 16, 64) // 0, like a cursor without it
		}
	}
	return p
}
