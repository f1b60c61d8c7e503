package e2e

import (
	"path/filepath"
	"testing"

	"journalpump/test/program"
)

// The examples that we ship are configurations without errors.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(program.Root(t), "packaging", "examples", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if r := program.Run(t, "check", file); r.Code != 0 {
				t.Errorf("exit status %d:\n%s", r.Code, r.Output)
			}
		})
	}
}
