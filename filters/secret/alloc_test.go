//go:build !race

// Under the race detector sync.Pool forgets things at random, so these count too much.

package secret

import (
	"bytes"
	"testing"
)

func TestNoAllocationWithoutMatch(t *testing.T) {
	f := mustNew(t, benchFilters...)
	almost := append(bytes.Clone(benchLine), " password=-"...) // gets past the filters of the pattern
	for _, line := range [][]byte{benchLine, almost} {
		if n := testing.AllocsPerRun(100, func() { f.Redact(nil, line) }); n != 0 {
			t.Errorf("%v allocations for %q", n, line)
		}
	}
}
