package promise

import (
	"os"
	"strconv"
	"testing"

	"journalpump/test/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// TestPromise carries out plans, see the package's documentation.
func TestPromise(t *testing.T) {
	t.Parallel()
	runs := fromEnv(t, "TORTURE_RUNS", 12)
	first := fromEnv(t, "TORTURE_SEED", 1)
	for seed := first; seed < first+runs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			p := Draw(seed)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("again with TORTURE_RUNS=1 TORTURE_SEED=%d\n%v", seed, p)
				}
			})
			carryOut(t, p)
		})
	}
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// The same seed draws the same plan.
func TestDraw(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		if a, b := Draw(seed).String(), Draw(seed).String(); a != b {
			t.Fatalf("seed %d:\n%s\n%s", seed, a, b)
		}
	}
}
