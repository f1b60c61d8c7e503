package compat

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"journalpump/test/program"
	"journalpump/test/sample"
)

// The judge that came with the recordings says the same as TestCases; it may also have cases that are not copied here.
func TestSharedCheck(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("JOURNALPUMP_SHARED")
	if dir == "" {
		dir = filepath.Join(program.Root(t), "..", "shared")
	}
	check := filepath.Join(dir, "compat", "check.py")
	if _, err := os.Stat(check); err != nil {
		t.Skipf("the shared cases are not beside the repository (%s); JOURNALPUMP_SHARED says where they are", filepath.Join("..", "shared"))
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("the shared cases' check.py needs python3")
	}
	if _, err := sample.Remote(); err != nil {
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), python, check, program.Binary()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 0 failed") {
		t.Errorf("check.py: %v\n%s", err, out)
	}
}
