package promise

import (
	"errors"
	"fmt"
)

// check holds what a destination has accepted against what was written.
func (r *run) check(i int, w *witness) error {
	got := r.agent.destinations[i].accepted(r.t)
	times := make([]int, r.written+1)
	newest, again := 0, 0
	var errs []error
	for _, n := range got {
		if n < 1 || n >= len(times) {
			errs = append(errs, fmt.Errorf("entry %d was never written", n))
			continue
		}
		if times[n]++; times[n] > 1 {
			again++
			continue
		}
		if n < newest && r.plan.Senders[i].inOrder() {
			errs = append(errs, fmt.Errorf("entry %d came for the first time after entry %d", n, newest))
		}
		newest = max(newest, n)
	}
	dead, _ := r.agent.buried(r.t, sender(i))
	for n := range dead {
		if times[n] > 0 {
			errs = append(errs, fmt.Errorf("entry %d is a dead letter and was accepted", n))
		}
		times[n]++
		r.dead++
	}
	errs = append(errs, r.checkMissing(i, times, w))
	incidents, stops := r.agent.kills+r.agent.destinations[i].incidents(), r.stops[i]
	exact := r.agent.kills == 0 || r.plan.Senders[i].acceptsAtOnce() && !r.agent.edited
	// The first entry that was not settled was not accepted either.
	if most := incidents*r.inFlight(i) + stops*(batchEntries-1); again > most && !r.agent.fresh && exact {
		errs = append(errs, fmt.Errorf("%d entries came again, with %d crashes and broken connections, and %d stops while something was wrong, %d may",
			again, incidents, stops, most))
	}
	r.again += again
	return errors.Join(errs...)
}

// inFlight is how many entries a sender has on their way at a time: a few batches. Over a websocket that is what was sent in the last
// second, see docs/senders/websocket.md, in which no plan writes more than twenty times even on a busy machine.
func (r *run) inFlight(i int) int {
	if r.plan.Senders[i] == Websocket {
		return 20*r.plan.Each + 4*batchEntries
	}
	return 4 * batchEntries
}

func (r *run) checkMissing(i int, times []int, w *witness) error {
	name := sender(i)
	lost := r.journal.losses()
	at, _ := r.journal.places(r.t)
	first := w.since(name, at)
	var errs []error
	for n := 1; n < len(times); n++ {
		if times[n] > 0 {
			continue
		}
		r.missing++
		switch {
		case !lost.which[n]:
			errs = append(errs, fmt.Errorf("entry %d, which the journal still holds, is missing", n))
		case n < first: // it was gone before the agent had seen it, or the agent has lost its state since
			r.unseen++
		case !w.recorded(name, at[n-1]):
			errs = append(errs, fmt.Errorf("entry %d is missing and in no recorded gap; %s has to have all from %d on", n, name, first))
		}
	}
	// A position never goes back, so no gap is passed twice.
	if most := int64(lost.most); w.lost[name] > most && !r.agent.fresh && !r.agent.edited {
		errs = append(errs, fmt.Errorf("the gaps have %d entries, no more than %d became unreadable", w.lost[name], most))
	}
	if len(errs) > 10 {
		errs = append(errs[:10], fmt.Errorf("and so on, %d in all", len(errs)))
	}
	return errors.Join(errs...)
}

// attest notes, before entries vanish, which of them the agent has seen: what was delivered to anybody, or counted by the reader, was
// read from the beginning on, which is the oldest entry that there is.
func (r *run) attest() {
	r.witness.look()
	lost := r.journal.losses().which
	oldest := 1
	for lost[oldest] {
		oldest++
	}
	at, _ := r.journal.places(r.t)
	counted := at.upTo(r.witness.reached())
	delivered := 0
	if !r.agent.forgetful { // else it may not have noted what it had seen when it delivered that
		for _, d := range r.agent.destinations {
			if d, ok := d.(watched); ok {
				delivered = max(delivered, d.highest(r.t))
			}
		}
	}
	if max(counted, delivered) >= oldest {
		r.witness.show(oldest, counted >= oldest)
	}
}
