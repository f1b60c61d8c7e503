package pump

import (
	"errors"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// As in the original: so many different errors are kept, each so long at most.
const (
	maxErrors     = 8
	maxErrorBytes = 128
	maxGaps       = 16
)

// laneState is what others may know of a lane at any time, and what is saved of it.
type laneState struct {
	tags map[string]string // of the lane's metrics

	mu       sync.Mutex
	snap     SenderSnapshot
	opened   bool      // the sender could be opened
	done     bool      // once mode: everything is delivered
	refusing time.Time // since when the destination, tried in vain, has accepted nothing; zero while it works or was not tried
	gaveUp   givenUp   // once mode
	heard    uint64    // the last notice (see feed.next) that was settled
	restarts int       // for standing still, since something was last settled
	active   time.Time // when something was last read, delivered or refused
}

// givenUp says that a destination is not waited for any longer, why, and since when. The zero value says that it is.
type givenUp struct {
	why error
	at  time.Time
}

func newLaneState(spec SenderSpec, tags map[string]string, before SenderSnapshot) *laneState {
	ledger := before.Ledger
	ledger.Read -= ledger.InFlight // in flight when it was saved: it will be read again
	ledger.InFlight = 0
	s := &laneState{tags: tags, snap: SenderSnapshot{
		Type:        spec.Type,
		Position:    before.Position,
		Started:     before.Started,
		First:       before.First,
		Recorder:    before.Recorder,
		Ledger:      ledger,
		Gaps:        before.Gaps,
		Sees:        before.Sees,
		Marks:       before.Marks,
		Health:      Disconnected,
		HealthSince: time.Now(),
	}}
	s.snap.firstMark(spec.Sees, time.Now())
	return s
}

func (s *laneState) position() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap.Position
}

// place returns the position, what the recorder knows there, and the number of the last notice that was settled.
func (s *laneState) place() (pos Position, recorder RecorderState, heard uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap.Position, s.snap.Recorder, s.heard
}

func (s *laneState) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap.Started
}

// start gives a lane its first position. head is the first entry that the log was seen to have, zero if none was seen.
func (s *laneState) start(pos, head Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snap.Position, s.snap.Started, s.snap.Marks = pos, true, nil
	if pos.IsZero() {
		s.snap.First = head
	}
	s.snap.mark(time.Now())
}

// read enters a chunk into the ledger: all of it is in flight.
func (s *laneState) read(c *Chunk, r *Rendered, additions []Addition) {
	records, bytes := len(r.Records), r.Bytes
	for i := range additions {
		x := &additions[i]
		records += len(x.Records)
		bytes += sizeOf(x.Records)
		instead := r.Of(x.Entry)
		records -= len(instead)
		bytes -= sizeOf(instead)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
	s.snap.Ledger.Read += int64(len(c.Entries))
	s.snap.Ledger.InFlight += int64(len(c.Entries))
	if records > 0 {
		last := 0
		if n := len(r.Records); n > 0 {
			last = r.Records[n-1].Index
		}
		if n := len(additions); n > 0 {
			last = max(last, additions[n-1].Entry)
		}
		s.snap.Read = Position{Cursor: c.Entries[last].Position}
		s.snap.ReadEntries += int64(records)
		s.snap.ReadBytes += int64(bytes)
		s.snap.Queued += int64(records)
	}
}

// settle moves the position past what the outcome accounts for.
func (s *laneState) settle(o *outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
	s.restarts = 0
	s.refusing = time.Time{}
	s.snap.settle(o)
	s.heard = o.heard
	s.snap.passMark(time.Now())
	if o.records > o.dead {
		s.snap.LastSent = time.Now()
	}
}

// settled returns what settle would make of it.
func (s *laneState) settled(o *outcome) SenderSnapshot {
	snap := s.snapshot()
	snap.settle(o)
	return snap
}

func (s *SenderSnapshot) settle(o *outcome) {
	s.Position, s.First, s.Recorder = o.to, Position{}, o.recorder
	s.Ledger.InFlight -= o.entries
	s.Ledger.Filtered += o.entries - (o.shown - o.recalled)
	s.Ledger.Recalled += o.recalled
	s.Ledger.Accepted += o.shown - o.deadEntries
	s.Ledger.DeadLettered += o.deadEntries
	s.Queued -= o.records
	s.SentRecords += o.records - o.dead
	s.SentBytes += o.bytes - o.deadBytes
	s.Gaps.add(o.gaps)
}

// rewind takes back what was read and not settled.
func (s *laneState) rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
	s.snap.Ledger.Read -= s.snap.Ledger.InFlight
	s.snap.Ledger.InFlight = 0
	s.snap.ReadEntries -= s.snap.Queued
	s.snap.Queued = 0
	s.snap.Read = s.snap.Position
}

// idleSince returns when something last happened; idle is true when nothing has to, as nothing is in flight.
func (s *laneState) idleSince() (since time.Time, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active, s.snap.Ledger.InFlight == 0
}

// restarted returns how often the lane was started over in vain.
func (s *laneState) restarted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts
}

func (s *laneState) stalled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snap.Stalls++
	s.restarts++
}

func (s *laneState) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
}

func (s *laneState) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// giveUp notes that the destination is not waited for any longer; first is false if that was so before.
func (s *laneState) giveUp(why error, now time.Time) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp.why != nil {
		return false
	}
	s.gaveUp = givenUp{why, now}
	return true
}

func (s *laneState) givenUp() givenUp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaveUp
}

// opening notes that the sender is being opened.
func (s *laneState) opening() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = time.Now()
}

// accepting notes that the destination has accepted something.
func (s *laneState) accepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = time.Time{}
}

// refusingSince returns since when the destination, tried in vain, has accepted nothing; zero if that is not so.
func (s *laneState) refusingSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing
}

// connected notes that the destination works.
func (s *laneState) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened { // from here on patience is for what it is sent
		s.opened, s.refusing = true, time.Time{}
	}
	s.setHealth(Connected)
	s.snap.Errors = nil
}

// failed notes an error of the destination.
func (s *laneState) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
	s.setHealth(Disconnected)
	if s.refusing.IsZero() {
		s.refusing = time.Now()
	}
	text := err.Error()
	s.snap.LastError, s.snap.LastErrorTime = text, time.Now()
	if text = truncate(text, maxErrorBytes); slices.Contains(s.snap.Errors, text) {
		return
	}
	s.snap.Errors = append(s.snap.Errors, text)
	if len(s.snap.Errors) > maxErrors { // the first tells most: keep it
		s.snap.Errors = slices.Delete(s.snap.Errors, 1, 2)
	}
}

// stopped notes that nobody runs the lane any more.
func (s *laneState) stopped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snap.Health == Connected {
		s.setHealth(Stale)
	} else {
		s.setHealth(Stopped)
	}
}

func (s *laneState) setHealth(h Health) {
	if s.snap.Health != h {
		s.snap.Health, s.snap.HealthSince = h, time.Now()
	}
}

func (s *laneState) snapshot() SenderSnapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.snap
	snap.Errors = slices.Clone(snap.Errors)
	snap.Gaps.Last = slices.Clone(snap.Gaps.Last)
	return snap
}

func (t *GapTotals) add(gaps []Gap) {
	for _, g := range gaps {
		t.Count++
		t.Entries += int64(min(g.Count, 1<<62))
		t.Last = append(t.Last, g)
	}
	if n := len(t.Last) - maxGaps; n > 0 {
		t.Last = slices.Delete(t.Last, 0, n)
	}
}

// Balanced reports whether every entry that was read is accounted for.
func (l Ledger) Balanced() error {
	if l.Read+l.Recalled != l.Filtered+l.Accepted+l.DeadLettered+l.InFlight || l.InFlight < 0 {
		return errors.New("the ledger does not balance")
	}
	return nil
}

// truncate cuts text to at most n bytes without splitting a character.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
