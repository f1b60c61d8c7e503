package journal

import (
	"errors"
	"fmt"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// cursor is an open file and a place in it. Its head is the next entry to come.
type cursor struct {
	info  *fileInfo
	chain *chain
	file  *journalfile.File
	all   *journalfile.Entries
	index *indexWalk // while matches are looked up in the file's index; else nil
	// scanFrom is the index in all of the first entry that index does not lead to.
	scanFrom uint64

	// A file that is written has more entries at every look. limit is how many the last look showed, and seen how many
	// the one before.
	live        bool
	seen, limit uint64

	has   bool
	head  key
	at    uint64 // no less than the head's index in all
	entry journalfile.Entry

	prev    key    // of the entry before the head; zero if none was read
	skipped uint64 // unreadable entries between the two
	refs    refTable
}

// report collects what a chunk has to say beside its entries.
type report struct {
	corrupted int
	gaps      []pump.Gap
}

var errGone = errors.New("the rest of the file is gone")

// openCursor opens a file at the first entry of the chain that was not there yet. The head is still to be read.
func openCursor(info *fileInfo, ch *chain, filter *filter) (*cursor, error) {
	f, err := journalfile.Open(info.path)
	if err != nil {
		return nil, err
	}
	c := &cursor{info: info, chain: ch, file: f, all: f.Entries(), live: !info.final}
	if err := c.seek(filter); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

func (c *cursor) seek(filter *filter) error {
	// The path may lead to another file by now: the listing that follows will say so.
	if id, err := c.identity(); err != nil || id != c.info.id {
		return errors.Join(err, errGone)
	}
	n, err := c.file.NEntries()
	if err != nil {
		return err
	}
	c.limit = n
	if err := c.all.SeekSeqnum(c.chain.last); err != nil {
		return err
	}
	if filter != nil {
		c.plan(filter)
	}
	return nil
}

func (c *cursor) identity() (fileID, error) {
	st, err := c.file.Stat()
	return fileID{dev: st.Dev, ino: st.Ino, file: c.file.FileID()}, err
}

// look takes note of how many entries there are now.
func (c *cursor) look() error {
	if !c.live {
		c.seen = c.limit
		return nil
	}
	n, err := c.file.NEntries()
	if err != nil {
		return err
	}
	c.limit = max(c.limit, n)
	return nil
}

// advance reads the next head; has is false when the limit is reached. Its error says that the rest of the file cannot be
// had.
func (c *cursor) advance(r *report) error {
	if c.has {
		c.prev, c.has = c.head, false
	}
	for {
		off, ok, err := c.nextOffset()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		if off != 0 && c.file.ReadEntry(off, &c.entry) == nil {
			c.head = keyOf(c.info.chain.seqnumID, &c.entry)
			if c.skipped > 0 {
				c.reportSkipped(r, c.head.seqnum-1, c.head.realtime)
			}
			if c.head.seqnum <= c.chain.last && c.passed() {
				continue
			}
			c.has = true
			return nil
		}
		if off != 0 {
			c.skipped++
		}
	}
}

// passed reports whether the head, which has a sequence number that the chain has left behind, was handed out. It was,
// unless it is another entry with the same number.
func (c *cursor) passed() bool {
	return c.head.seqnum < c.chain.last || compare(&c.head, &c.chain.lastKey) <= 0
}

// nextOffset returns the offset of the next entry that may be of interest, 0 if something unreadable was passed over.
func (c *cursor) nextOffset() (off uint64, ok bool, err error) {
	if c.index != nil {
		off, ok, err := c.index.next()
		if err == nil && ok {
			c.at = c.scanFrom - 1
			return off, true, nil
		}
		last := c.index.last
		c.index = nil
		switch {
		case err == nil:
			err = c.all.SeekIndex(c.scanFrom)
		case last != 0: // the index is damaged: go on without it
			err = c.all.SeekOffset(last + 1)
		default:
			err = nil // all is where it was
		}
		if err != nil {
			return 0, false, err
		}
	}
	c.at = c.all.Index()
	if c.at >= c.limit {
		return 0, false, nil
	}
	off, ok, err = c.all.Next()
	if err == nil {
		return off, ok, nil
	}
	passed := c.all.Index() - c.at
	if !errors.Is(err, journalfile.ErrCorrupt) || passed == 0 {
		return 0, false, err
	}
	c.skipped += passed
	return 0, true, nil
}

// reportSkipped counts the entries passed over since the last readable one, up to sequence number last, 0 if not known.
func (c *cursor) reportSkipped(r *report, last, realtime uint64) {
	if c.skipped == 0 {
		return
	}
	gap := pump.Gap{SeqnumID: c.info.chain.seqnumID, Last: last, Count: c.skipped, From: c.prev.realtime, To: realtime, Reason: "corrupted"}
	if c.prev.seqnum != 0 {
		gap.First = c.prev.seqnum + 1
	}
	if last != 0 && gap.First > last {
		gap.First, gap.Last = 0, 0 // their numbers say nothing
	}
	r.corrupted += int(min(c.skipped, 1<<31))
	r.gaps = append(r.gaps, gap)
	c.skipped = 0
}

// remaining returns how many entries of the file were not read yet; an upper bound.
func (c *cursor) remaining() uint64 {
	n := c.limit - min(c.all.Index(), c.limit)
	if c.has {
		n++
	}
	return n
}

// reportLost records that the rest of the file is gone.
func (c *cursor) reportLost(r *report) {
	n := c.remaining()
	if n == 0 {
		return
	}
	c.skipped = 0 // is part of it
	r.gaps = append(r.gaps, pump.Gap{
		SeqnumID: c.info.chain.seqnumID,
		First:    c.chain.last + 1,
		Last:     max(c.info.tail.seqnum, c.head.seqnum),
		Count:    n,
		From:     c.prev.realtime,
		To:       c.info.tail.realtime,
		Reason:   "vacuumed",
	})
}

func (c *cursor) close() error {
	if err := c.file.Close(); err != nil {
		return fmt.Errorf("closing a journal file: %w", err)
	}
	return nil
}
