package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/test/program"
)

// Beside a good journal lie what is left of another one and what is no journal at all: all that can be read is delivered,
// the rest is counted, logged and in the state.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	const entries = 300
	dir, other := numberedJournal(t, entries), numberedJournal(t, entries)
	files, err := filepath.Glob(filepath.Join(other, "*.journal"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	damaged, text := filepath.Join(dir, "damaged@1.journal"), filepath.Join(dir, "text@1.journal")
	clear(b[1<<20:]) // all behind the header, and a part of the hash tables
	for path, content := range map[string][]byte{damaged: b, text: []byte("no journal")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo.journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	statsd, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer statsd.Close()

	s := newSetup(t)
	config := s.configWith(object{"journal_path": dir, "senders": object{"out": s.sender("out")}})
	config["statsd"] = object{"host": "127.0.0.1", "port": statsd.LocalAddr().(*net.UDPAddr).Port}
	j, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(j))
	r := program.Run(t, "--once", "--timeout", "60s", s.config())
	if r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	if n := strings.Count(r.Output, "file="+text); n != 1 {
		t.Errorf("%s is mentioned %d times:\n%s", text, n, r.Output)
	}
	if !newOutput(s.file("out")).read(t).hasAll(map[string]int{"file": entries}) {
		t.Error("entries of the good file are missing")
	}
	if !strings.Contains(strings.Join(program.Datagrams(t, statsd), "\n"), "journal.corrupted_log_entry") {
		t.Error("journal.corrupted_log_entry is not counted")
	}
	var state struct {
		Readers map[string]struct {
			Corrupted int
			Gaps      struct{ Count int }
		}
	}
	saved, err := os.ReadFile(s.state())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(saved, &state); err != nil {
		t.Fatal(err)
	}
	if r := state.Readers["r"]; r.Corrupted == 0 || r.Gaps.Count == 0 {
		t.Errorf("the state says %+v: %s", r, saved)
	}
}
