package oracle

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"journalpump/readers/journal/libsystemd"
)

// libsystemd runs in a child of the same program.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == libsystemd.ChildCommand {
		os.Exit(libsystemd.ChildMain(os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}
