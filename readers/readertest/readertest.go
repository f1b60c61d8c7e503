// Package readertest is what every kind of log has to pass: Run checks the contracts of pump.Log and pump.Iterator.
package readertest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"journalpump/pump"
)

// Harness is a log under test, empty or not there yet. Entries are numbered from 0 and have Message(number) as MESSAGE;
// entries with other messages may come in between and are not looked at.
type Harness struct {
	// Open opens the log. It is called several times, also before there is anything to open.
	Open func(t *testing.T) pump.Log
	// Append adds the entries with the numbers from first to first+n-1. When it returns they are there.
	Append func(t *testing.T, first, n int)
	// Rotate makes the log go on in a new file. nil: it cannot.
	Rotate func(t *testing.T)
	// Vacuum deletes everything up to the last rotation. nil: it cannot.
	Vacuum func(t *testing.T)
	// Missing says that nothing is there before the first Append: Seek and Open then say ErrNotYet.
	Missing bool
	// ThisBoot says that the entries are of the current boot, so that StartBoot finds them.
	ThisBoot bool
}

// Message returns the MESSAGE of an entry.
func Message(number int) string { return fmt.Sprintf("readertest entry %08d", number) }

// Number returns the number of entry i of a chunk; ok is false for entries that are not the test's.
func Number(c *pump.Chunk, i int) (n int, ok bool) {
	text, _ := c.Lookup(i, "MESSAGE")
	digits, ok := strings.CutPrefix(string(text), "readertest entry ")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// Run runs the suite. newHarness is called once for each test and cleans up with t.Cleanup.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Order", testOrder},
		{"Resume", testResume},
		{"Follow", testFollow},
		{"Several", testSeveral},
		{"Seek", testSeek},
		{"Cancel", testCancel},
		{"NotYet", testNotYet},
		{"Vacuum", testVacuum},
		{"Lag", testLag},
		{"Recall", testRecall},
		{"Leaks", testLeaks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newHarness(t)) })
	}
}

// fill appends n entries, with a rotation in the middle.
func (h *Harness) fill(t *testing.T, n int) {
	t.Helper()
	h.Append(t, 0, n/2)
	if h.Rotate != nil {
		h.Rotate(t)
	}
	h.Append(t, n/2, n-n/2)
}
