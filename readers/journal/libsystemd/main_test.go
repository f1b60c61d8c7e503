package libsystemd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

// The test binary is its own child.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == ChildCommand {
		os.Exit(testChild())
	}
	goleak.VerifyTestMain(m)
}

// Variables of the test child's environment: what it does when it comes to the entries with these sequence numbers: "crash:7,stop:9".
const (
	misbehave     = "LIBSYSTEMD_TEST_MISBEHAVE"
	misbehaveOnce = "LIBSYSTEMD_TEST_ONCE" // a file: with it, only the first child does, which creates it
)

// remotePath is systemd's tool that makes a journal of an export.
const remotePath = "/lib/systemd/systemd-journal-remote"

func needTools(tb testing.TB) {
	tb.Helper()
	if !builtIn {
		tb.Skip("built without cgo")
	}
	if _, err := os.Stat(remotePath); err != nil {
		tb.Skipf("no systemd-journal-remote to write journals with: %v", err)
	}
}

// remote makes a journal file of an export, or adds to the one that is there.
func remote(tb testing.TB, path string, export []byte) {
	tb.Helper()
	needTools(tb)
	cmd := exec.CommandContext(tb.Context(), remotePath, "--output="+path, "--split-mode=none", "-")
	cmd.Stdin = bytes.NewReader(export)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("systemd-journal-remote: %v: %s", err, out)
	}
}

var testBoot = strings.Repeat("b0", 16)

const testStart = 1_700_000_000_000_000

// numbered exports entries number first to last; their times rise with the number.
func numbered(first, last int) []byte {
	var b bytes.Buffer
	for i := first; i <= last; i++ {
		fmt.Fprintf(&b, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n", testStart+int64(i)*1000, i*1000, testBoot)
		fmt.Fprintf(&b, "MESSAGE=number %d\n_SYSTEMD_UNIT=%s\n_HOSTNAME=here\nTAG=a\nTAG=b\nTAG=a%d\n\n", i, unitOf(i), i%3)
	}
	return b.Bytes()
}

func unitOf(i int) string { return fmt.Sprintf("unit-%d.service", i%3) }

func openLog(tb testing.TB, o Options) *Log {
	tb.Helper()
	needTools(tb)
	l := newLog(tb, o)
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

func newLog(tb testing.TB, o Options) *Log {
	tb.Helper()
	l, err := Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func inDir(dir string) Options {
	return Options{Selection: journaldir.Selection{Path: dir}}
}

// journalOf makes a directory with a journal of the numbered entries.
func journalOf(tb testing.TB, first, last int) string {
	tb.Helper()
	dir := tb.TempDir()
	remote(tb, filepath.Join(dir, "system.journal"), numbered(first, last))
	return dir
}

func iterate(tb testing.TB, l *Log, after pump.Position) *iterator {
	tb.Helper()
	it, err := l.Open(tb.Context(), after)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = it.Close() })
	return it.(*iterator)
}
