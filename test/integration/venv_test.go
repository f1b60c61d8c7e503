//go:build integration

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// venv returns the bin directory of a Python environment with the packages, which stays.
func venv(t *testing.T, name string, packages ...string) string {
	t.Helper()
	dir := filepath.Join(cacheDir(t, "python"), name)
	bin := filepath.Join(dir, "bin")
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); err == nil {
		return bin
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		append([]string{filepath.Join(bin, "pip"), "install", "-q", "--disable-pip-version-check"}, packages...),
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%v cannot be installed here: %v\n%.2000s", packages, err, said)
		}
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return bin
}
