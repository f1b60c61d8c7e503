package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// However often the program is killed while a dump is being sent, in however many batches, all of it arrives, and again comes only
// the batch that was in flight.
func TestFlightRecorderKilled(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]string{"everything": "ALL", "events": "loud"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testFlightRecorderKilled(t, on)
		})
	}
}

func testFlightRecorderKilled(t *testing.T, on string) {
	t.Helper()
	rnd := newRand(t)
	s := newSetup(t)
	d := dumpTaker{t: t}
	server := httptest.NewServer(&d)
	defer server.Close()
	entries := []string{line("a.service", 4, "before")}
	for i := range 40 {
		entries = append(entries, line("a.service", 7, fmt.Sprint("quiet ", i)))
	}
	entries = append(entries, failure("a.service"), line("a.service", 7, "follows"), line("a.service", 4, "after"))
	journal := journalOf(t, entries...)
	configure := func(process int) {
		reader := warnings(object{
			"output_type": "logplex", "logplex_log_input_url": fmt.Sprintf("%s/%d", server.URL, process), "logplex_token": "t.1",
			"max_send_interval": 0.05, "on": on,
		}, object{"after": 1})
		reader["events"] = object{"loud": object{"not": object{"priority": []int{7}}}}
		reader["journal_path"] = journal
		config := s.configWith(reader)
		config["msg_buffer_max_length"] = 7
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		s.writeText(t, string(text))
	}
	const kills = 5
	for process := range kills {
		configure(process)
		pump := program.Start(t, nil, s.config())
		program.Until(t, "a batch has come", func() bool { return d.batches() > process || pump.Ended() })
		program.Pause(t, time.Duration(rnd.IntN(3))*time.Millisecond)
		pump.Kill(t)
	}
	configure(kills)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	server.Close() // which waits for what is being taken
	want := []string{"before", "-----BEGIN UNTIMELY DEATH FORENSICS-----"}
	for i := range 40 {
		want = append(want, fmt.Sprint("quiet ", i))
	}
	want = append(want, "a.service: Failed with result 'exit-code'.", "-----END UNTIMELY DEATH FORENSICS-----", "follows", "after")
	d.judge(want)
}

// dumpTaker takes all that comes.
type dumpTaker struct {
	t   *testing.T
	mu  sync.Mutex
	got []dumpBatch
}

// dumpBatch is the messages of a batch, and which process sent it.
type dumpBatch struct {
	process  int
	messages []string
}

func (d *dumpTaker) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program was killed while it was sending
	}
	var batch dumpBatch
	if batch.process, err = strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/")); err != nil {
		d.t.Errorf("no process: %q", r.URL.Path)
		return
	}
	for len(body) > 0 { // LENGTH MESSAGE, one behind the other
		length, rest, _ := bytes.Cut(body, []byte(" "))
		size, err := strconv.Atoi(string(length))
		if err != nil || size > len(rest) {
			d.t.Errorf("no frame: %.100q", body)
			return
		}
		_, text, _ := bytes.Cut(rest[:size], []byte(" - "))
		batch.messages, body = append(batch.messages, strings.TrimSpace(string(text))), rest[size:]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, batch)
}

func (d *dumpTaker) batches() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.got)
}

// judge holds what came against what had to: a batch that follows a kill may have come before.
func (d *dumpTaker) judge(want []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// What a process had sent when it was killed may be taken when the next one sends already.
	slices.SortStableFunc(d.got, func(a, b dumpBatch) int { return a.process - b.process })
	next := 0
	for i, batch := range d.got {
		at := slices.Index(want, batch.messages[0])
		killed := i > 0 && d.got[i-1].process != batch.process
		if at != next && !(killed && at >= 0 && at == next-len(d.got[i-1].messages)) {
			d.t.Errorf("batch %d, of process %d, begins with %q, want %q", i, batch.process, batch.messages[0], want[min(next, len(want)-1)])
			return
		}
		if next = at + len(batch.messages); next > len(want) || !slices.Equal(batch.messages, want[at:next]) {
			d.t.Errorf("batch %d is %q", i, batch.messages)
			return
		}
	}
	if next != len(want) {
		d.t.Errorf("%d messages came, want %d", next, len(want))
	}
}
