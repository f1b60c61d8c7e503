package lossyfs

import (
	"maps"
	"time"
)

// inode is a file or a directory: what whoever looks sees, and what is on the disk.
type inode struct {
	number   uint64
	mode     uint32 // with its type
	uid, gid uint32
	changed  time.Time

	data    []byte   // of a file
	disk    []byte   // … as it was synced last
	changes []change // … since then

	entries map[string]*inode // of a directory; nil: it is a file
	stored  map[string]*inode // … as it was synced last
	edits   []edit            // … since then
}

// change is a write or, with cut, the file's new size.
type change struct {
	at   int64
	data []byte
	cut  bool
}

func (c *change) end() int64 { return c.at + int64(len(c.data)) }

// edit is what happens to a directory at once: a rename takes a name away and gives another one.
type edit []binding

// binding is a name and what it names; nil: nothing any more.
type binding struct {
	name string
	what *inode
}

func (i *inode) isDir() bool { return i.entries != nil }

func (i *inode) change(c change) {
	i.data = c.apply(i.data)
	i.changes = append(i.changes, c)
	i.changed = time.Now()
}

func (c *change) apply(to []byte) []byte {
	if c.cut {
		return resize(to, c.at)
	}
	if c.end() > int64(len(to)) {
		to = resize(to, c.end())
	}
	copy(to[c.at:], c.data)
	return to
}

// resize cuts b or adds zeros to it, which is what a hole reads as.
func resize(b []byte, size int64) []byte {
	if more := size - int64(len(b)); more > 0 {
		return append(b, make([]byte, more)...)
	}
	return b[:size:size]
}

func (i *inode) edit(e edit) {
	e.apply(i.entries)
	i.edits = append(i.edits, e)
	i.changed = time.Now()
}

func (e edit) apply(to map[string]*inode) {
	for _, b := range e {
		if b.what == nil {
			delete(to, b.name)
		} else {
			to[b.name] = b.what
		}
	}
}

// sync puts a file's contents, or a directory's names, on the disk. Neither does the other.
func (i *inode) sync() {
	if i.isDir() {
		i.stored, i.edits = maps.Clone(i.entries), nil
		return
	}
	for n := range i.changes {
		i.disk = i.changes[n].apply(i.disk)
	}
	i.changes = nil
}

// cut leaves of the inode, and of all below it, what was synced and what the keeper keeps of the rest.
func (i *inode) cut(k *keeper) {
	if !i.isDir() {
		i.disk = k.keepChanges(i.disk, i.changes)
		i.data, i.changes = append([]byte(nil), i.disk...), nil
		return
	}
	k.keepEdits(i.stored, i.edits)
	i.entries, i.edits = maps.Clone(i.stored), nil
	for _, child := range i.entries {
		child.cut(k)
	}
}
