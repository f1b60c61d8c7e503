//go:build !cgo || !linux

package libsystemd

import (
	"errors"
	"os"
	"testing"

	"journalpump/pump"
)

func testChild() int { return ChildMain(os.Stdin, os.Stdout) }

func TestOpenWithoutCgo(t *testing.T) {
	_, err := Open(t.Context(), Options{})
	if !errors.Is(err, errNotBuilt) || !pump.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}
