//go:build !race

// Under the race detector sync.Pool forgets things at random, so this counts too much.

package condition

import (
	"testing"

	"journalpump/pump"
)

// What is allocated is the result and the memo of the chunk, however many entries there are.
func TestDecidingDoesNotAllocatePerEntry(t *testing.T) {
	s, c := benchSet(t), benchChunk(2000)
	s.Decide(again(c))
	if n := testing.AllocsPerRun(10, func() { s.Decide(again(c)) }); n > 10 {
		t.Errorf("%.0f allocations for %d entries", n, len(c.Entries))
	}
}

func TestAskingOfOneFieldDoesNotAllocate(t *testing.T) {
	s := benchSet(t)
	f := pump.Field{Name: "MESSAGE", Value: []byte("user joe has logged in from 7, user joe logged in from nowhere")}
	if n := testing.AllocsPerRun(10, func() { s.Passes(&f) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
