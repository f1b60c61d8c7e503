// Package compat holds the program against recorded outputs of journalpump 2.5.0, the Python original: the same
// configuration and the same journal must give the same objects in the same order.
package compat

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"journalpump/test/program"
	"journalpump/test/sample"
)

func TestMain(m *testing.M) { program.Main(m) }

func TestCases(t *testing.T) {
	t.Parallel()
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	cases, err := filepath.Glob("testdata/cases/*/case.json")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	journals := newJournals(t.TempDir())
	for _, backend := range []string{"native", "libsystemd"} {
		for _, file := range cases {
			dir := filepath.Dir(file)
			t.Run(backend+"/"+filepath.Base(dir), func(t *testing.T) {
				t.Parallel()
				testCase(t, dir, backend, journals)
			})
		}
	}
}

func testCase(t *testing.T, dir, backend string, journals *journals) {
	t.Helper()
	var about struct{ Journal string }
	if err := json.Unmarshal(read(t, filepath.Join(dir, "case.json")), &about); err != nil {
		t.Fatal(err)
	}
	journal, err := journals.get(about.Journal)
	if err != nil {
		t.Fatal(err)
	}
	statsd := listen(t)
	out := t.TempDir()
	text := strings.NewReplacer("@JOURNAL@", journal, "@OUT@", out, "@STATSD_PORT@", strconv.Itoa(statsd.port())).
		Replace(string(read(t, filepath.Join(dir, "config.json.in"))))
	config := filepath.Join(out, "config.json")
	if err := os.WriteFile(config, withBackend(t, text, backend), 0o600); err != nil {
		t.Fatal(err)
	}

	if r := program.Run(t, "--once", config); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}

	expected, err := os.ReadDir(filepath.Join(dir, "expected"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range expected {
		want := filepath.Join(dir, "expected", entry.Name())
		if entry.Name() == "statsd.json" {
			statsd.check(t, read(t, want))
			continue
		}
		name := strings.TrimSuffix(entry.Name(), ".gz")
		compareLines(t, name, readMaybe(t, filepath.Join(out, name)), gunzip(t, want))
	}
}

// withBackend sets journal_backend in every reader of a configuration.
func withBackend(t *testing.T, text, backend string) []byte {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var config map[string]any
	if err := d.Decode(&config); err != nil {
		t.Fatalf("reading the case's configuration: %v", err)
	}
	for _, reader := range config["readers"].(map[string]any) {
		reader.(map[string]any)["journal_backend"] = backend
	}
	b, err := json.MarshalIndent(config, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// journals makes the journals that the cases read, each once.
type journals struct {
	dir  string
	mu   sync.Mutex
	made map[string]func() (string, error)
}

func newJournals(dir string) *journals {
	return &journals{dir: dir, made: make(map[string]func() (string, error))}
}

func (j *journals) get(name string) (dir string, err error) {
	j.mu.Lock()
	makeOnce := j.made[name]
	if makeOnce == nil {
		makeOnce = sync.OnceValues(func() (string, error) { return j.build(name) })
		j.made[name] = makeOnce
	}
	j.mu.Unlock()
	return makeOnce()
}

func (j *journals) build(name string) (string, error) {
	dir := filepath.Join(j.dir, name)
	return dir, sample.BuildJournal(context.Background(), dir, func(w io.Writer) error {
		data, err := readGzip(filepath.Join("testdata", "journals", name+".export.gz"))
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readMaybe is read for a file that needn't be there.
func readMaybe(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

func gunzip(t *testing.T, file string) []byte {
	t.Helper()
	b, err := readGzip(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readGzip(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return io.ReadAll(z)
}
