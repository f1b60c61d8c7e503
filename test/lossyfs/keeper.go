package lossyfs

import "math/rand/v2"

// Keep is what a power failure leaves of what was not synced.
type Keep int

// What may be left, from the worst to what most file systems do.
const (
	Nothing   Keep = iota
	Some           // of each page, each file's size and each name any version since it was synced
	Beginning      // what came first in a file or directory; the last write that is left may be torn
	keeps
)

func (k Keep) String() string { return [...]string{"nothing", "some", "the beginning"}[k] }

// Any draws one.
func Any(r *rand.Rand) Keep { return Keep(r.IntN(int(keeps))) }

// pageSize is what reaches the disk as a whole.
const pageSize = 4096

// keeper decides what is kept.
type keeper struct {
	*rand.Rand
	keep Keep
	lost Lost
}

// Lost is how much a power failure has cost.
type Lost struct {
	Writes int // some of which may have been kept in part
	Names  int // that were given or taken away
}

func (k *keeper) keepChanges(disk []byte, changes []change) []byte {
	if len(changes) == 0 {
		return disk
	}
	switch k.keep {
	case Some:
		return k.keepPages(disk, changes)
	case Beginning:
		return k.keepBeginning(disk, changes)
	default:
		k.lost.Writes += len(changes)
		return disk
	}
}

func (k *keeper) keepBeginning(disk []byte, changes []change) []byte {
	n := k.IntN(len(changes) + 1)
	for i := range changes[:n] {
		disk = changes[i].apply(disk)
	}
	k.lost.Writes += len(changes) - n
	if n < len(changes) && !changes[n].cut {
		torn := changes[n]
		torn.data = torn.data[:k.IntN(len(torn.data)+1)]
		disk = torn.apply(disk)
	}
	return disk
}

// keepPages keeps of each page a version of its own, and of the size one, too: zeros are what a page is that the size
// covers and that was not written.
func (k *keeper) keepPages(disk []byte, changes []change) []byte {
	version := map[int64]int{} // by page: how many changes it has seen
	sizes, size := k.IntN(len(changes)+1), int64(len(disk))
	for n := range changes {
		c := &changes[n]
		whole := n < sizes
		switch {
		case whole && c.cut:
			size = c.at
			disk = resize(disk, min(size, int64(len(disk))))
		case whole:
			size = max(size, c.end())
		}
		for part, rest := split(c); len(part.data) > 0; part, rest = split(&rest) {
			v, ok := version[part.at/pageSize]
			if !ok {
				v = k.IntN(len(changes) + 1)
				version[part.at/pageSize] = v
			}
			if n < v {
				disk = part.apply(disk)
			} else {
				whole = false
			}
		}
		if !whole {
			k.lost.Writes++
		}
	}
	return resize(disk, size)
}

// split returns the part of a change that is in its first page, and the rest.
func split(c *change) (part, rest change) {
	n := min(int64(len(c.data)), pageSize-c.at%pageSize)
	return change{at: c.at, data: c.data[:n]}, change{at: c.at + n, data: c.data[n:]}
}

func (k *keeper) keepEdits(stored map[string]*inode, edits []edit) {
	n := 0
	if k.keep == Beginning {
		n = k.IntN(len(edits) + 1)
	}
	for i, e := range edits {
		if i < n || k.keep == Some && k.IntN(2) == 0 {
			e.apply(stored)
		} else {
			k.lost.Names++
		}
	}
}
