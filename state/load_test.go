package state

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestMissingIsEmpty(t *testing.T) {
	s, warnings := load(t, filepath.Join(t.TempDir(), "none.json"))
	if len(s.Readers) != 0 || len(warnings) != 0 {
		t.Errorf("%v %q", s, warnings)
	}
}

func TestUnreadableIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory for a state file: %v", err)
	}
}

func TestOriginal(t *testing.T) {
	const cursor4500 = "s=0a6f1b4f7d5a4f0fb7f3f8f1f4a4f3c2;i=1194;b=9c5f0e2f5c2b4fb19c1a0a7c4d6e8f10;m=144aa20;" +
		"t=643d0f2074a20;x=feed1194"
	s, warnings := load(t, "testdata/original.json")
	if len(warnings) != 0 {
		t.Errorf("warnings: %q", warnings)
	}
	if want := time.Date(2026, 11, 20, 6, 25, 1, 482913000, time.UTC); !s.StartTime.Equal(want) {
		t.Errorf("started %v, want %v", s.StartTime, want)
	}
	r := s.Readers["syslog"]
	if r.Position.Seqnum != 4711 || r.Lines != 4711 || r.Bytes != 2355500 || r.Searches["logins"] != 12 {
		t.Errorf("reader: %+v", r)
	}
	elastic, file := r.Senders["elastic"], r.Senders["file"]
	if elastic.Position.String() != cursor4500 || !elastic.Started {
		t.Errorf("elastic goes on at %q, started %v", elastic.Position, elastic.Started)
	}
	if elastic.Health != pump.Disconnected || len(elastic.Errors) != 1 || elastic.Queued != 211 {
		t.Errorf("elastic: %+v", elastic)
	}
	if file.Position.Seqnum != 4711 || !file.Started || file.SentRecords != 4711 {
		t.Errorf("file: %+v", file)
	}
	if out := s.Readers["empty"].Senders["out"]; out.Started || !out.Position.IsZero() {
		t.Errorf("a sender that has sent nothing: %+v", out)
	}
}

func TestOriginalThatHadSentNothing(t *testing.T) {
	s, _ := load(t, "testdata/original-unsent.json")
	kafka := s.Readers["r"].Senders["kafka"]
	if kafka.Started || !kafka.Position.IsZero() {
		t.Errorf("%+v; it must begin at the reader's initial position", kafka)
	}
	if s.Readers["r"].Position.Seqnum != 100 || s.StartTime.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestOriginalWithoutSenders(t *testing.T) {
	s, _ := load(t, "testdata/original-no-senders.json")
	if r := s.Readers["metrics"]; r.Position.Seqnum != 9 || r.Searches["hits é ☃"] != 3 || len(r.Senders) != 0 {
		t.Errorf("%+v", r)
	}
}

// damages are ways in which a good file may have become bad.
func damages(t *testing.T) map[string]string {
	t.Helper()
	good, err := newDocument(full(), time.Now()).encode()
	if err != nil {
		t.Fatal(err)
	}
	text := string(good)
	swap := func(old, replacement string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the file", old)
		}
		return strings.ReplaceAll(text, old, replacement)
	}
	return map[string]string{
		"empty":             "",
		"zeros":             strings.Repeat("\x00", 4096),
		"cut off":           text[:len(text)/2],
		"last brace gone":   strings.TrimSuffix(text, "}\n"),
		"something after":   text + "}",
		"no JSON":           "readers",
		"null":              "null",
		"a list":            "[]",
		"null reader":       `{"readers": {"r": null}, "start_time": null}`,
		"null sender":       `{"readers": {"r": {"senders": {"s": null}}}}`,
		"text for number":   swap(`"total_lines": 100`, `"total_lines": "100"`),
		"fraction":          swap(`"total_lines": 100`, `"total_lines": 100.5`),
		"number for cursor": swap(`"cursor": "`+position(90).String()+`"`, `"cursor": 90`),
		"bad cursor":        swap(position(90).String(), "s=xyz;i=1"),
		"cursor of nowhere": swap(position(90).String(), "x=1"),
		"bad time":          swap("2026-11-20T06:25:01.482913\"", "yesterday\""),
		"bad sequence ID":   swap(pump.ID128{7}.String(), "7"),
	}
}

func TestDamagedFallsBackToPrevious(t *testing.T) {
	for name, content := range damages(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			save(t, openFile(t, path), full())
			if err := os.Rename(path, path+previousSuffix); err != nil {
				t.Fatal(err)
			}
			write(t, path, content)

			s, warnings := load(t, path)
			if diff := cmp.Diff(full(), s); diff != "" {
				t.Errorf("previous - loaded +:\n%s", diff)
			}
			if text := strings.Join(warnings, "\n"); !strings.Contains(text, "damaged") || !strings.Contains(text, path) {
				t.Errorf("warnings: %q", warnings)
			}
			checkSetAside(t, path, content)

			s, warnings = load(t, path) // as if the agent had died before its first Save
			if diff := cmp.Diff(full(), s); diff != "" || len(warnings) != 0 {
				t.Errorf("the second time: %q\n%s", warnings, diff)
			}
		})
	}
}

func checkSetAside(t *testing.T, path, content string) {
	t.Helper()
	names, err := filepath.Glob(path + damagedSuffix + "*")
	if err != nil || len(names) != 1 {
		t.Fatalf("set aside: %q, %v", names, err)
	}
	if !regexp.MustCompile(`\.damaged-\d{8}T\d{6}$`).MatchString(names[0]) {
		t.Errorf("set aside as %q", names[0])
	}
	if read(t, names[0]) != content {
		t.Error("what was set aside is not what was found")
	}
}

func TestDamagedWithoutPrevious(t *testing.T) {
	for name, previous := range map[string]string{"none": "", "damaged too": "{"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			write(t, path, `{"readers": `)
			if previous != "" {
				write(t, path+previousSuffix, previous)
			}
			s, warnings := load(t, path)
			if len(s.Readers) != 0 || !strings.Contains(strings.Join(warnings, "\n"), "initial position") {
				t.Errorf("%v %q", s, warnings)
			}
			checkSetAside(t, path, `{"readers": `)
			save(t, openFile(t, path), full())
			if s, _ := load(t, path); len(s.Readers) != 1 {
				t.Error("saving did not go on")
			}
		})
	}
}

// Every shorter piece of a file is recognised as not being all of it.
func TestEveryTruncationIsDamage(t *testing.T) {
	for _, name := range []string{"testdata/original.json", "testdata/original-no-senders.json"} {
		text := strings.TrimSpace(read(t, name))
		for n := range text {
			if s, _, err := Decode([]byte(text[:n])); err == nil {
				t.Fatalf("the first %d of %d bytes of %s were taken for a state file: %+v", n, len(text), name, s)
			}
		}
	}
}

func TestNewerFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	save(t, openFile(t, path), full())
	newer := strings.Replace(read(t, path), `"format": 1,`, `"format": 7, "future": {"x": []},`, 1)
	write(t, path, newer)
	s, warnings := load(t, path)
	if diff := cmp.Diff(full(), s); diff != "" {
		t.Errorf("saved - loaded +:\n%s", diff)
	}
	if text := strings.Join(warnings, "\n"); !strings.Contains(text, "format 7") {
		t.Errorf("warnings: %q", warnings)
	}
	save(t, openFile(t, path), s)
	if read(t, path+".format-7") != newer {
		t.Error("no copy of the newer file was kept")
	}
}
