package promise

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stateFile is what the oracle looks at in a state file, see docs/state-file.md.
type stateFile struct {
	Readers map[string]struct {
		Spooled struct {
			Entries int64 `json:"entries"`
		} `json:"spooled"`
		Senders map[string]struct {
			First string `json:"first"`
			Sent  struct {
				Cursor string `json:"cursor"`
			} `json:"sent"`
			Ledger struct {
				Read         int64 `json:"read"`
				Recalled     int64 `json:"recalled"`
				Filtered     int64 `json:"filtered"`
				Accepted     int64 `json:"accepted"`
				DeadLettered int64 `json:"dead_lettered"`
				InFlight     int64 `json:"in_flight"`
			} `json:"ledger"`
			Gaps struct {
				Count   int64 `json:"count"`
				Entries int64 `json:"entries"`
				Last    []gap `json:"last"`
			} `json:"gaps"`
		} `json:"senders"`
	} `json:"readers"`
}

type gap struct {
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Count  int64  `json:"count"`
	Reason string `json:"reason"`
}

// witness looks at every state file it can get hold of.
type witness struct {
	path string

	mu      sync.Mutex
	seen    int
	gaps    map[string]map[gap]bool // by sender
	lost    map[string]int64        // entries in gaps, by sender: the highest count seen
	spooled int64                   // the most there were
	known   map[string]uint64       // by sender: the earliest entry that any state file speaks of, by its sequence number
	faults  []error
}

// watch looks until stop is called.
func watch(path string) (w *witness, stop func()) {
	w = &witness{path: path, gaps: map[string]map[gap]bool{}, lost: map[string]int64{}, known: map[string]uint64{}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		var last time.Time
		for {
			if info, err := os.Stat(path); err == nil && info.ModTime() != last {
				last = info.ModTime()
				w.look()
			}
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	})
	return w, sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// look takes a look at the state file, if there is one that the agent has written.
func (w *witness) look() {
	text, err := os.ReadFile(w.path)
	if err != nil {
		return
	}
	var s stateFile
	if json.Unmarshal(text, &s) != nil {
		return // it is one that the plan has cut: the agent replaces its files as a whole
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen++
	w.spooled = max(w.spooled, s.Readers[reader].Spooled.Entries)
	for name, sender := range s.Readers[reader].Senders {
		l := sender.Ledger
		if l.Read+l.Recalled != l.Filtered+l.Accepted+l.DeadLettered+l.InFlight || min(l.Read, l.Filtered, l.Accepted, l.DeadLettered, l.InFlight) < 0 {
			w.faults = append(w.faults, fmt.Errorf("%s: the ledger does not balance: %+v", name, l))
		}
		if w.gaps[name] == nil {
			w.gaps[name] = map[gap]bool{}
		}
		for _, g := range sender.Gaps.Last {
			w.gaps[name][g] = true
		}
		for _, cursor := range []string{sender.First, sender.Sent.Cursor} {
			if n := seqnumOf(cursor); n > 0 && (w.known[name] == 0 || n < w.known[name]) {
				w.known[name] = n
			}
		}
		w.lost[name] = max(w.lost[name], sender.Gaps.Entries)
	}
}

// seqnumOf returns the sequence number in a cursor, 0 if there is none.
func seqnumOf(cursor string) uint64 {
	for part := range strings.SplitSeq(cursor, ";") {
		if digits, ok := strings.CutPrefix(part, "i="); ok {
			n, _ := strconv.ParseUint(digits, 16, 64)
			return n
		}
	}
	return 0
}

// recorded reports whether a gap names the entry, if the agent can know of it.
func (w *witness) recorded(sender string, seqnum uint64) bool {
	if w.known[sender] == 0 || seqnum < w.known[sender] {
		return true // it was gone before the agent had saved that it has seen it
	}
	for g := range w.gaps[sender] {
		if g.First <= seqnum && seqnum <= g.Last {
			return true
		}
	}
	return false
}

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
	for n := range r.agent.buried(r.t, sender(i)) {
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
	var errs []error
	missing := 0
	for n := 1; n < len(times); n++ {
		if times[n] > 0 {
			continue
		}
		missing++
		switch {
		case lost.some: // only how many there are is known
		case !lost.which[n]:
			errs = append(errs, fmt.Errorf("entry %d, which the journal still holds, is missing", n))
		case !r.agent.fresh && !w.recorded(name, lost.at(n)):
			errs = append(errs, fmt.Errorf("entry %d is missing and in no recorded gap", n))
		}
	}
	// A position never goes back, so no gap is passed twice.
	if most := int64(lost.most); !lost.some && w.lost[name] > most && !r.agent.fresh && !r.agent.edited {
		errs = append(errs, fmt.Errorf("the gaps have %d entries, no more than %d became unreadable", w.lost[name], most))
	}
	if lost.some && int64(missing) > w.lost[name] && !r.agent.fresh {
		errs = append(errs, fmt.Errorf("%d entries are missing, the gaps have only %d", missing, w.lost[name]))
	}
	r.missing += missing
	if len(errs) > 10 {
		errs = append(errs[:10], fmt.Errorf("and so on, %d in all", len(errs)))
	}
	return errors.Join(errs...)
}
