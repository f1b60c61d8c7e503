package journalfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	// ErrNotJournal says that the file does not begin as a journal file does. A file that is just being created looks
	// like that for a moment.
	ErrNotJournal = errors.New("not a journal file")

	// ErrCorrupt says that what was asked for is damaged. Other parts of the file may well be readable.
	ErrCorrupt = errors.New("corrupt")

	// ErrTruncated is the ErrCorrupt of something that lies, wholly or in part, behind the end of the file, or of a file
	// whose header was wiped: what journald's vacuuming leaves to those who still have the file open.
	ErrTruncated = fmt.Errorf("%w: truncated", ErrCorrupt)

	// ErrUnreadable is the ErrCorrupt of a part of the file that the kernel could not read from the disk.
	ErrUnreadable = fmt.Errorf("%w: input/output error", ErrCorrupt)

	// ErrTooLarge says that a field is larger than the caller allows.
	ErrTooLarge = errors.New("field too large")
)

// CorruptError says what is damaged, and where. errors.Is(err, ErrCorrupt) is true for it.
type CorruptError struct {
	Offset uint64 // of the object in question, in bytes from the beginning of the file
	What   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt at offset %d: %s", e.Offset, e.What)
}

// Unwrap returns ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

func corrupt(off uint64, what string) error { return &CorruptError{Offset: off, What: what} }

// UnsupportedError says that a file was written with extensions of the format that this package does not know and that
// cannot be ignored ("Extensibility").
type UnsupportedError struct {
	Flags uint32 // the unknown bits of the header's incompatible_flags
}

func (e *UnsupportedError) Error() string {
	var bits []string
	for i := range 32 {
		if e.Flags&(1<<i) != 0 {
			bits = append(bits, strconv.Itoa(i))
		}
	}
	return "journal file needs features unknown here (incompatible flags, bit " + strings.Join(bits, ", ") + ")"
}
