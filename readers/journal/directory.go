package journal

import (
	"maps"
	"path/filepath"
	"slices"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// directory is one with journal files.
type directory struct {
	volatile bool // it is under /run
	moves    *moves
}

// moves is what is known of a journald that goes on in /var. It begins in /run/log/journal/ID, and when it is told to
// (SIGUSR1, systemd-journald.service(8)) it copies all it has there to /var/log/journal/ID, entry by entry and with other
// sequence numbers, and deletes it in /run: who follows meets all of it again. As it writes to one of the two at a time, what
// is in /var and no newer than what was read in /run is such a copy.
//
// Nothing else tells: the copies go into a file, and a chain, that may have been there before, and two entries of one chain
// may be equal in everything but their number.
type moves struct {
	bootID [16]byte // of the newest entry that was read in /run; zero if there is none
	mono   uint64   // its time
}

// dirOf returns the directory that a file is in.
func (it *iterator) dirOf(path string) *directory {
	dir := filepath.Dir(path)
	if p := it.dirs[dir]; p != nil {
		return p
	}
	p := &directory{volatile: it.log.opts.Selection.UnderRun(dir), moves: &moves{}}
	for other, q := range it.dirs {
		if filepath.Base(other) == filepath.Base(dir) {
			p.moves = q.moves
		}
	}
	if p.volatile {
		it.readBefore(dir, p.moves)
	}
	it.dirs[dir] = p
	return p
}

// readBefore notes what was read of a directory under /run before the iterator was opened.
func (it *iterator) readBefore(dir string, m *moves) {
	from := &it.from.pos
	if !from.Whole {
		if from.Parts&pump.HasMonotonic != 0 {
			m.read(from.BootID, from.Monotonic) // by time, as all else after such a position
		}
		return
	}
	for _, info := range it.files {
		if filepath.Dir(info.path) != dir {
			continue
		}
		if k, ok := lastUpTo(info, it.from.reached[info.chain.seqnumID]); ok {
			m.read(k.bootID, k.mono)
		}
	}
}

// lastUpTo returns the last entry of a file whose number is n or lower; ok is false if there is none, or none that can be read.
func lastUpTo(info *fileInfo, n uint64) (k key, ok bool) {
	switch {
	case info.n == 0 || info.head.seqnum > n:
		return key{}, false
	case info.tail.seqnum <= n:
		return info.tail, true
	}
	err := withFile(info, func(f *journalfile.File) error {
		entries := f.Entries()
		if err := entries.SeekSeqnum(n); err != nil {
			return err
		}
		var e journalfile.Entry
		if ok = firstReadable(f, entries.Prev, &e); ok {
			k = keyOf(info.chain.seqnumID, &e)
		}
		return nil
	})
	return k, ok && err == nil
}

// movedOn returns the directories under /run that journald has left, before all that they had was opened: everything there is gone, and
// there is one in /var. What was not read is read there, where it is a copy of what was not read; but nothing that comes after it may be
// read from files that are open still, or the copies would be taken for known.
func (it *iterator) movedOn(at *listing, listed func(*fileInfo) bool) map[string]bool {
	left := map[string]bool{}
	for _, ch := range it.chains {
		for _, info := range ch.pending {
			if dir := filepath.Dir(info.path); !listed(info) && it.log.opts.Selection.UnderRun(dir) {
				left[dir] = true
			}
		}
	}
	maps.DeleteFunc(left, func(dir string, _ bool) bool { return !it.hasLeft(dir, at, listed) })
	return left
}

func (it *iterator) hasLeft(dir string, at *listing, listed func(*fileInfo) bool) bool {
	for _, c := range it.cursors {
		if filepath.Dir(c.info.path) == dir && listed(c.info) {
			return false
		}
	}
	for _, ch := range it.chains {
		for _, info := range ch.pending {
			if filepath.Dir(info.path) == dir && listed(info) {
				return false
			}
		}
	}
	return slices.ContainsFunc(at.files, func(info *fileInfo) bool {
		other := filepath.Dir(info.path)
		return filepath.Base(other) == filepath.Base(dir) && !it.log.opts.Selection.UnderRun(other)
	})
}

// read notes that what is in /run was read up to a time.
func (m *moves) read(bootID [16]byte, mono uint64) {
	if bootID != m.bootID || mono > m.mono {
		m.bootID, m.mono = bootID, mono
	}
}

// copied reports whether the head of a cursor was read in /run already. If it is there, it is read now.
func (c *cursor) copied() bool {
	m := c.dir.moves
	if c.dir.volatile {
		m.read(c.head.bootID, c.head.mono)
		return false
	}
	return m.mono != 0 && c.head.mono <= m.mono && c.head.bootID == m.bootID
}
