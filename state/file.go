package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"journalpump/pump"
)

const (
	previousSuffix = ".previous"
	damagedSuffix  = ".damaged-" // + time
)

// File is a state file to save to. It is used by one goroutine at a time, but for Record.
type File struct {
	path   string
	disk   disk
	now    func() time.Time
	said   *document // what was saved last, without what changes as time goes by
	saved  []byte    // the same, encoded; nil: nothing was yet
	latest pump.Snapshot
	moved  *positions
}

// Open returns the state file at path, which need not exist; its directory must. Nothing is written yet.
func Open(path string) (*File, error) {
	path = resolve(path)
	info, err := os.Stat(dirOf(path))
	if err != nil {
		return nil, fmt.Errorf("the directory of the state file: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the state file %s: %s is not a directory", path, dirOf(path))
	}
	return &File{path: path, disk: osDisk{}, now: time.Now, moved: newPositions(path)}, nil
}

// Path returns where the file is, symbolic links resolved.
func (f *File) Path() string { return f.path }

// Save makes s the content of the file, unless nothing but the time has changed since the last Save. When it has
// returned nil, s has reached the disk; it must not be changed any more. After an error the file is as it was, or already holds s.
func (f *File) Save(s pump.Snapshot) error {
	said := newDocument(s, time.Time{})
	if f.saved != nil && reflect.DeepEqual(said, f.said) && exists(f.path) { // a tenth of what encoding it takes
		return nil
	}
	content, err := said.encode()
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	if f.saved != nil && bytes.Equal(content, f.saved) && exists(f.path) {
		return nil
	}
	data, err := newDocument(s, f.now()).encode()
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	f.moved.announce(stateHash(data))
	err = replace(f.disk, f.path, data, true)
	logErr := f.moved.saved(err == nil)
	if err != nil {
		return fmt.Errorf("saving the state file %s: %w", f.path, err)
	}
	f.said, f.saved, f.latest = said, content, s
	if logErr != nil {
		return fmt.Errorf("the state file is saved, but what is sent until the next time would be sent again if the program were killed: %w", logErr)
	}
	return nil
}

// Record notes that a sender's position has moved, so that it is known even if the program is killed before the next Save.
// It may be called concurrently. What is recorded before the first Save, or after a failure, is written with the next one.
func (f *File) Record(reader, sender string, s pump.SenderSnapshot) {
	f.moved.record(reader, sender, &s)
}

// Close is for a clean end: what was recorded is in the file that was saved last, so that nobody needs the records any more.
func (f *File) Close() error {
	if err := f.moved.close(&f.latest); err != nil {
		return fmt.Errorf("closing the state file: %w", err)
	}
	return nil
}

// resolve follows symbolic links, so that what is replaced is the file and not a link to it.
func resolve(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func dirOf(path string) string { return filepath.Dir(path) }
