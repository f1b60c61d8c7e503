package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"journalpump/pump"
)

// Load returns what the state file at path says, and warnings for the log when that is not all it could be. A file
// that does not exist gives an empty Snapshot.
//
// A damaged file (cut off, no JSON, wrong types, a cursor that is none) is set aside as PATH.damaged-YYYYMMDDTHHMMSS,
// and the copy before it takes its place; entries sent between the two are then sent again. A file from a newer
// journalpump is read as far as it is understood, and a copy of it is kept. An error means that the file could not be
// read at all; the agent must not start then, as saving would replace positions that nobody has seen.
func Load(path string) (pump.Snapshot, []string, error) {
	l := loader{path: resolve(path), disk: osDisk{}, now: time.Now()}
	s, err := l.load()
	return s, l.warnings, err
}

// Look returns what the state file at path says now, for whoever only wants to see: nothing is set aside or repaired, and an
// agent may be writing it meanwhile. The error of a file that does not exist wraps fs.ErrNotExist.
func Look(path string) (pump.Snapshot, error) {
	l := loader{path: resolve(path), disk: osDisk{}, now: time.Now()}
	data, err := os.ReadFile(l.path)
	if err != nil {
		return pump.Snapshot{}, fmt.Errorf("reading the state file: %w", err)
	}
	s, _, err := Decode(data)
	if err != nil {
		return pump.Snapshot{}, fmt.Errorf("the state file %s is damaged: %w", l.path, err)
	}
	l.advance(&s, data)
	return s, nil
}

type loader struct {
	path     string
	disk     disk
	now      time.Time
	warnings []string
}

func (l *loader) warn(format string, args ...any) {
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}

func (l *loader) load() (pump.Snapshot, error) {
	data, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty(), nil
	}
	if err != nil {
		return pump.Snapshot{}, fmt.Errorf("reading the state file: %w", err)
	}
	s, format, err := Decode(data)
	if err != nil {
		return l.fallBack(err), nil
	}
	if format > formatVersion {
		l.keepNewer(format)
	}
	l.advance(&s, data)
	return s, nil
}

// keepNewer keeps what the next Save would drop.
func (l *loader) keepNewer(format int) {
	copied := fmt.Sprintf("%s.format-%d", l.path, format)
	l.warn("the state file %s has format %d, from a newer journalpump; this one knows up to %d and goes on with "+
		"what it understands", l.path, format, formatVersion)
	if err := keepAs(l.disk, l.path, copied); err != nil {
		l.warn("no copy of %s could be kept: %v", l.path, err)
		return
	}
	l.warn("a copy of it is kept as %s", copied)
}

// fallBack goes from a damaged file back to the one before.
func (l *loader) fallBack(damage error) pump.Snapshot {
	aside := l.path + damagedSuffix + l.now.UTC().Format("20060102T150405")
	l.warn("the state file %s is damaged: %v", l.path, damage)
	asideErr := keepAs(l.disk, l.path, aside)
	if asideErr != nil {
		l.warn("it could not be set aside: %v", asideErr)
	} else {
		l.warn("it is kept as %s", aside)
	}
	s, data, err := readPrevious(l.path + previousSuffix)
	if err != nil {
		l.warn("there is no copy to go back to (%v): every reader begins at its initial position", err)
		if asideErr == nil {
			_ = l.disk.remove(l.path) // or the next Save replaces it
		}
		return empty()
	}
	l.warn("going on with the copy before it, %s%s: what was sent after it is sent again", l.path, previousSuffix)
	// It takes the damaged one's place now: if the agent dies before its first Save, the next start finds it.
	if err := replace(l.disk, l.path, data, false); err != nil {
		l.warn("it could not take the damaged file's place yet: %v", err)
	}
	l.advance(&s, data)
	return s
}

func readPrevious(path string) (pump.Snapshot, []byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return pump.Snapshot{}, nil, err
	}
	s, _, err := Decode(data)
	if err != nil {
		return pump.Snapshot{}, nil, fmt.Errorf("%s is damaged too: %w", path, err)
	}
	return s, data, nil
}

func empty() pump.Snapshot { return pump.Snapshot{Readers: map[string]pump.ReaderSnapshot{}} }
