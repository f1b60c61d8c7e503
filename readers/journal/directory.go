package journal

import (
	"path/filepath"

	"journalpump/pump"
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
	if p.volatile && it.from.pos.Parts&pump.HasMonotonic != 0 {
		p.moves.read(it.from.pos.BootID, it.from.pos.Monotonic) // what comes before, somebody else has read
	}
	it.dirs[dir] = p
	return p
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
