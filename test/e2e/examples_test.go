package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"journalpump/test/program"
)

var stateDirectory = regexp.MustCompile(`"json_state_file_path": "[^"]*/`)

// The examples that we ship are configurations without errors or warnings, once there is a place for the state file.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(program.Root(t), "packaging", "examples", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			example := filepath.Join(dir, filepath.Base(file))
			text = stateDirectory.ReplaceAll(text, []byte(`"json_state_file_path": "`+dir+`/`))
			if err := os.WriteFile(example, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if r := program.Run(t, "check", "--strict", example); r.Code != 0 {
				t.Errorf("exit status %d:\n%s", r.Code, r.Output)
			}
		})
	}
}
