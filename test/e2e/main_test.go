// Package e2e tests the whole program from outside: real journals, real signals, files read back.
//
// E2E_DURATION (default 10s) is how long the live test runs, CRASH_ROUNDS (default 10) how often the crash test stops
// or kills the program, E2E_SEED what it and others draw their random choices from. `make e2e-long` sets the first two.
package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"journalpump/test/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// fromEnv returns a setting of the environment.
func fromEnv[T any](t *testing.T, name string, otherwise T, parse func(string) (T, error)) T {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	v, err := parse(value)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// newRand returns random numbers whose seed is in the test's output, so that a failure can be had again.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := fromEnv(t, "E2E_SEED", int(time.Now().UnixNano()&0xffffff), strconv.Atoi)
	t.Logf("E2E_SEED=%d", seed)
	return rand.New(rand.NewPCG(uint64(seed), 0))
}

// number is a numbered message: which way it took into the journal, and its place there, from 1.
type number struct {
	via string
	n   int
}

func (n number) String() string { return fmt.Sprintf("numbered %s %d", n.via, n.n) }

// parseNumber reads what String wrote.
func parseNumber(message string) (n number, ok bool) {
	_, err := fmt.Sscanf(message, "numbered %s %d", &n.via, &n.n)
	return n, err == nil
}
