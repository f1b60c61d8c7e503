package journal

import (
	"time"

	"journalpump/readers/journal/journalfile"
)

// An orphan is a file that was being written and is listed no longer. It was deleted, or its directory was moved; its
// writer has it open all the same and may go on.

const (
	// moveTime is how long the directory of an orphan may be away before what is written meanwhile is handed out. There may
	// be new files beside it, with older entries.
	moveTime = 2 * time.Second
	// orphanTime is how long an orphan may rest before it is closed.
	orphanTime = 5 * time.Second
)

// orphan notes that the file is not listed.
func (c *cursor) orphan() {
	if !c.orphaned.IsZero() || !c.live {
		return
	}
	c.orphaned = time.Now()
	c.grown = c.orphaned
	st, err := c.file.Stat()
	c.moved = err == nil && st.Nlink > 0
}

// held reports whether what an orphan has got since the last look is not to be handed out yet.
func (c *cursor) held() bool { return c.moved && time.Since(c.orphaned) < moveTime }

// abandoned reports whether an orphan has no writer any more, as far as one can tell. All it has was seen.
func (c *cursor) abandoned() bool {
	if c.held() {
		return false
	}
	h, err := c.file.Header()
	return err != nil || h.State == journalfile.Archived || time.Since(c.grown) > orphanTime
}
