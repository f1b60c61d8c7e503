package program

import (
	"testing"
	"time"
)

// Patience is how long tests wait for what takes milliseconds on a quiet machine.
const Patience = 3 * time.Minute

// Until waits for the condition to become true and fails the test when it doesn't within Patience.
func Until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	UntilWithin(t, Patience, what, condition)
}

// UntilWithin is Until with a patience of one's own.
func UntilWithin(t *testing.T, patience time.Duration, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !condition() {
		select {
		case <-poll.C:
		case <-limit.C:
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// Pause lets some time pass in which the program may do what it likes: signals come at any moment.
func Pause(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
