package journal

import (
	"errors"

	"journalpump/readers/journal/journalfile"
)

// At boot journald writes to /run, and when /var is there it copies that to a file there, with numbers of that file's
// sequence, and deletes what was in /run. Who follows through it knows that by the directories: see moves. Who was not there, or
// has copies that others made, knows them by their times and contents. Only entries that are no later than what was read of
// their boot can be copies, and there are few of these.

// bootMark is a moment of a boot.
type bootMark struct {
	boot [16]byte
	mono uint64
	seen bool // there is such a moment
}

func (m *bootMark) see(mono uint64) {
	m.mono, m.seen = max(m.mono, mono), true
}

// covers reports whether the entry is of that boot, and not later.
func (m *bootMark) covers(k *key) bool { return m.seen && k.bootID == m.boot && k.mono <= m.mono }

// maxBoots bounds how many boots are remembered.
const maxBoots = 1 << 12

// maxCompared is of how many entries of a chain it is found out that they are no copies before it is taken for granted.
const maxCompared = 64

// markOf returns how far the entries of a boot were read.
func (it *iterator) markOf(boot [16]byte) *bootMark {
	if it.boot != nil && it.boot.boot == boot {
		return it.boot
	}
	m := it.boots[boot]
	if m == nil {
		if len(it.boots) >= maxBoots {
			clear(it.boots)
		}
		m = &bootMark{boot: boot}
		it.boots[boot] = m
	}
	it.boot = m
	return m
}

// isCopy reports whether the head of a cursor, which is not later than what was read of its boot, is a copy of an entry that
// was read from another chain.
func (it *iterator) isCopy(c *cursor) bool {
	ch, k := c.chain, &c.head
	switch {
	case k.seqnumID != it.from.key.seqnumID && isSame(k, &it.from.key), ch.copied.covers(k) && k.mono < ch.copied.mono:
		return true
	case ch.original.covers(k):
		return false
	}
	copied, moved := it.lookUp(ch, k)
	for looks := 1; moved && looks < maxLooks && it.listAnew(); looks++ {
		copied, moved = it.lookUp(ch, k)
	}
	if copied || ch.copied.covers(k) {
		return copied
	}
	if ch.compared++; ch.compared%maxCompared == 0 { // nor will those be that follow: rather twice than at any price
		ch.original = *it.markOf(k.bootID)
	}
	return false
}

// lookUp looks for an entry of a chain in the others. moved says that it may be in a file that was not where it was listed.
func (it *iterator) lookUp(ch *chain, k *key) (copied, moved bool) {
	for _, other := range it.chains {
		last := &other.lastKey
		if other == ch || last.bootID != k.bootID || last.mono < k.mono || other.id.machineID != ch.id.machineID {
			continue
		}
		if isSame(k, last) {
			return true, false
		}
		files := it.filesOf(other)
		if files == nil { // if it was flushed, this chain has its last entry, and those before it are copies, all of them
			_, flushed, away := find(it.filesOf(ch), last)
			if flushed {
				ch.copied = bootMark{boot: k.bootID, mono: last.mono, seen: true}
				return k.mono < last.mono, false
			}
			moved = moved || away
		}
		n, ok, away := find(files, k)
		if ok && n <= other.last {
			return true, false
		}
		moved = moved || away
	}
	return false, moved
}

// listAnew makes known where files are that were not where they had been listed; false if it cannot.
func (it *iterator) listAnew() bool {
	at, err := it.log.list(true)
	if err != nil || at.passing {
		return false
	}
	it.files = at.files
	return true
}

// adopt makes known that what was read up to the position that the iterator was opened after, whose chain is gone, is in
// other chains as copies. It reports whether it is.
func (it *iterator) adopt() bool {
	if it.from.key.seqnum == 0 {
		return false
	}
	for looks := 1; ; looks++ {
		copied, moved := false, false
		for files := range byChain(it.files) {
			_, ok, away := find(files, &it.from.key)
			if ch := it.chains[files[0].chain]; ok && ch != nil {
				ch.copied = bootMark{boot: it.from.key.bootID, mono: it.from.key.mono, seen: true}
				copied = true
			}
			moved = moved || away
		}
		if !moved || looks == maxLooks || !it.listAnew() {
			return copied
		}
	}
}

// filesOf returns the files of the chain as of the last listing.
func (it *iterator) filesOf(ch *chain) []*fileInfo {
	for files := range byChain(it.files) {
		if files[0].chain == ch.id {
			return files
		}
	}
	return nil
}

// isSame reports whether two keys are of one entry, or of copies of it.
func isSame(a, b *key) bool {
	return a.bootID == b.bootID && a.mono == b.mono && compareTimes(a, b) == 0
}

// find returns the sequence number of the entry in one of the files that has the key's times and contents. moved says that one was not
// where it was listed, which may have it.
func find(files []*fileInfo, k *key) (seqnum uint64, ok, moved bool) {
	for _, info := range files {
		// What cannot be read holds nothing.
		err := withFile(info, func(f *journalfile.File) error {
			entries, has, err := f.BootEntries(k.bootID)
			if err != nil || !has {
				return err
			}
			if err := entries.SeekMonotonic(k.mono); err != nil {
				return err
			}
			var e journalfile.Entry
			for firstReadable(f, entries.Next, &e) && e.Monotonic == k.mono {
				if at := keyOf(info.chain.seqnumID, &e); isSame(&at, k) {
					seqnum, ok = e.Seqnum, true
					break
				}
			}
			return nil
		})
		if ok {
			break
		}
		moved = moved || errors.Is(err, errMoved)
	}
	return seqnum, ok, moved
}
