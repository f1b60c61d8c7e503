package explain

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"journalpump/cmd/journalpump/config"
	"journalpump/pump"
	"journalpump/state/deadletter"
)

// State is what is known of deliveries.
type State struct {
	Snapshot pump.Snapshot
	// Missing says why there is no Snapshot; "" if there is one.
	Missing string
}

// history is what is known of one sender's deliveries.
type history struct {
	unknown string // why nothing is known; "" if something is
	sender  pump.SenderSnapshot
	dead    []*deadletter.Letters
}

func newHistory(c *config.Config, r *config.Reader, s *config.Sender, state State) (*history, error) {
	h := &history{unknown: state.Missing}
	if h.unknown != "" {
		return h, nil
	}
	var known bool
	if h.sender, known = state.Snapshot.Readers[r.Name].Senders[s.Name]; !known {
		h.unknown = "the state file does not know this sender: it was not started yet"
		return h, nil
	}
	if !h.sender.Started {
		h.unknown = "the sender was not started yet: it has no position"
	}
	path := s.DeadLetterPath(c)
	if path == "" || h.sender.Ledger.DeadLettered == 0 {
		return h, nil
	}
	for _, path := range []string{path, path + deadletter.RotatedSuffix} {
		letters, err := deadletter.Open(path, r.Name+"/"+s.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := letters.Close(); err != nil { // what it has found it remembers
			return nil, fmt.Errorf("closing the dead letters: %w", err)
		}
		h.dead = append(h.dead, letters)
	}
	return h, nil
}

// of says how an entry stands to what was delivered.
func (h *history) of(at *pump.Cursor, gets bool) Delivery {
	for _, letters := range h.dead {
		if letters.Has(*at) {
			return Delivery{DeadLetter, "the destination refused it for good; it is in " + letters.Path()}
		}
	}
	switch s := &h.sender; {
	case h.unknown != "":
		return Delivery{Unknown, h.unknown}
	case h.gap(at) != nil:
		return Delivery{InGap, fmt.Sprintf("in a recorded gap (%s): it could not be read at the time", h.gap(at).Reason)}
	case h.beforeIt(at):
		return Delivery{Before, "before where the sender began (initial_position, or the agent before this one): it did not send it"}
	case !s.Position.Covers(at):
		return Delivery{ToCome, h.waiting(at)}
	case !gets:
		return Delivery{Passed, "before the sender's position: it was passed by"}
	default:
		return Delivery{Delivered, "before the sender's position: it was delivered"}
	}
}

func (h *history) gap(at *pump.Cursor) *pump.Gap {
	for i := range h.sender.Gaps.Last {
		if g := &h.sender.Gaps.Last[i]; g.Holds(at) {
			return g
		}
	}
	return nil
}

// beforeIt reports whether an entry lies before where the sender began.
func (h *history) beforeIt(at *pump.Cursor) bool {
	marks := h.sender.Marks
	return len(marks) > 0 && marks[0].Ledger.Read == 0 && marks[0].Position.Covers(at)
}

// waiting says why an entry has not been sent yet.
func (h *history) waiting(at *pump.Cursor) string {
	why := "after the sender's position"
	if p := &h.sender.Position; p.Parts&at.Parts&pump.HasRealtime != 0 && at.Realtime > p.Realtime {
		behind := time.Duration(min(at.Realtime-p.Realtime, 1<<53)) * time.Microsecond
		why += fmt.Sprintf(", which is %s earlier", behind.Round(time.Millisecond))
	}
	switch s := &h.sender; {
	case s.Health == pump.Disconnected && s.LastError != "":
		why += "; the destination fails: " + s.LastError
	case s.Health == pump.Stopped || s.Health == pump.Stale:
		why += "; the agent was stopped"
	}
	return why
}
