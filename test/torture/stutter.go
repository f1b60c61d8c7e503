package torture

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"journalpump/test/program"
)

// Stutter has processes stutter, see program.Stutter, until its test ends.
type Stutter struct {
	ctx  context.Context
	seed uint64

	mu   sync.Mutex
	n    uint64 // processes so far
	ends []func()
}

// NewStutter returns one that draws from the seed.
func NewStutter(t *testing.T, seed uint64) *Stutter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &Stutter{ctx: ctx, seed: seed}
	t.Cleanup(func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, end := range s.ends {
			end()
		}
	})
	return s
}

// Take takes a process on, until that ends.
func (s *Stutter) Take(p *os.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.ends = append(s.ends, program.Stutter(rand.New(rand.NewPCG(s.seed, s.n)), p.Signal))
}
