package guard

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// file is what is known of a journal file. It is immutable.
type file struct {
	dir    string
	inode  inode
	size   int64 // on the disk, which is what journald counts
	mtime  syscall.Timespec
	active bool // it is being written, or may be

	seqnumID   pump.ID128
	tail       uint64 // the last sequence number; 0 if there are no entries, or none that can be told
	from, to   uint64 // realtime of the first and the last entry
	entries    uint64
	unreadable bool
}

// inode is a file's identity: journald renames files when it archives them.
type inode struct{ dev, ino uint64 }

// examine looks at the file at path. What is known from before, or to the log, is taken over if it cannot have changed; nil if there
// is no file.
func (w *watch) examine(path string, before *file) *file {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return nil
	}
	f := &file{
		dir:    filepath.Dir(path),
		inode:  inode{st.Dev, st.Ino},
		size:   st.Blocks * 512,
		mtime:  syscall.Timespec(st.Mtim),
		active: !strings.ContainsAny(filepath.Base(path), "@~"),
	}
	if before != nil && !f.active && !before.active && before.inode == f.inode && before.size == f.size && before.mtime == f.mtime {
		return before
	}
	var e journalfile.Extent
	known := false
	if w.extent != nil && !f.active {
		e, known = w.extent(path, &st)
	}
	if !known {
		var err error
		e, err = w.readHeader(path)
		f.unreadable = err != nil
	}
	f.seqnumID, f.tail, f.from, f.to, f.entries = e.SeqnumID, e.Tail, e.From, e.To, e.NEntries
	return f
}

func (w *watch) readHeader(path string) (journalfile.Extent, error) {
	j, _, err := w.peeker.Open(path)
	if err != nil {
		return journalfile.Extent{}, err
	}
	h, err := j.Header()
	_ = j.Close() // was only read
	if err != nil {
		return journalfile.Extent{}, err
	}
	return h.Extent(), nil
}

// after reports whether the file has entries after the position, as far as its header tells.
func (f *file) after(p *pump.Position) bool {
	reached, known := p.ReachedIn(f.seqnumID)
	switch {
	case f.entries == 0:
		return false
	case known:
		return f.tail > reached
	case p.Parts&pump.HasRealtime != 0:
		return f.to > p.Realtime
	default:
		return true
	}
}

// inOrderOfDeletion sorts files as journald's vacuum does: archived ones by age, and what is being written never.
func inOrderOfDeletion(files []*file) {
	slices.SortFunc(files, func(a, b *file) int {
		if a.active != b.active {
			if b.active {
				return -1
			}
			return 1
		}
		if a.seqnumID == b.seqnumID && a.tail != b.tail {
			return cmp.Compare(a.tail, b.tail)
		}
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.inode.ino, b.inode.ino))
	})
}
