package torture

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unique"
)

// Place is where journalctl has found a message.
type Place struct {
	SeqnumID string // in hexadecimal
	Seqnum   uint64
}

// Stored is what was stored, according to journalctl: it looks into files before they go.
type Stored struct {
	places map[string][]Place // by source and number; the zero Place: not stored
	others map[copyOf]bool    // where else a message was stored
	known  map[string]bool    // files that were looked at and don't change any more
	moved  bool               // messages may have been stored elsewhere first
}

// copyOf is one more place of a message: journald copies what it moves to /var, and files are copied.
type copyOf struct {
	source string
	number int
	place  Place
}

// NewStored returns what knows of nothing yet.
func NewStored() *Stored {
	return &Stored{places: map[string][]Place{}, others: map[copyOf]bool{}, known: map[string]bool{}}
}

// Look takes note of what is in the files. Those that have gone meanwhile, or that journalctl cannot read, are left out.
func (s *Stored) Look(t *testing.T, files ...string) {
	t.Helper()
	var names []string
	finished := map[string]string{}
	for _, file := range files {
		key := identity(file)
		if key == "" || s.known[key] {
			continue
		}
		name := "--file=" + file
		if names = append(names, name); !active(file) {
			finished[name] = key
		}
	}
	if len(names) == 0 {
		return
	}
	if s.list(t, names) {
		for _, key := range finished {
			s.known[key] = true
		}
		return
	}
	for _, name := range names {
		if key, ok := finished[name]; s.list(t, []string{name}) && ok {
			s.known[key] = true
		}
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
	if before := list[m.Number]; before.Seqnum != 0 && before != p {
		s.others[copyOf{m.Source, m.Number, before}] = true
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

// Has reports whether a message may have been stored at that place, as far as is known.
func (s *Stored) Has(source string, number int, p Place) bool {
	at, ok := s.Where(source, number)
	return !ok || at == p || s.others[copyOf{source, number, p}] || s.moved
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

// Last returns the highest number of each source.
func (s *Stored) Last() map[string]int {
	last := map[string]int{}
	for source, list := range s.places {
		last[source] = len(list) - 1
	}
	return last
}

// Include takes over what other knows.
func (s *Stored) Include(other *Stored) {
	s.moved = s.moved || other.moved
	for c := range other.others {
		s.others[c] = true
	}
	for source, list := range other.places {
		for n, p := range list {
			if p.Seqnum != 0 {
				s.add(Message{Source: source, Number: n}, p)
			}
		}
	}
}

// PlaceOf returns the place of an entry.
func PlaceOf(seqnumID [16]byte, seqnum uint64) Place {
	return Place{SeqnumID: unique.Make(hex.EncodeToString(seqnumID[:])).Value(), Seqnum: seqnum}
}

// list adds the messages that journalctl prints; false if there was a file that it could not open.
func (s *Stored) list(t *testing.T, names []string) bool {
	t.Helper()
	args := append([]string{"--output=export", "--output-fields=MESSAGE", "--all", "--quiet", "--no-pager"}, names...)
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
			if m, ok := Parse(value); ok {
				s.add(m, at)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("reading from journalctl: %v", err)
	}
	err = cmd.Wait()
	if err != nil && !passing(said.String()) {
		t.Fatalf("%q: %v: %s", cmd.Args, err, said.Bytes())
	}
	return err == nil
}

// passing reports whether journalctl's complaint is of a file that is being made, or was deleted before or (EIDRM) while it was
// being opened.
func passing(complaint string) bool {
	for _, why := range []string{"No such file", "No data available", "Identifier removed"} {
		if strings.Contains(complaint, why) {
			return true
		}
	}
	return false
}

func parsePlace(cursor string) (p Place) {
	for part := range strings.SplitSeq(cursor, ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "s":
			p.SeqnumID = unique.Make(value).Value() // there are few
		case "i":
			p.Seqnum, _ = strconv.ParseUint(value, 16, 64) // 0, like a cursor without it
		}
	}
	return p
}
