package promise

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// stateFile is what the oracle looks at in a state file, see docs/state-file.md.
type stateFile struct {
	Readers map[string]struct {
		Cursor  string `json:"cursor"`
		Spooled struct {
			Entries int64 `json:"entries"`
		} `json:"spooled"`
		Senders map[string]struct {
			Started bool `json:"started"`
			Sent    struct {
				Cursor string `json:"cursor"`
			} `json:"sent"`
			progress
		} `json:"senders"`
	} `json:"readers"`
}

// moved is what a line of the positions log beside it says.
type moved struct {
	Sender string `json:"sender"`
	Cursor string `json:"cursor"`
	progress
}

// progress is what both say of a sender.
type progress struct {
	First  string `json:"first"`
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
}

type gap struct {
	Sequence string `json:"seqnum_id"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Count    int64  `json:"count"`
	Reason   string `json:"reason"`
}

// witness looks at every state file and positions log it can get hold of.
type witness struct {
	path string

	mu      sync.Mutex
	seen    int
	spooled int64 // the most there were
	faults  []error
	gaps    map[string]map[gap]bool // by sender
	lost    map[string]int64        // entries in gaps, by sender: the highest count seen

	read  int64     // so much of the positions log,
	saved time.Time // when the state file was that was looked at last
	log   uint64    // which is the one of this inode
	stale uint64    // the one that says nothing of what the agent knows

	// What the agent knows since it last forgot.
	reader place                 // how far its reader has come, according to the state file
	knows  map[string]*knowledge // by sender
}

// knowledge is what the agent knows of a sender.
type knowledge struct {
	first sequences // the first place in each sequence that it has spoken of
	said  statement // on whatever is kept of it
	saved statement // in the state file alone
}

// statement is what has been said of a sender's beginning.
type statement struct {
	started bool // it has one
	since   int  // the first entry that was seen then, by its number; 0: nothing was
}

// seen notes that the entry was seen, and all after it that are there.
func (s *statement) seen(number int) {
	if s.started && (s.since == 0 || number < s.since) {
		s.since = number
	}
}

// sequences are sequence numbers, one of each sequence.
type sequences map[string]uint64

func newWitness(path string) *witness {
	w := &witness{path: path, gaps: map[string]map[gap]bool{}, lost: map[string]int64{}}
	w.forget(true)
	return w
}

// watch looks until stop is called.
func watch(path string) (w *witness, stop func()) {
	w = newWitness(path)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			w.look()
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

// look takes a look at what the agent has written.
func (w *witness) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookAtState()
	w.lookAtPositions()
}

func (w *witness) lookAtState() {
	info, err := os.Stat(w.path)
	if err != nil || info.ModTime().Equal(w.saved) {
		return
	}
	text, err := os.ReadFile(w.path)
	var s stateFile
	if err != nil || json.Unmarshal(text, &s) != nil {
		return // it is one that the plan has cut: the agent replaces its files as a whole
	}
	w.saved = info.ModTime()
	w.seen++
	from := s.Readers[reader]
	w.spooled = max(w.spooled, from.Spooled.Entries)
	if at, ok := parsePlace(from.Cursor); ok {
		w.reader = at
	}
	for name, sender := range from.Senders {
		w.note(name, sender.Sent.Cursor, &sender.progress).started(sender.Started, true)
	}
}

// lookAtPositions reads the lines that the positions log has got since it was last looked at, see state/positions.go.
func (w *witness) lookAtPositions() {
	f, err := os.Open(w.positions())
	if err != nil {
		return
	}
	defer f.Close()
	switch inode := inodeOf(f); inode {
	case w.stale:
		return
	case w.log:
	default:
		w.log, w.read = inode, 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, w.read, 1<<20))
	if err != nil {
		return
	}
	for {
		line, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole {
			return
		}
		w.read += int64(len(line)) + 1
		text = rest
		var m moved
		if _, doc, ok := bytes.Cut(line, []byte(" sent ")); ok && json.Unmarshal(doc, &m) == nil { // else it is torn, or says something else
			w.note(m.Sender, m.Cursor, &m.progress).started(true, false)
		}
	}
}

func (w *witness) positions() string { return w.path + ".positions" }

func inodeOf(f *os.File) uint64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// note takes note of what is said of a sender.
func (w *witness) note(name, cursor string, p *progress) *knowledge {
	if l := p.Ledger; l.Read+l.Recalled != l.Filtered+l.Accepted+l.DeadLettered+l.InFlight || min(l.Read, l.Filtered, l.Accepted, l.DeadLettered, l.InFlight) < 0 {
		w.faults = append(w.faults, fmt.Errorf("%s: the ledger does not balance: %+v", name, l))
	}
	if w.gaps[name] == nil {
		w.gaps[name] = map[gap]bool{}
	}
	for _, g := range p.Gaps.Last {
		w.gaps[name][g] = true
	}
	w.lost[name] = max(w.lost[name], p.Gaps.Entries)
	k := w.of(name)
	for _, c := range []string{p.First, cursor} {
		at, ok := parsePlace(c)
		if known := k.first[at.sequence]; ok && (known == 0 || at.seqnum < known) {
			k.first[at.sequence] = at.seqnum
		}
	}
	return k
}

// of returns what the agent knows of a sender.
func (w *witness) of(name string) *knowledge {
	if w.knows[name] == nil {
		w.knows[name] = &knowledge{first: sequences{}}
	}
	return w.knows[name]
}

func (k *knowledge) started(yes, saved bool) {
	k.said.started = k.said.started || yes
	k.saved.started = k.saved.started || yes && saved
}

// forget notes that the agent, which does not run now, will know nothing but what is in the state file, or, if it was robbed of what that said,
// in one that nobody knows of yet.
func (w *witness) forget(robbed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.knows
	w.reader, w.knows, w.saved, w.stale = place{}, map[string]*knowledge{}, time.Time{}, 0
	if f, err := os.Open(w.positions()); err == nil {
		w.stale = inodeOf(f)
		_ = f.Close() // it was only read
	}
	if !robbed {
		for name, k := range before {
			w.of(name).said, w.of(name).saved = k.saved, k.saved
		}
	}
	w.lookAtState()
}

// reached returns how far the reader has come; zero if that is not known.
func (w *witness) reached() place {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reader
}

// show notes that the agent has seen the entry, and all after it that are there, so that every sender that has a beginning has to deliver
// them; saved says that this follows from its state file.
func (w *witness) show(number int, saved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.knows {
		if k.said.seen(number); saved {
			k.saved.seen(number)
		}
	}
}

// since returns the number of the first entry that a sender has to deliver or to have in a gap, as the agent has seen it: one after all
// that there are if there is none.
func (w *witness) since(sender string, at places) int {
	k, first := w.of(sender), len(at)+1
	if k.said.since > 0 {
		first = k.said.since
	}
	for sequence, seqnum := range k.first {
		first = min(first, at.from(place{sequence, seqnum}))
	}
	return first
}

// recorded reports whether a gap names the entry.
func (w *witness) recorded(sender string, at place) bool {
	for g := range w.gaps[sender] {
		if g.Sequence == at.sequence && g.First <= at.seqnum && at.seqnum <= g.Last {
			return true
		}
	}
	return false
}
