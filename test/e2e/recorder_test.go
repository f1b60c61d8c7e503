package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"journalpump/test/journald"
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
	for _, backend := range []string{"native", "libsystemd"} { // with an index and without
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			testFlightRecorder(t, backend)
		})
	}
}

func testFlightRecorder(t *testing.T, backend string) {
	t.Helper()
	s := newSetup(t)
	reader := warnings(s.sender("out"), object{"cooldown": 0})
	reader["journal_path"], reader["journal_backend"] = journalOf(t, failing()...), backend
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

// The configuration's events, and those that come with the program, are criteria, too.
func TestFlightRecorderWithEvents(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	reader := warnings(s.sender("out"), object{"criteria": []string{"gave_up", "unit.start"}})
	reader["events"] = object{"gave_up": object{"fields": object{"MESSAGE": "no more ideas"}}}
	reader["journal_path"] = journalOf(t, append(failing(),
		line("c.service", 7, "c starts"),
		"_TRANSPORT=journal\n_PID=1\n_UID=0\n_SYSTEMD_UNIT=init.scope\nPRIORITY=6\nMESSAGE_ID=39f53479d3a045ac8e11786248231fbf\nUNIT=c.service\n"+
			"JOB_TYPE=start\nJOB_RESULT=done\nMESSAGE=Started c.\n")...)
	config := s.configWith(reader)
	config["events"] = object{"gave_up": object{"units": "*"}} // the reader's own comes first
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	s.writeText(t, string(text))
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	got := readRecorded(t, s.file("out"))
	want := []string{
		"a is short of memory",
		"begin _SYSTEMD_UNIT=a.service 2",
		"1 a starts with password=hunter2",
		"2 a tries again",
		"3 a has no more ideas",
		"end _SYSTEMD_UNIT=a.service 2",
		"a.service: Failed with result 'exit-code'.",
		"a.service: Failed with result 'exit-code'.",
		"b.service: Failed with result 'exit-code'.",
		"the end",
		"begin _SYSTEMD_UNIT=c.service 1",
		"1 c starts",
		"2 Started c.",
		"end _SYSTEMD_UNIT=c.service 1",
	}
	if texts := brief(got); !slices.Equal(texts, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(texts, "\n"), strings.Join(want, "\n"))
	}
	if reason := got[1].Reason; reason != "gave_up" {
		t.Errorf("the reason is %q", reason)
	}
	if begin := got[len(got)-4]; begin.Reason != "unit.start" || begin.Message != "-----BEGIN UNIT START FORENSICS-----" {
		t.Errorf("the last dump begins with %+v", begin)
	}
}

// A dump goes where the entry goes that lets the recorder dump, in the form that things have there; what goes no route goes the first.
func TestFlightRecorderWithRoutes(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	first, severe := filepath.Join(s.dir, "first"), filepath.Join(s.dir, "severe")
	sender := s.sender("out")
	sender["routes"] = []object{
		{"on": "unit.start", "file": first},
		{"on": []string{"severe", "unit.failed"}, "file": severe, "format": "short"},
	}
	reader := warnings(sender, object{"cooldown": 0, "after": 1})
	reader["journal_path"] = journalOf(t, append(failing(),
		line("c.service", 7, "c starts"), line("c.service", 2, "c is on fire"),
		"_TRANSPORT=kernel\nPRIORITY=6\nMESSAGE=c[4711]: segfault at 0 ip 0\n")...)
	reader["events"] = object{"severe": object{"priority": "crit"}}
	reader["formats"] = object{"short": object{"keys": object{"MESSAGE": "MESSAGE"}}}
	s.write(t, reader)
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	if r := program.Run(t, "audit", s.config()); r.Code != 0 {
		t.Errorf("the audit's exit status is %d:\n%s", r.Code, r.Output)
	}
	for file, want := range map[string][]string{
		severe: {
			"begin _SYSTEMD_UNIT=a.service 4",
			"1 a starts with password=hunter2",
			"2 a is short of memory",
			"3 a tries again",
			"4 a has no more ideas",
			"5 a.service: Failed with result 'exit-code'.",
			"end _SYSTEMD_UNIT=a.service 4",
			"7 a starts over",
			"begin _SYSTEMD_UNIT=a.service 0",
			"1 a.service: Failed with result 'exit-code'.",
			"end _SYSTEMD_UNIT=a.service 0",
			"begin _SYSTEMD_UNIT=b.service 3",
			"1 b starts",
			"2 b works",
			"3 b works still",
			"4 b.service: Failed with result 'exit-code'.",
			"end _SYSTEMD_UNIT=b.service 3",
			"6 the end",
			"c is on fire",
		},
		first: {
			"begin _SYSTEMD_UNIT=c.service 2",
			"1 c starts",
			"2 c is on fire",
			"3 c[4711]: segfault at 0 ip 0",
			"end _SYSTEMD_UNIT=c.service 2",
		},
	} {
		if texts := brief(readRecorded(t, file)); !slices.Equal(texts, want) {
			t.Errorf("%s has\n%s\nwant\n%s", filepath.Base(file), strings.Join(texts, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Blocks of text in a file of their own, beside a sender that has the rest.
func TestFlightRecorderText(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	recorder := s.sender("blocks")
	recorder["flight_recorder"] = object{"only": true, "format": "text", "cooldown": 0}
	s.write(t, object{
		"journal_path":   journalOf(t, failing()...),
		"secret_filters": []object{{"pattern": "password=[^ ]+", "replacement": "password=***"}},
		"senders":        object{"blocks": recorder, "all": s.sender("all")},
	})
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d:\n%s", r.Code, r.Output)
	}
	text, err := os.ReadFile(s.file("blocks"))
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^ID: [0-9a-f]{32}$`).ReplaceAllString(string(text), "ID: X")
	want, err := os.ReadFile("testdata/blocks.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if all := readRecorded(t, s.file("all")); len(all) != len(failing()) {
		t.Errorf("the other sender got %d entries", len(all))
	}
}

// With a journald at work, across its rotations: the lines of the process that fails, and not those of another one.
func TestFlightRecorderLive(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := newSetup(t)
	reader := warnings(s.sender("out"), object{
		"key":      []string{"_PID", "PART"},
		"criteria": []object{{"name": "gave_up", "when": object{"fields": object{"MESSAGE": "giving up"}}}},
		"only":     true,
	})
	reader["journal_path"] = j.Dir
	s.write(t, reader)
	pump := program.Start(t, nil, s.config())
	send := func(part, message string) {
		t.Helper()
		if err := j.Native(t).Send(os.Getuid(), "PART="+part, "PRIORITY=7", "MESSAGE="+message); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for round := range 4 {
		for i := range 10 {
			send("a", fmt.Sprintf("a %d %d", round, i))
			send("b", fmt.Sprintf("b %d %d", round, i))
		}
		if round%2 == 0 {
			j.Rotate(t)
		}
		send("a", "giving up")
		key := fmt.Sprintf("_PID=%d PART=a", os.Getpid())
		want = append(want, fmt.Sprint("begin ", key, " 10"))
		for i := range 10 {
			want = append(want, fmt.Sprintf("%d a %d %d", i+1, round, i))
		}
		want = append(want, "11 giving up", fmt.Sprint("end ", key, " 10"))
		program.Until(t, "the dump is there", func() bool { return pump.Ended() || lines(t, s.file("out")) >= len(want) })
		if round == 1 {
			program.Until(t, "the dumps are accepted", func() bool { return recalled(t, s.state()+".positions", 2*(10+2)) })
			pump.Kill(t)
			pump = program.Start(t, nil, s.config())
		}
		program.Pause(t, 1100*time.Millisecond) // the cooldown
	}
	pump.Stop(t)
	if got := brief(readRecorded(t, s.file("out"))); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// recalled reports whether a log of positions says that so many records of dumps were accepted.
func recalled(t *testing.T, file string, n int) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // there is none before the state file was saved for the first time
		t.Fatal(err)
	}
	return bytes.Contains(text, fmt.Appendf(nil, `"recalled":%d`, n))
}

// lines returns how many lines a file has, 0 if there is none.
func lines(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}
