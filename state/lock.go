package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const lockSuffix = ".lock"

// ErrInUse says that another agent writes the state file. Two of them would undo each other's positions.
var ErrInUse = errors.New("is in use by another journalpump")

// Lock keeps other agents that ask for it from the state file at path, until what it returns is closed or the process ends.
// The error wraps ErrInUse if another one has it. The lock is a file beside the state file, which stays.
func Lock(path string) (io.Closer, error) {
	path = resolve(path)
	f, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("locking the state file: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("the state file %s %w%s", path, ErrInUse, ownerOf(f)), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state file: %w", err), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteString(strconv.Itoa(os.Getpid()) + "\n") // for people, and for ownerOf
	}
	return f, nil
}

// ownerOf returns which process has the lock, as far as it says so.
func ownerOf(f *os.File) string {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0) // what cannot be read is not said
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
