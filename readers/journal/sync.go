package journal

import (
	"errors"
	"maps"
	"time"

	"journalpump/pump"
)

// relist makes sure that all is known, and open where that is needed, that the directories hold now.
func (it *iterator) relist() error {
	for range maxLooks {
		at, err := it.log.list(it.gen == 0)
		if err != nil || at.gen == it.gen && !at.passing {
			return err
		}
		it.gen = 0
		if err := it.sync(at); err != nil && !errors.Is(err, errPassing) || it.gen != 0 {
			return err
		}
	}
	return nil // files come and go all the time: nothing is handed out before a look goes well
}

// sync brings chains and cursors in line with a listing. Open files must be looked at after it before anything is handed out.
func (it *iterator) sync(at *listing) error {
	at, added, err := it.addChains(at, func() (*listing, error) { return it.log.list(true) })
	if err != nil {
		return err
	}
	for _, ch := range added {
		it.reportStart(ch.id.seqnumID, &ch.start)
	}
	it.reportUnseen(at)
	it.noteGone(at)
	it.moved = false
	current := make(map[fileID]*fileInfo, len(at.files))
	names := make(map[[16]byte]bool, len(at.files))
	for _, info := range at.files {
		current[info.id] = info
		names[info.id.file] = true
	}
	for id := range it.done {
		if current[id] == nil {
			delete(it.done, id)
		}
	}
	it.unlist(at, func(info *fileInfo) bool { return current[info.id] != nil || names[info.id.file] })
	for _, c := range it.cursors {
		info := current[c.info.id]
		if info == nil {
			c.orphan()
			continue
		}
		delete(current, info.id)
		c.orphaned, c.moved = time.Time{}, false
		if info.final {
			c.retire()
		}
		c.learn(info)
		c.dir = it.dirOf(info.path)
	}
	for _, info := range at.files { // in order
		if current[info.id] != nil {
			it.add(info)
		}
	}
	it.inTurn()
	it.forgetChains()
	it.countProblems(at.problems)
	if it.gen = at.gen; it.moved {
		it.gen = 0 // there is no such listing: look again
	}
	it.shareMemory()
	return nil
}

const (
	// keptChains is how many chains without files are remembered.
	keptChains = 64
	// keptTime is for how long all of them are: a directory that is moved is back by then, as a rule.
	keptTime = time.Minute
)

// forgetChains forgets chains of which there are no files any more, so that they don't add up: systemd-journal-remote begins
// a new one each time it is started.
func (it *iterator) forgetChains() {
	used := make(map[*chain]bool, len(it.cursors))
	for _, c := range it.cursors {
		used[c.chain] = true
	}
	forgotten := func(_ chainID, ch *chain) bool {
		return !ch.listed && !used[ch] && len(ch.pending) == 0 && time.Since(ch.gone) > keptTime
	}
	n := 0
	for id, ch := range it.chains {
		if forgotten(id, ch) {
			n++
		}
	}
	if n > keptChains {
		maps.DeleteFunc(it.chains, forgotten)
	}
}

// retire notes that nobody writes the file any more. It has its last number of entries by now.
func (c *cursor) retire() {
	if !c.live {
		return
	}
	if n, err := c.file.NEntries(); err == nil {
		c.limit = max(c.limit, n)
	}
	c.live = false
}

// add takes in a file: what is written is opened at once, what is finished when its turn comes.
func (it *iterator) add(info *fileInfo) {
	ch := it.chains[info.chain]
	if !info.final {
		if !it.open(info, ch) {
			it.moved = true
			if info.n > 0 {
				ch.pending = append(ch.pending, info) // should it be gone, that is missed
			}
		}
		return
	}
	if n, ok := it.done[info.id]; ok && n == info.n || info.n == 0 || info.last <= ch.last && !wentBack(&info.tail, &ch.lastKey) {
		return
	}
	ch.pending = append(ch.pending, info)
}

// open opens a file of the chain. One that cannot be opened is passed over. found is false if it is not where it was listed.
func (it *iterator) open(info *fileInfo, ch *chain) (found bool) {
	if info.n > 0 && wentBack(&info.tail, &ch.lastKey) {
		it.goBack(info, ch)
	}
	memory := it.lend(info)
	c, err := openCursor(info, ch, it.log.filter, memory)
	if err != nil {
		it.takeBack(memory)
	}
	switch {
	case err == nil:
	case pump.IsShortage(err):
		it.failure = err
		return true
	case errors.Is(err, errGone), isMoved(err):
		return false
	default:
		if info.final {
			it.reportVanished(ch, info)
		}
		return true
	}
	c.dir = it.dirOf(info.path)
	c.entry.Items, it.items = it.items, nil
	it.cursors = append(it.cursors, c)
	it.advance(c)
	return true
}

// lend returns memory for a file that is to be read into it; nil if it is to be mapped.
func (it *iterator) lend(info *fileInfo) []byte {
	if !info.final || info.size > smallFile || it.lent {
		return nil
	}
	if it.memory == nil {
		it.memory = make([]byte, smallFile)
	}
	it.lent = true
	return it.memory
}

// takeBack takes back what lend returned. It is kept as long as there are files that it may be for.
func (it *iterator) takeBack(memory []byte) {
	if memory == nil {
		return
	}
	it.lent = false
	for _, ch := range it.chains {
		if len(ch.pending) > 0 {
			return
		}
	}
	it.memory = nil
}

// goBack lets a chain go on with the first entry of a file that was written after the last one handed out.
func (it *iterator) goBack(info *fileInfo, ch *chain) {
	p := pump.Position{Cursor: ch.lastKey.cursor()}
	p.Parts &^= pump.HasSeqnum
	s := it.log.crossing(info, &p, false)
	if pump.IsShortage(s.err) {
		it.failure = s.err
	} else if s.next > 0 {
		ch.last, ch.lastKey = s.next-1, key{}
	}
}

// byChain yields the files of each chain.
func byChain(files []*fileInfo) func(yield func([]*fileInfo) bool) {
	return func(yield func([]*fileInfo) bool) {
		for len(files) > 0 {
			n := 1
			for n < len(files) && files[n].chain == files[0].chain {
				n++
			}
			if !yield(files[:n]) {
				return
			}
			files = files[n:]
		}
	}
}
