// Package program builds journalpump once for a package's tests and runs it as a user would: as a process with a
// configuration file, signals and an exit status.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is what Main has built. It is set before the first test starts.
var binary string

// Main is for TestMain: it builds the program, runs the tests and exits. With JOURNALPUMP_BINARY in the environment it
// tests that binary instead.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if given := os.Getenv("JOURNALPUMP_BINARY"); given != "" {
		binary = given
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "journalpump-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "journalpump")
	if err := Build(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Build builds the program into the file out as the Makefile does; env is added to the go command's environment.
func Build(out string, env ...string) error {
	cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-o", out, "journalpump/cmd/journalpump") //nolint:noctx // ends by itself, before any test has a context
	cmd.Env = append(os.Environ(), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building journalpump: %w\n%s", err, said)
	}
	return nil
}

// Binary returns the path of the program that the tests run.
func Binary() string { return binary }

// Root returns the top of the module's source.
func Root(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("finding the module: %v", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}
