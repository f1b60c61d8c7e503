//go:build packages

package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"journalpump/test/program"
)

// built returns the one file in build/package that the pattern matches.
func built(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(program.Root(t), "build", "package", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("want one build/package/%s, got %q, %v; make packages builds them", pattern, found, err)
	}
	return found[0]
}

// command runs a command in the directory (the test's own if that is empty) and returns what it printed on both outputs.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// write writes a file with the mode, and the directories above it.
func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}
