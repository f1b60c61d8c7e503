package journal

import (
	"errors"
	"fmt"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// cursor is an open file and a place in it. Its head is the next entry to come.
type cursor struct {
	info  *fileInfo
	chain *chain
	dir   *directory
	file  *journalfile.File
	all   *journalfile.Entries
	index *indexWalk // while matches are looked up in the file's index; else nil
	// scanFrom is the index in all of the first entry that index does not lead to.
	scanFrom uint64

	// A file that is written has more entries at every look. limit is how many there are to our knowledge, looked how many
	// the last look showed, and seen how many the one before.
	live                bool
	seen, looked, limit uint64
	first, known        uint64 // the lowest and the highest sequence number that it is known to have had; 0: none
	// begun says that there was an entry when its place was sought. Before it has one nothing is known of a file for certain: not where
	// it begins, nor which chain it is of.
	begun bool
	// orphaned is when it was noticed that the file is no longer listed, grown when it had more entries after that. moved
	// says that it has a name still, somewhere else.
	orphaned, grown time.Time
	moved           bool

	has   bool
	head  key
	at    uint64 // no less than the head's index in all
	entry journalfile.Entry

	prev    key    // of the entry before the head; zero if none was read
	seqnum  uint64 // of the last entry that was read, handed out or not
	skipped uint64 // unreadable entries since
	empty   uint64 // places of entries passed over so far that were empty
	refs    refTable
	memory  []byte // the iterator's, that the file was read into
}

// report collects what a chunk has to say beside its entries.
type report struct {
	corrupted int
	gaps      []pump.Gap
}

var errGone = errors.New("the rest of the file is gone")

// openCursor opens a file at the first entry of the chain that was not there yet. The head is still to be read.
// A file that nobody writes any more may be read into the memory, which is then in use until the cursor is closed.
func openCursor(info *fileInfo, ch *chain, filter *filter, memory []byte) (*cursor, error) {
	f, err := journalfile.OpenInto(info.path, memory)
	if err != nil {
		return nil, err
	}
	c := &cursor{info: info, chain: ch, file: f, all: f.Entries(), live: !info.final, memory: memory}
	if err := c.seek(filter); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

func (c *cursor) seek(filter *filter) error {
	n, err := c.file.NEntries()
	// The path may lead to another file by now, or the file has got another sequence with its first entry: the listing that follows
	// will say so.
	if !c.info.isOf(c.file) {
		return errGone
	}
	if errors.Is(err, journalfile.ErrTruncated) {
		return errGone
	}
	if err != nil {
		return err
	}
	c.limit, c.begun = n, n > 0
	c.learn(c.info)
	c.learnHeader()
	if c.chain.last < c.info.first {
		c.seqnum = c.info.first - 1 // all of it is to come
	} else if err := c.seekSeqnum(c.chain.known()); err != nil {
		return err
	}
	if filter != nil {
		c.plan(filter)
	}
	return nil
}

// learn takes note of what a listing says of the file, which may be gone before it is looked at the next time.
func (c *cursor) learn(info *fileInfo) {
	c.info = info
	if info.n > 0 {
		c.limit, c.first, c.known = max(c.limit, info.n), info.first, max(c.known, info.last)
	}
}

// learnHeader is learn for what the file says by now.
func (c *cursor) learnHeader() {
	if h, err := c.file.Header(); err == nil && h.NEntries > 0 && chainOf(&h) == c.chain.id {
		c.limit, c.first, c.known = max(c.limit, h.NEntries), h.HeadSeqnum, max(c.known, h.TailSeqnum)
	}
}

// seekSeqnum moves the place in all behind the entry with the sequence number. A bisection that met a damaged number may have led
// too far, so a few entries before the place are asked, too.
func (c *cursor) seekSeqnum(n uint64) error {
	if err := c.all.SeekSeqnum(n); err != nil {
		return err
	}
	at := c.all.Index()
	for asked := 0; asked < 3; asked++ {
		off, ok, err := c.all.Prev()
		if err != nil || !ok {
			break
		}
		if have, err := c.file.Seqnum(off); err == nil && have > n {
			at, asked = c.all.Index(), 0
		}
	}
	return c.all.SeekIndex(at)
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
	more := n > c.limit
	c.limit = max(c.limit, n)
	c.looked = c.limit
	switch {
	case c.orphaned.IsZero():
	case more:
		c.grown = time.Now()
	case c.abandoned():
		c.retire() // it may have got more before its writer left it
	}
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
		if off == 0 {
			continue
		}
		if err = c.file.ReadEntry(off, &c.entry); err != nil && pump.IsShortage(err) {
			return err
		}
		if err != nil || !c.inOrder(c.entry.Seqnum) {
			c.skipped++
			continue
		}
		c.head = keyOf(c.chain.id.seqnumID, &c.entry)
		if c.skipped > 0 {
			c.reportSkipped(r, c.head.seqnum-1, c.head.realtime)
		}
		c.seqnum = c.head.seqnum
		if c.head.seqnum <= c.chain.last && c.passed() {
			continue
		}
		c.has = true
		return nil
	}
}

// inOrder reports whether n can be the sequence number of the entry that was just read. They rise within a file, so of one that
// is out of line the neighbours tell: where nobody asked, it would take all that follow for known, or for damaged.
func (c *cursor) inOrder(n uint64) bool {
	if n == c.seqnum+1 {
		return true
	}
	if n <= c.seqnum {
		return false
	}
	next, ok := c.peekSeqnum()
	if ok {
		return next > n || next <= c.seqnum
	}
	if c.live {
		return true
	}
	h, err := c.file.Header()
	return err != nil || n <= h.TailSeqnum || c.seqnum > h.TailSeqnum
}

// peekSeqnum returns the sequence number of the next entry.
func (c *cursor) peekSeqnum() (uint64, bool) {
	var off uint64
	if c.index != nil {
		off = c.index.peek()
	} else {
		off, _ = c.all.Peek()
	}
	if off == 0 {
		return 0, false
	}
	n, err := c.file.Seqnum(off)
	return n, err == nil
}

// passed reports whether the head, which has a sequence number that the chain has left behind, was handed out. It was, unless it
// is another entry with the same number, or a later one.
func (c *cursor) passed() bool {
	if c.head.seqnum == c.chain.last {
		return compare(&c.head, &c.chain.lastKey) <= 0
	}
	return !wentBack(&c.head, &c.chain.lastKey)
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
	c.empty += passed
	if c.empty > maxDamaged && c.empty > c.room(slotBytes) {
		return 0, false, errEndless
	}
	return 0, true, nil
}

var errEndless = fmt.Errorf("%w: more entries are claimed than the file has room for", journalfile.ErrCorrupt)

const (
	slotBytes  = 4  // the least that an entry takes up in an array
	leastEntry = 72 // and with its object
	// packing is how many bytes of a file may lie in one byte on a disk that compresses.
	packing = 32
)

// room returns how many things of so many bytes the file may hold. Holes, of which a small file can have terabytes, hold none.
func (c *cursor) room(bytes uint64) uint64 {
	st, err := c.file.Stat()
	if err != nil {
		return 0
	}
	return min(st.Size, st.Blocks*512*packing)/bytes + 1
}

// reportSkipped counts the entries passed over since the last readable one, up to sequence number last.
func (c *cursor) reportSkipped(r *report, last, realtime uint64) {
	gap := pump.Gap{SeqnumID: c.chain.id.seqnumID, Last: last, Count: c.skipped, From: c.prev.realtime, To: realtime, Reason: "corrupted"}
	if c.seqnum != 0 {
		gap.First = c.seqnum + 1
		gap.Count = min(gap.Count, last-min(c.seqnum, last))
	}
	gap.Count = min(gap.Count, c.room(leastEntry))
	r.corrupted += int(max(gap.Count, 1)) //nolint:gosec // a file has room for less
	if gap.Count > 0 {                    // else numbers say that nothing is missing
		r.gaps = append(r.gaps, gap)
	}
	c.skipped = 0
}

// reportEnd records what is missing at the end of a file that nobody writes any more: entries that could not be read, and
// those that the header knows of though it doesn't count them.
func (c *cursor) reportEnd(r *report) {
	h, err := c.file.Header()
	switch {
	case err != nil:
		h.TailSeqnum = c.known
	case h.HeadSeqnum == 0 && c.limit == 0:
		return // it never had an entry: the last number is that of the file before it
	}
	read := c.seqnum
	if read == 0 {
		read = c.chain.last // it was opened behind its end
	}
	switch {
	case h.TailSeqnum > read:
		c.skipped = max(c.skipped, h.TailSeqnum-read)
		c.reportSkipped(r, h.TailSeqnum, c.prev.realtime)
	case c.skipped > 0 || c.all.Beyond():
		r.corrupted++ // the last one was read: the count is wrong
	}
}

// remaining returns how many entries of the file were not read yet; an upper bound.
func (c *cursor) remaining() uint64 {
	n := c.limit - min(c.all.Index(), c.limit)
	if c.has {
		n++
	}
	return n
}

// reportLost records that the rest of the file, which is of the chain, cannot be had.
func (c *cursor) reportLost(r *report, ch *chain, err error) {
	n := c.remaining() + c.skipped
	if n == 0 && c.known > max(ch.last, c.seqnum) {
		n = 1 // it had its number, and was not counted yet
	}
	if n == 0 {
		return
	}
	first := max(ch.last, c.seqnum) + 1
	if c.has {
		first = max(ch.last+1, c.head.seqnum)
	}
	gap := pump.Gap{
		SeqnumID: ch.id.seqnumID,
		First:    max(first, c.first),
		Last:     max(c.known, c.head.seqnum),
		Count:    n,
		From:     c.prev.realtime,
		To:       c.info.tail.realtime,
		Reason:   "vacuumed",
	}
	if errors.Is(err, errEndless) {
		gap.Count = min(n, c.room(leastEntry))
		gap.Reason = "corrupted"
		r.corrupted++
	}
	c.skipped = 0 // is part of it
	switch {
	case gap.First <= gap.Last:
		gap.Count = min(gap.Count-1, gap.Last-gap.First) + 1
	case gap.Reason != "vacuumed":
		return
	default:
		// What the header said was of another moment: entries are missing, but which is not known.
		gap.First, gap.Last, gap.To = 0, 0, max(gap.From, gap.To)
	}
	r.gaps = append(r.gaps, gap)
}

func (c *cursor) close() error {
	if err := c.file.Close(); err != nil {
		return fmt.Errorf("closing a journal file: %w", err)
	}
	return nil
}
