//go:build !cgo || !linux

package libsystemd

import (
	"fmt"
	"os"
)

const builtIn = false

// ChildMain says that there is no libsystemd in this program, and returns the exit status for that.
func ChildMain(_, _ *os.File) int {
	fmt.Fprintln(os.Stderr, errNotBuilt)
	return 1
}
