package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"journalpump/test/program"
)

var stateDirectory = regexp.MustCompile(`"json_state_file_path": "[^"]*/`)

// The examples that we ship are configurations without errors or warnings, once there is a place for the state and the files.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(program.Root(t), "packaging", "examples", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			checkStrictly(t, readFile(t, file))
		})
	}
}

var commentedOut = regexp.MustCompile(`(?m)^( +)// ?`)

// The configuration of the packages does nothing and says so; what is commented out in it is a configuration.
func TestDefaultConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(program.Root(t), "packaging", "journalpump.json")
	if r := program.Run(t, "check", file); r.Code != 0 || !strings.Contains(r.Output, "readers: is empty, so nothing is read") {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
	text := readFile(t, file)
	if !commentedOut.Match(text) {
		t.Fatalf("nothing is commented out in\n%s", text)
	}
	checkStrictly(t, commentedOut.ReplaceAll(text, []byte("$1")))
}

const (
	// outputDirectory is where the examples' files are, which the packages make.
	outputDirectory = "/var/log/journalpump/"
	// sampleJournal is what `make run` writes before it runs its example.
	sampleJournal = "build/run/journal"
)

// checkStrictly fails the test unless the configuration has no errors and no warnings, with its journal, its state and its files in
// directories that are there.
func checkStrictly(t *testing.T, text []byte) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "journalpump.json")
	if bytes.Contains(text, []byte(sampleJournal)) {
		text = bytes.ReplaceAll(text, []byte(sampleJournal), []byte(numberedJournal(t, 1)))
	}
	text = stateDirectory.ReplaceAll(text, []byte(`"json_state_file_path": "`+dir+`/`))
	if err := os.WriteFile(config, bytes.ReplaceAll(text, []byte(outputDirectory), []byte(dir+"/")), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := program.Run(t, "check", "--strict", config); r.Code != 0 {
		t.Errorf("exit status %d:\n%s", r.Code, r.Output)
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
