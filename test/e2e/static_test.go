package e2e

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"journalpump/test/program"
)

// The static binary needs nothing but the kernel: no loader, no library, no file outside its configuration.
func TestStatic(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	binary := filepath.Join(root, "journalpump")
	if err := program.Build(binary, "CGO_ENABLED=0"); err != nil {
		t.Fatal(err)
	}
	checkStatic(t, binary)

	if os.Getuid() != 0 {
		t.Log("not root, so it isn't run in an empty root directory")
		return
	}
	const entries = 200
	if err := os.Rename(numberedJournal(t, entries), filepath.Join(root, "journal")); err != nil {
		t.Fatal(err)
	}
	config := `{"json_state_file_path": "/state.json", "readers": {"r": {
		"journal_path": "/journal", "senders": {"out": {"output_type": "file", "file_output": "/out"}}}}}`
	if err := os.WriteFile(filepath.Join(root, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"version"}, {"check", "/config.json"}, {"--once", "/config.json"}} {
		cmd := exec.CommandContext(t.Context(), "/journalpump", args...)
		cmd.Path = "/journalpump"
		cmd.Err = nil // it was looked for outside the new root
		cmd.Dir = "/"
		cmd.Env = []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("journalpump %q in an empty root directory: %v: %s", args, err, out)
		}
	}
	newOutput(filepath.Join(root, "out")).read(t).exactly(t, map[string]int{"file": entries})
}

func checkStatic(t *testing.T, binary string) {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// What is loaded when it runs; a library that brings much more is not taken without noticing.
	const most = 36 << 20
	var size uint64
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			size += p.Filesz
		}
	}
	if size > most {
		t.Errorf("the binary has %d bytes of code and data, more than %d: which library is that?", size, most)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary asks for a dynamic loader")
		}
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the binary needs libraries: %v, %v", libraries, err)
	}
}
