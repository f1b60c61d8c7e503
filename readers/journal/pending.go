package journal

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What is archived is opened when its turn comes, which may be long after it was listed: it may have been renamed, rewritten
// under its name, or moved with its directory, and must not be left behind then. So nothing that comes after it is handed out
// before it is found, or known to be gone.

// openPending opens the first pending file of a chain. It returns false if nothing can be handed out for now, as that
// file is somewhere else and what comes next is not known.
func (it *iterator) openPending(ch *chain) bool {
	info := ch.pending[0]
	if it.isAway(info) {
		return false
	}
	if it.open(info, ch) {
		ch.pending = ch.pending[1:]
		it.missed = 0
		it.shareMemory()
		return true
	}
	if it.missed++; it.missed > maxLooks { // it is listed time and again, and cannot be had
		it.reportVanished(ch, info)
		ch.pending = ch.pending[1:]
		it.missed = 0
		return true
	}
	it.gen = 0
	if err := it.refresh(); err != nil {
		it.failure = err
		return false
	}
	return true
}

// unlist takes from the chains what is pending: what a listing has is to be added again, what it has not is gone, unless it may
// come back.
func (it *iterator) unlist(at *listing, listed func(*fileInfo) bool) {
	before := it.away
	it.away = nil
	left := it.movedOn(at, listed)
	for _, ch := range it.chains {
		kept := ch.pending[:0]
		for _, info := range ch.pending {
			switch since, ok := before[info.id]; {
			case listed(info), left[filepath.Dir(info.path)]:
			case !wentWithDirectory(info), ok && time.Since(since) >= moveTime:
				it.reportVanished(ch, info)
			default:
				if !ok {
					since = time.Now()
				}
				if it.away == nil {
					it.away = map[fileID]time.Time{}
				}
				it.away[info.id] = since
				kept = append(kept, info)
			}
		}
		ch.pending = kept
	}
	if len(left) == 0 {
		return
	}
	for _, c := range slices.Clone(it.cursors) {
		if left[filepath.Dir(c.info.path)] {
			it.drop(c, nil)
		}
	}
}

// wentWithDirectory reports whether the directory of a file is missing as well: it may have been moved away for a moment.
func wentWithDirectory(info *fileInfo) bool {
	_, err := os.Stat(filepath.Dir(info.path))
	return errors.Is(err, fs.ErrNotExist)
}

// isAway reports whether a pending file is missing together with its directory. After moveTime it is gone.
func (it *iterator) isAway(info *fileInfo) bool {
	_, away := it.away[info.id]
	return away
}

// awayTooLong reports whether there are pending files that have been missing for so long that they won't come back.
func (it *iterator) awayTooLong() bool {
	for _, since := range it.away {
		if time.Since(since) >= moveTime {
			return true
		}
	}
	return false
}

// inTurn puts what is pending in order where something was pending already.
func (it *iterator) inTurn() {
	if len(it.away) == 0 {
		return
	}
	for _, ch := range it.chains {
		slices.SortStableFunc(ch.pending, func(a, b *fileInfo) int { return cmp.Compare(a.head.seqnum, b.head.seqnum) })
	}
}
