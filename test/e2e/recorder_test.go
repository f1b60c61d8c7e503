package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// recorded is what a flight recorder's tests look at in a line.
type recorded struct {
	Message string `json:"MESSAGE"`
	Unit    string `json:"SYSTEMD_UNIT"`
	ID      string `json:"FLIGHT_RECORDER_ID"`
	Index   int    `json:"FLIGHT_RECORDER_INDEX"`
	Reason  string `json:"FLIGHT_RECORDER_REASON"`
	Key     string `json:"FLIGHT_RECORDER_KEY"`
	Mark    string `json:"FLIGHT_RECORDER_MARK"`
	Lines   int    `json:"FLIGHT_RECORDER_LINES"`
}

// line is an entry of a unit.
func line(unit string, priority int, message string) string {
	return fmt.Sprintf("_TRANSPORT=journal\n_PID=4711\n_UID=33\n_SYSTEMD_UNIT=%s\nPRIORITY=%d\nMESSAGE=%s\n", unit, priority, message)
}

// failure is what systemd says when a unit fails.
func failure(unit string) string {
	return "_TRANSPORT=journal\n_PID=1\n_UID=0\n_SYSTEMD_UNIT=init.scope\nPRIORITY=4\nMESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c\nUNIT=" + unit +
		"\nMESSAGE=" + unit + ": Failed with result 'exit-code'.\n"
}

// warnings are settings that let a sender have warnings and what is worse.
func warnings(sender, recorder object) object {
	sender["unit_log_level"] = "warnings"
	sender["flight_recorder"] = recorder
	return object{
		"unit_log_levels": object{"warnings": []object{{"service_glob": "*", "log_level": "WARNING"}}},
		"senders":         object{"out": sender},
	}
}

func readRecorded(t *testing.T, file string) (all []recorded) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var r recorded
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// brief returns the messages, those of dumps with their places.
func brief(all []recorded) (texts []string) {
	for _, r := range all {
		switch {
		case r.Mark != "":
			texts = append(texts, fmt.Sprint(r.Mark, " ", r.Key, " ", r.Lines))
		case r.ID != "":
			texts = append(texts, fmt.Sprint(r.Index, " ", r.Message))
		default:
			texts = append(texts, r.Message)
		}
	}
	return texts
}

func failing() []string {
	return []string{
		line("a.service", 7, "a starts with password=hunter2"),
		line("b.service", 7, "b starts"),
		line("a.service", 4, "a is short of memory"),
		line("a.service", 6, "a tries again"),
		line("b.service", 6, "b works"),
		line("a.service", 7, "a has no more ideas"),
		failure("a.service"),
		line("a.service", 7, "a starts over"),
		line("b.service", 7, "b works still"),
		failure("a.service"),
		failure("b.service"),
		line("b.service", 3, "the end"),
	}
}

// When a unit fails, the lines that led there are sent, those of this unit, in order, each once, and without secrets.
func TestFlightRecorder(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	reader := warnings(s.sender("out"), object{"cooldown": 0})
	reader["journal_path"] = journalOf(t, failing()...)
	reader["secret_filters"] = []object{{"pattern": "password=[^ ]+", "replacement": "password=***"}}
	s.write(t, reader)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	got := readRecorded(t, s.file("out"))
	want := []string{
		"a is short of memory",
		"begin _SYSTEMD_UNIT=a.service 3",
		"1 a starts with password=***",
		"2 a tries again",
		"3 a has no more ideas",
		"4 a.service: Failed with result 'exit-code'.",
		"end _SYSTEMD_UNIT=a.service 3",
		"begin _SYSTEMD_UNIT=a.service 1",
		"1 a starts over",
		"2 a.service: Failed with result 'exit-code'.",
		"end _SYSTEMD_UNIT=a.service 1",
		"begin _SYSTEMD_UNIT=b.service 3",
		"1 b starts",
		"2 b works",
		"3 b works still",
		"4 b.service: Failed with result 'exit-code'.",
		"end _SYSTEMD_UNIT=b.service 3",
		"the end",
	}
	if texts := brief(got); !slices.Equal(texts, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
	}
	ids := map[string]int{}
	for _, r := range got {
		if r.ID != "" && r.Reason != "untimely_death" {
			t.Errorf("the reason is %q", r.Reason)
		}
		ids[r.ID]++
	}
	if len(ids) != 4 { // and those of no dump
		t.Errorf("dumps with the IDs %v", ids)
	}
}

// However often the program is killed while a dump is being sent, in however many batches, all of it arrives, and again comes only
// the batch that was in flight.
func TestFlightRecorderKilled(t *testing.T) {
	t.Parallel()
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
	reader := warnings(object{
		"output_type": "logplex", "logplex_log_input_url": server.URL, "logplex_token": "t.1", "max_send_interval": 0.05,
	}, object{"after": 1})
	reader["journal_path"] = journalOf(t, entries...)
	config := s.configWith(reader)
	config["msg_buffer_max_length"] = 7
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	for until := 1; until <= 5; until++ {
		pump := program.Start(t, nil, s.config())
		program.Until(t, "a batch has come", func() bool { return d.batches() >= until || pump.Ended() })
		program.Pause(t, time.Duration(rnd.IntN(3))*time.Millisecond)
		pump.Kill(t)
		d.cut()
	}
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	want := []string{"before", "-----BEGIN UNTIMELY DEATH FORENSICS-----"}
	for i := range 40 {
		want = append(want, fmt.Sprint("quiet ", i))
	}
	want = append(want, "a.service: Failed with result 'exit-code'.", "-----END UNTIMELY DEATH FORENSICS-----", "follows", "after")
	d.judge(want)
}

// dumpTaker takes all that comes.
type dumpTaker struct {
	t    *testing.T
	mu   sync.Mutex
	got  [][]string // messages of batches
	cuts []int      // after so many batches the program was killed
}

func (d *dumpTaker) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the program was killed while it was sending
	}
	var batch []string
	for len(body) > 0 { // LENGTH MESSAGE, one behind the other
		length, rest, _ := bytes.Cut(body, []byte(" "))
		size, err := strconv.Atoi(string(length))
		if err != nil || size > len(rest) {
			d.t.Errorf("no frame: %.100q", body)
			return
		}
		_, text, _ := bytes.Cut(rest[:size], []byte(" - "))
		batch, body = append(batch, strings.TrimSpace(string(text))), rest[size:]
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

func (d *dumpTaker) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cuts = append(d.cuts, len(d.got))
}

// judge holds what came against what had to: a batch that follows a kill may have come before.
func (d *dumpTaker) judge(want []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := 0
	for i, batch := range d.got {
		at := slices.Index(want, batch[0])
		if at != next && !(slices.Contains(d.cuts, i) && at >= 0 && i > 0 && at == next-len(d.got[i-1])) {
			d.t.Errorf("batch %d begins with %q, want %q (killed after %v)", i, batch[0], want[min(next, len(want)-1)], d.cuts)
			return
		}
		if next = at + len(batch); next > len(want) || !slices.Equal(batch, want[at:next]) {
			d.t.Errorf("batch %d is %q", i, batch)
			return
		}
	}
	if next != len(want) {
		d.t.Errorf("%d messages came, want %d", next, len(want))
	}
}
