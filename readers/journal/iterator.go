package journal

import (
	"context"
	"errors"
	"slices"
	"time"

	"journalpump/pump"
)

const (
	// Entries of the current boot rest while more is being written that is not in line with them. A journald writes one entry
	// after the other, but may stamp several of a moment alike and write them to files of several chains: theirs rest for
	// stampTime. Several journalds, each in directories of its own, don't wait for each other, so one may be about to write
	// what it stamped a moment earlier: theirs rest for settleTime. What a journald says about rotating its files has the time
	// when it began with that: for changeTime after files have come or gone, entries rest for rotateTime.
	stampTime  = 10 * time.Millisecond
	settleTime = 250 * time.Millisecond
	rotateTime = time.Second
	changeTime = 2 * time.Second

	// Files that are followed are looked at every pollMin after something happened, easing to pollMax. When nothing has for
	// calmAfter, what announces writes wakes the iterator, and looking every pollCalm is for writers that don't: see docs/adr/0007.
	pollMin   = 10 * time.Millisecond
	pollMax   = 100 * time.Millisecond
	pollCalm  = 2 * time.Second
	calmAfter = 30 * time.Second

	// crowd is how many files may be open before those that only wait for entries give back their memory.
	crowd = 8

	// smallFile is up to which size a file is read instead of being mapped, which takes less time: what is looked at was just read, and
	// is in the processor's cache, and no pages have to be mapped and unmapped.
	smallFile = 2 << 20

	// maxScanned is after how many entries that the filter does not want a chunk is returned all the same, so that the
	// position moves.
	maxScanned = 1 << 16
)

// chain is where an iterator is in the files that share a sequence.
type chain struct {
	id      chainID
	last    uint64      // all up to this sequence number was there
	lastKey key         // the entry that had it, if the iterator saw it
	start   start       // where it was at first, if that had to be looked for
	pending []*fileInfo // not opened yet, by their first entries
	began   uint64      // what last was when the chunk began
	listed  bool        // it has files
	gone    time.Time   // when they were missed
	newest  fileID      // which of them the last listing had that went farthest
	top     uint64      // and how far that was; 0: there was none yet

	// Up to here its entries of a boot are copies of what was read from another chain, or are known not to be.
	copied, original bootMark
	compared         int // with other chains, in vain

	candidate int // where it is among the iterator's candidates, if it is
}

// known returns up to which sequence number a file needs not be looked at: another entry may have the last one's number.
func (ch *chain) known() uint64 {
	if ch.lastKey.seqnum == ch.last && ch.last > 0 {
		return ch.last - 1
	}
	return ch.last
}

// iterator is a pump.Iterator. Its state is pos and, for every chain, last; the files are only the means.
type iterator struct {
	log       *Log
	from      origin
	pos       pump.Position
	chains    map[chainID]*chain
	sequences map[[16]byte]bool // those of chains
	files     []*fileInfo       // of the listing that chains and cursors are of
	cursors   []*cursor
	done      map[fileID]uint64    // files read to the end, and how many entries they had
	failed    map[string]bool      // files already counted as unreadable
	gen       uint64               // of the listing that chains and cursors are of; 0: files have moved since
	moved     bool                 // a file that is being written was not where it was listed
	missed    int                  // how often in a row a pending one was not
	away      map[fileID]time.Time // the pending ones that are missing with their directory, and since when

	candidates []candidate // of each chain the next entry, as of the last pick

	lastKey  key     // of the entry that was handed out, or passed over, last
	lastFrom *cursor // where it came from
	seen     bool    // there is a lastKey
	boots    map[[16]byte]*bootMark
	boot     *bootMark // the last entry's

	dirs    map[string]*directory // by path
	settle  time.Duration         // how long entries of the current boot rest
	settled uint64                // those up to this time, in microseconds since boot, have rested
	looked  time.Time             // when all open files had been looked at
	noted   uint64                // gen at the last look
	changed uint64                // when that was another one, in microseconds since boot

	report  report
	build   builder
	items   []uint64      // memory of a cursor that is closed, for the next one
	memory  []byte        // for one small file at a time
	lent    bool          // it is in use
	idle    time.Duration // how long Wait last slept between looks
	calm    time.Time     // when it waits to be woken, unless something happens
	unwoken time.Duration // how long it then does at most: pollCalm
	written []string      // what an alarm is for
	waiting bool          // there are entries that only have to be confirmed
	failure error         // what makes going on impossible
	closed  bool
}

var errClosed = errors.New("the iterator is closed")

// Open implements pump.Log.
func (l *Log) Open(ctx context.Context, after pump.Position) (pump.Iterator, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	it := &iterator{
		log:       l,
		pos:       after,
		chains:    map[chainID]*chain{},
		sequences: map[[16]byte]bool{},
		done:      map[fileID]uint64{},
		failed:    map[string]bool{},
		boots:     map[[16]byte]*bootMark{},
		from:      newOrigin(after),
		dirs:      map[string]*directory{},
		unwoken:   pollCalm,
	}
	it.stir()
	it.build.init(l)
	if after.Parts&pump.HasMonotonic != 0 {
		it.markOf(after.BootID).see(after.Monotonic)
	}
	at, err := l.available()
	if err != nil {
		return nil, err
	}
	if at, _, err = it.addChains(at, l.available); err != nil {
		return nil, err
	}
	it.reportLost()
	if err := it.sync(at); err != nil { // what is open stays readable, even if it is deleted
		return nil, errors.Join(err, it.Close())
	}
	if err := it.refresh(); err != nil {
		return nil, errors.Join(err, it.Close())
	}
	return it, nil
}

// refresh takes another look at the directories, and then at all files: whatever a listing has was written before it, and so was what
// comes before that in files that are open. What the look before had shown is then confirmed: since it all that was written earlier has
// come to light.
func (it *iterator) refresh() error {
	now := monotonicNow()
	if it.awayTooLong() {
		it.gen = 0
	}
	if it.unconfirmed() {
		it.log.outdate(it.looked)
	}
	if err := it.relist(); err != nil {
		return err
	}
	for _, c := range it.cursors {
		if !c.held() {
			c.seen = c.looked
		}
	}
	var changed []*cursor // there was no entry, so the file may have got another seqnum_id with its first
	for _, c := range slices.Clone(it.cursors) {
		if err := c.look(); err != nil {
			it.drop(c, err)
			continue
		}
		if !c.begun && c.limit > 0 {
			changed = append(changed, c)
			continue
		}
		if !c.has {
			it.advance(c)
		}
	}
	it.looked = time.Now()
	for _, c := range changed {
		it.begin(c)
	}
	it.note(now)
	return nil
}

// note says when the last look has begun, in microseconds since boot.
func (it *iterator) note(now uint64) {
	if it.gen != it.noted {
		it.noted, it.changed = it.gen, now
	}
	it.settle = it.restTime()
	if it.settle == settleTime && now-it.changed < uint64(changeTime/time.Microsecond) {
		it.settle = rotateTime
	}
	it.settled = now - min(now, uint64(it.settle/time.Microsecond)) //nolint:gosec // positive
}

// begin starts a file that had no entries before. The first one may have given it another sequence, so what was known of it
// does not count. The file is not opened again: its name may have gone by now.
func (it *iterator) begin(c *cursor) {
	info := &fileInfo{path: c.info.path}
	if st, err := c.file.Stat(); err == nil {
		info.size = int64(st.Size) //nolint:gosec // it comes from one
	}
	if err := new(examiner).read(info, c.file); err != nil {
		it.drop(c, err)
		return
	}
	ch := it.chains[info.chain]
	if ch == nil {
		ch = &chain{id: info.chain, last: it.from.reached[info.chain.seqnumID]}
		it.addChain(ch)
	}
	if info.last > ch.top {
		ch.newest, ch.top = info.id, info.last
	}
	if info.n > 0 && wentBack(&info.tail, &ch.lastKey) {
		it.goBack(info, ch)
	}
	c.info, c.chain = info, ch
	if err := c.seek(it.log.filter); err != nil {
		it.drop(c, err)
		return
	}
	it.advance(c)
}

// advance reads a cursor's next head. A file that has none and will get none is closed.
func (it *iterator) advance(c *cursor) {
	if err := c.advance(&it.report); err != nil {
		it.drop(c, err)
		return
	}
	if !c.has && c.live && len(it.cursors) > crowd {
		c.file.Release()
	}
	if !c.has && !c.live {
		c.reportEnd(&it.report)
		it.done[c.info.id] = c.limit
		it.drop(c, nil)
	}
}

// drop closes a cursor. An error says why what it had not read yet cannot be had, by this iterator if it is for want of memory.
func (it *iterator) drop(c *cursor, err error) {
	switch {
	case pump.IsShortage(err):
		it.failure = err
	case err != nil:
		ch := c.chain
		if !c.begun && it.chains[c.info.chain] != nil {
			ch = it.chains[c.info.chain]
		}
		c.reportLost(&it.report, ch, err)
		ch.top = max(ch.top, c.known)
		it.done[c.info.id] = c.limit
	}
	if i := slices.Index(it.cursors, c); i >= 0 {
		it.cursors = slices.Delete(it.cursors, i, i+1)
	}
	if it.lastFrom == c {
		it.lastFrom = nil
	}
	it.build.release(&c.refs)
	it.items = c.entry.Items[:0]
	_ = c.close() // was only read
	it.takeBack(c.memory)
}

// shareMemory divides what may be resident among the open files.
func (it *iterator) shareMemory() {
	if n := len(it.cursors); n > 0 {
		for _, c := range it.cursors {
			c.file.SetResidentLimit(it.log.opts.MemoryLimit / 2 / n)
		}
	}
}

// Close implements pump.Iterator.
func (it *iterator) Close() error {
	it.closed = true
	errs := make([]error, 0, len(it.cursors))
	for _, c := range it.cursors {
		errs = append(errs, c.close())
	}
	it.cursors, it.chains, it.lastFrom, it.memory = nil, nil, nil, nil
	it.build = builder{}
	return errors.Join(errs...)
}
