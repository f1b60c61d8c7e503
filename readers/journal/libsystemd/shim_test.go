//go:build cgo && linux

package libsystemd

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/sdjournal"

	"journalpump/pump"
)

// The sd_journal pointer is taken out of go-systemd's own type. This fails when a new version of go-systemd keeps it
// elsewhere.
func TestHandleOffset(t *testing.T) {
	if _, err := handleOffset(reflect.TypeFor[sdjournal.Journal]()); err != nil {
		t.Error(err)
	}
	pointer := reflect.TypeFor[*int]()
	for _, field := range []reflect.StructField{
		{Name: "journal", PkgPath: "x", Type: pointer},
		{Name: "cjournal", PkgPath: "x", Type: pointer},
	} {
		other := reflect.StructOf([]reflect.StructField{field})
		if _, err := handleOffset(other); !errors.Is(err, errOtherLayout) {
			t.Errorf("%v: %v", other, err)
		}
	}
}

const orphanTest = "LIBSYSTEMD_TEST_ORPHAN"

// A child that hangs must not outlive an agent that is killed.
func TestChildDiesWithTheAgent(t *testing.T) {
	if dir := os.Getenv(orphanTest); dir != "" { // this is the agent
		beAgentWithHungChild(t, dir)
	}
	dir := journalOf(t, 1, 10)
	agent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildDiesWithTheAgent$")
	agent.Env = append(os.Environ(), orphanTest+"="+dir)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	eventually(t, "the child's pid", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(string(text))
		return err == nil
	})
	eventually(t, "the child hangs", func() bool { return state(child) == "T" })
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait() // killed
	eventually(t, "the child is gone", func() bool { s := state(child); return s == "" || s == "Z" })
}

func beAgentWithHungChild(t *testing.T, dir string) {
	t.Helper()
	o := inDir(dir)
	o.environment = []string{misbehave + "=stop:5"}
	l := openLog(t, o)
	it := iterate(t, l, pump.Position{})
	pid := strconv.Itoa(it.session.process.cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(dir, "pid.new"), []byte(pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "pid.new"), filepath.Join(dir, "pid")); err != nil {
		t.Fatal(err)
	}
	_, err := it.Next(t.Context())
	t.Fatalf("the child goes on: %v", err)
}

// state returns the state of a process, "" if there is none.
func state(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	until := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(until) {
			tb.Fatalf("not within 20 s: %s", what)
		}
		_, _ = syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 5000}) // nothing announces it
	}
}
