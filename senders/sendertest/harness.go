// Package sendertest is the conformance suite that every kind of sender passes. A package of a sender calls Run from a
// test, with a Harness that knows a destination which can be told to misbehave. The suite sends to it with the engine's
// rules (what to do after which error) and looks at what the destination has accepted.
package sendertest

import (
	"context"
	"testing"
	"time"

	"journalpump/pump"
)

// Fault is a way in which a destination misbehaves, once.
type Fault string

// The faults. All but Slow make the sender return an error, though not necessarily from the very next call.
const (
	Refuse        Fault = "refuse"         // it refuses the whole batch, for now
	RefusePart    Fault = "refuse part"    // it takes some records of the batch and refuses the others, for now
	RefuseForever Fault = "refuse forever" // it refuses the batch's second record for good and takes the others
	Throttle      Fault = "throttle"       // it refuses the batch and says how long it wants to be left alone
	TooLarge      Fault = "too large"      // it refuses the batch for its size; half of it would be taken
	Slow          Fault = "slow"           // it takes some tenths of a second, and takes the batch
	Hang          Fault = "hang"           // it does not answer until the sender gives up, and has not taken the batch
	BreakBefore   Fault = "break before"   // the connection breaks before it has taken anything
	BreakWithin   Fault = "break within"   // the connection breaks, or the disk is full, when it has taken a part
	BreakAfter    Fault = "break after"    // the connection breaks when it has taken the batch and not said so
	CommitFails   Fault = "commit fails"   // a Commit fails, after which what was sent since the last one is not there
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{
		Refuse, RefusePart, RefuseForever, Throttle, TooLarge, Slow, Hang, BreakBefore, BreakWithin, BreakAfter, CommitFails,
	}
}

// Destination is something to send to that can be made to misbehave.
type Destination interface {
	// Open returns a new sender to the destination, with the context that the engine would give it.
	Open(ctx context.Context) (pump.Sender, error)
	// Script lets the destination meet the next request that carries a batch (for CommitFails: the next Commit) with the
	// fault. After that it behaves.
	Script(f Fault)
	// Accepted returns what the destination holds that would survive its being restarted now: one element a record, in
	// the order of their acceptance.
	Accepted() [][]byte
}

// Harness is what the suite has to know about a kind of sender.
type Harness struct {
	// New makes a destination of its own for one test, and removes it with t.Cleanup.
	New func(t *testing.T) Destination
	// Lacks says why the destination can't be made to show some faults. All others it can.
	Lacks map[Fault]string
	// Want returns what the destination must hold of a record. nil: its body.
	Want func(r *pump.Record) []byte
	// Dedups says that the destination recognises a record that it has already, so that nothing is ever there twice.
	Dedups bool
	// Doubles says why records may be there twice after a fault after which they shouldn't. BreakAfter need not be
	// listed.
	Doubles map[Fault]string
	// Replays says why what was sent to a Committer and not committed may be there twice, after any fault and after Close:
	// what has been handed over cannot be taken back.
	Replays string
	// Soon is how long after its context's end Send may take. 0: two seconds, as the pump gives it at a stop.
	Soon time.Duration
}

func (h *Harness) want(r *pump.Record) []byte {
	if h.Want == nil {
		return r.Body
	}
	return h.Want(r)
}

func (h *Harness) soon() time.Duration {
	if h.Soon == 0 {
		return 2 * time.Second
	}
	return h.Soon
}

func (h *Harness) mayDouble(f Fault) bool {
	return !h.Dedups && (f == BreakAfter || h.Doubles[f] != "" || f != Slow && h.replays())
}

func (h *Harness) replays() bool { return h.Replays != "" }
