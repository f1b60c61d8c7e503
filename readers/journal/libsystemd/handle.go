//go:build cgo && linux

package libsystemd

import (
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/sdjournal"

	"journalpump/pump"
)

// handle is an open sd_journal and where it stands. Only one thread may use it.
type handle struct {
	journal *sdjournal.Journal
	// at is the entry that the next one follows; zero at the head.
	at pump.Position
	// seeking is set between a seek and the first entry found, which may be the one sought: that is to be passed over.
	seeking bool
	leapt   bool // between at and the next entry lies what must not be read
}

// openHandle opens the files. Those that libsystemd refuses are left out and returned; it is an error if none is left.
func openHandle(files []string) (*handle, []refusal, error) {
	journal, err := openFiles(files)
	if err == nil {
		return &handle{journal: journal}, nil, nil
	}
	// One bad file makes libsystemd refuse them all.
	var refused []refusal
	var good []string
	for _, path := range files {
		single, err := openFiles([]string{path})
		if err != nil {
			refused = append(refused, refusal{path, cause(err)})
			continue
		}
		_ = single.Close()
		good = append(good, path)
	}
	if len(good) == 0 {
		return nil, refused, nil
	}
	if journal, err = openFiles(good); err != nil {
		return nil, refused, fmt.Errorf("opening %d journal files: %s", len(good), cause(err))
	}
	return &handle{journal: journal}, refused, nil
}

func openFiles(files []string) (*sdjournal.Journal, error) {
	journal, err := sdjournal.NewJournalFromFiles(files...)
	if err != nil {
		return nil, err
	}
	if err := journal.SetDataThreshold(maxField); err != nil {
		_ = journal.Close()
		return nil, err
	}
	return journal, nil
}

// cause is the innermost error: go-systemd's own text lists all files.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

func (h *handle) close() { _ = h.journal.Close() }

// find reports whether the entry that p names is still there; matches must not have been added yet.
func (h *handle) find(p pump.Position) (anchor, pump.Position, error) {
	if p.IsZero() {
		return anchorNone, pump.Position{}, nil
	}
	if err := h.journal.SeekCursor(p.String()); err != nil {
		return anchorNone, pump.Position{}, err
	}
	for {
		n, err := h.journal.Next()
		if err != nil || n == 0 {
			return anchorNone, pump.Position{}, err
		}
		found, err := h.current()
		switch {
		case err != nil:
			return anchorNone, pump.Position{}, err
		case precedes(found, p):
			continue
		case names(p, found):
			return anchorFound, found, nil
		}
		return anchorGone, found, nil
	}
}

// seek goes to just after p.
func (h *handle) seek(p pump.Position) error {
	h.at, h.seeking = p, !p.IsZero()
	if p.IsZero() {
		return h.journal.SeekHead()
	}
	return h.journal.SeekCursor(p.String())
}

// seekPast goes to p and then past what the leap says.
func (h *handle) seekPast(p pump.Position, l leap) error {
	h.leapt = l != (leap{})
	if l.realtime > 0 {
		h.at, h.seeking = p, false
		return h.journal.SeekRealtimeUsec(l.realtime)
	}
	if err := h.seek(p); err != nil || l.entries == 0 {
		return err
	}
	if !p.IsZero() {
		if n, err := h.journal.Next(); err != nil || n == 0 {
			return err
		}
		if at, err := h.current(); err != nil || !names(p, at) {
			l.entries-- // this is already the first of those to be passed over
		}
		h.seeking = false
	}
	if l.entries == 0 {
		return nil
	}
	_, err := h.journal.NextSkip(l.entries)
	return err
}

// addUnits leaves only entries of the units: matches of one field are alternatives.
func (h *handle) addUnits(units []string) error {
	for _, u := range units {
		if err := h.journal.AddMatch(unitField + "=" + u); err != nil {
			return err
		}
	}
	return nil
}

// next goes to the next entry; ok is false at the end. An entry whose place cannot be read is returned as an error of
// kind errUnreadable, and passed.
func (h *handle) next() (p pump.Position, ok bool, err error) {
	for {
		n, err := h.journal.Next()
		if err != nil || n == 0 {
			return pump.Position{}, false, err
		}
		p, err := h.current()
		if err != nil {
			return pump.Position{}, false, err
		}
		if h.seeking && precedes(p, h.at) { // was read; others with its time may follow, and then the one sought
			continue
		}
		if h.seeking && names(h.at, p) {
			h.seeking = false
			continue
		}
		h.seeking = false
		return p, true, nil
	}
}

var errUnreadable = errors.New("the entry's place cannot be read")

// current returns the position of the entry that the journal is at.
func (h *handle) current() (pump.Position, error) {
	cursor, err := h.journal.GetCursor()
	if err != nil {
		return pump.Position{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	p, err := pump.ParsePosition(cursor)
	if err != nil {
		return pump.Position{}, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return p, nil
}

// tail returns the last entry's position, zero if there is none. Right after seek_tail, next may return the last entry
// (systemd#9934); previous always does.
func (h *handle) tail() (pump.Position, error) {
	if err := h.journal.SeekTail(); err != nil {
		return pump.Position{}, err
	}
	return h.previous()
}

func (h *handle) previous() (pump.Position, error) {
	n, err := h.journal.Previous()
	if err != nil || n == 0 {
		return pump.Position{}, err
	}
	return h.current()
}

// beforeTime returns the last entry before a time of the clock, zero if there is none.
func (h *handle) beforeTime(usec uint64) (pump.Position, error) {
	if usec == 0 {
		return pump.Position{}, nil
	}
	if err := h.journal.SeekRealtimeUsec(usec - 1); err != nil { // previous stops at what is not later
		return pump.Position{}, err
	}
	return h.previous()
}

// beforeBootTime returns the last entry before the first one of the boot that is not before the time. If that boot has
// no such entry yet it is the last entry of all.
func (h *handle) beforeBootTime(boot pump.ID128, usec uint64) (pump.Position, error) {
	if err := h.journal.AddMatch("_BOOT_ID=" + boot.String()); err != nil {
		return pump.Position{}, err
	}
	first, ok, err := h.firstFrom(boot, usec)
	h.journal.FlushMatches()
	if err != nil {
		return pump.Position{}, err
	}
	if !ok {
		return h.tail()
	}
	if err := h.journal.SeekCursor(first.String()); err != nil {
		return pump.Position{}, err
	}
	if n, err := h.journal.Next(); err != nil || n == 0 {
		return pump.Position{}, err
	}
	return h.previous()
}

// firstFrom returns the first entry of a boot that is not before the time; only entries of the boot match.
func (h *handle) firstFrom(boot pump.ID128, usec uint64) (pump.Position, bool, error) {
	last, err := h.tail()
	if err != nil || last.IsZero() || last.Monotonic < usec {
		return pump.Position{}, false, err
	}
	place := pump.Position{Cursor: pump.Cursor{BootID: boot, Monotonic: usec, Parts: pump.HasMonotonic}}
	if err := h.journal.SeekCursor(place.String()); err != nil {
		return pump.Position{}, false, err
	}
	for {
		n, err := h.journal.Next()
		if err != nil || n == 0 {
			return pump.Position{}, false, err
		}
		// In a file whose entries are all before that time libsystemd begins with the first.
		p, err := h.current()
		if err != nil || p.Monotonic >= usec {
			return p, err == nil, err
		}
	}
}

// changed waits at most so long for the files to change.
func (h *handle) changed(limit time.Duration) (bool, error) {
	rc := h.journal.Wait(limit)
	if rc < 0 {
		return false, fmt.Errorf("waiting for the journal: error %d", -rc)
	}
	return rc != sdjournal.SD_JOURNAL_NOP, nil
}

// probe reads the first and the last entry.
func (h *handle) probe(r *dataReader) error {
	if err := h.journal.SeekHead(); err != nil {
		return err
	}
	if n, err := h.journal.Next(); err != nil || n == 0 {
		return err
	}
	if _, err := r.read(h.journal); err != nil {
		return err
	}
	if _, err := h.tail(); err != nil {
		return err
	}
	_, err := r.read(h.journal)
	return err
}
