package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"journalpump/test/program"
)

// picky is a destination that refuses some messages for good.
type picky struct {
	mu      sync.Mutex
	refuses func(n int) bool
	seen    map[int]int
}

func (p *picky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var numbers []int
	for len(body) > 0 { // LENGTH MESSAGE, one behind the other
		length, rest, _ := bytes.Cut(body, []byte(" "))
		size, err := strconv.Atoi(string(length))
		if err != nil || size > len(rest) {
			http.Error(w, "no such frame", http.StatusInternalServerError)
			return
		}
		_, text, _ := bytes.Cut(rest[:size], []byte("numbered **** "))
		n, err := strconv.Atoi(string(text))
		if err != nil || p.refuses(n) {
			http.Error(w, "no such number is wanted", http.StatusBadRequest)
			return
		}
		numbers, body = append(numbers, n), rest[size:]
	}
	for _, n := range numbers {
		p.seen[n]++
	}
}

func (p *picky) now(refuses func(int) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses, p.seen = refuses, map[int]int{}
}

func (p *picky) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, times := range p.seen {
		if times != 1 {
			return -n
		}
	}
	return len(p.seen)
}

// What is refused for good holds up nothing, is kept redacted, and is sent again by replay.
func TestReplay(t *testing.T) {
	t.Parallel()
	const entries = 1000
	s := newSetup(t)
	var p picky
	p.now(func(n int) bool { return n%100 == 0 })
	server := httptest.NewServer(&p)
	defer server.Close()
	dead := filepath.Join(s.dir, "dead.jsonl")
	config := s.configWith(object{
		"journal_path":   numberedJournal(t, entries),
		"secret_filters": []object{{"pattern": "(numbered )file", "replacement": "\\1****"}},
		"senders": object{"logplex": object{
			"output_type": "logplex", "logplex_log_input_url": server.URL, "logplex_token": "t.1",
			"extra_field_values": object{"env": "test"},
		}},
	})
	config["dead_letter_file"] = dead
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))

	if r := program.Run(t, "--once", s.config()); r.Code != 0 || p.count() != entries*99/100 {
		t.Fatalf("exit status %d, %d messages came:\n%s", r.Code, p.count(), r.Output)
	}
	kept, err := os.ReadFile(dead)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(kept, []byte(`"env":"test"`)); n != entries/100 || bytes.Contains(kept, []byte("file")) {
		t.Fatalf("%d dead letters are kept as the sender saw them:\n%s", n, kept)
	}
	replay := func(code int, said ...string) {
		t.Helper()
		args := append([]string{"replay", dead, "--sender", "logplex", s.config()}, said[1:]...)
		r := program.Run(t, args...)
		if r.Code != code || !strings.Contains(r.Output, said[0]) {
			t.Errorf("exit status %d, want %d and %q:\n%s", r.Code, code, said[0], r.Output)
		}
		if now, err := os.ReadFile(dead); err != nil || !bytes.Equal(now, kept) {
			t.Errorf("the dead letters have changed: %v\n%s", err, now)
		}
	}
	p.now(func(int) bool { return true })
	replay(0, "10 dead letters of r/logplex", "--dry-run")
	replay(1, fmt.Sprintf("0 accepted, 10 refused again (now also in %s.refused)", dead))
	p.now(func(n int) bool { return n < 300 })
	replay(1, "8 accepted, 2 refused again (now also in "+s.dir+"/still)", "--refused", s.dir+"/still")
	p.now(func(int) bool { return false })
	replay(0, "10 accepted\n")
	if n := p.count(); n != 10 {
		t.Errorf("%d messages came", n)
	}
	p.now(func(int) bool { return false })
	if r := program.Run(t, "replay", s.dir+"/still", "--sender", "r/logplex", s.config()); r.Code != 0 || p.count() != 2 {
		t.Errorf("exit status %d, %d messages came:\n%s", r.Code, p.count(), r.Output)
	}
	server.Close()
	replay(1, "0 accepted, 10 not sent", "--timeout", "100ms")
	replay(1, "cannot be read and added to", "--refused", dead)
	if r := program.Run(t, "replay", dead, "--sender", "nobody", s.config()); r.Code != 1 || !strings.Contains(r.Output, "r/logplex") {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
}
