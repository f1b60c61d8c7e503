package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// fileInfo is what is known of a journal file without having it open. It is immutable.
type fileInfo struct {
	path  string
	id    fileID
	size  int64
	mtime syscall.Timespec
	final bool // nobody will write it any more
	chain chainID
	n     uint64
	head  key // valid if n > 0
	tail  key // valid if n > 0; both are those of readable entries
	// The lowest and the highest sequence number: those of head and tail, or what the header says of entries that cannot be read. A file
	// that had no entry yet has the last number of the one before it.
	first, last uint64
	problem     error
	missing     pump.Gap // what the header says of the entries if none can be read; zero if it says nothing
}

// fileID tells files apart. The header's file_id alone does not: copies of a file share it.
type fileID struct {
	dev, ino uint64
	file     [16]byte
}

// chainID names the files whose sequence numbers can be compared: those with the same seqnum_id. The machine is in it
// because clones of a machine go on counting with the same one.
type chainID struct {
	seqnumID  [16]byte
	machineID [16]byte
}

func identityOf(f *journalfile.File) fileID {
	dev, ino := f.Inode()
	return fileID{dev: dev, ino: ino, file: f.FileID()}
}

func chainOf(h *journalfile.Header) chainID {
	return chainID{seqnumID: h.SeqnumID, machineID: h.MachineID}
}

// isOf reports whether the open file is the one that was examined, and is of the chain that it was of then. journald gives a new file
// its sequence before the first entry is counted, but not before others see the file.
func (info *fileInfo) isOf(f *journalfile.File) bool {
	if identityOf(f) != info.id {
		return false
	}
	h, err := f.Header()
	return err != nil || chainOf(&h) == info.chain // whoever reads it will be told of the error
}

// isFinal reports whether nobody will write the file any more. journald renames a file when it archives it, closes it soon
// after and never opens it again; files it could not go on with get a tilde.
func isFinal(path string, h *journalfile.Header) bool {
	name := filepath.Base(path)
	return strings.HasSuffix(name, "~") || strings.Contains(name, "@") && h.State != journalfile.Online
}

// examiner examines files, one after the other.
type examiner struct {
	peeker journalfile.Peeker
	entry  journalfile.Entry
}

// examine opens the file at path for a moment.
func (x *examiner) examine(path string) *fileInfo {
	info := &fileInfo{path: path}
	f, was, err := x.peeker.Open(path)
	info.size, info.mtime = int64(was.Size), was.Modified //nolint:gosec // it comes from one
	if err != nil {
		info.problem = withoutPath(err)
		return info
	}
	info.problem = errors.Join(x.read(info, f), f.Close())
	return info
}

// withoutPath returns what is wrong with a file, for those who say themselves which one it is.
func withoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// read finds out what the open file says.
func (x *examiner) read(info *fileInfo, f *journalfile.File) error {
	h, err := f.Header()
	if err != nil {
		return err
	}
	info.id = identityOf(f)
	info.chain = chainOf(&h)
	info.final = isFinal(info.path, &h)
	info.n = h.NEntries
	info.last = h.TailSeqnum
	if info.n == 0 && info.final && h.HeadSeqnum > 0 { // the last number alone is that of the file before it
		info.missing = missing(&h, uint64(info.size)) //nolint:gosec // not negative
		return fmt.Errorf("it counts no entries, the last of which is number %d: %w", h.TailSeqnum, journalfile.ErrCorrupt)
	}
	if info.n == 0 {
		if h.HeadSeqnum > 0 {
			info.last = h.HeadSeqnum - 1 // it is being written
		}
		return nil
	}
	if !x.readEnds(info, f, &h) {
		info.n, info.last = 0, 0
		if info.final {
			info.missing = missing(&h, uint64(info.size)) //nolint:gosec // as above
			return fmt.Errorf("none of its %d entries can be read: %w", h.NEntries, journalfile.ErrCorrupt)
		}
	} // else the first is being written just now
	return nil
}

// missing returns what the header says of a file of which no entry can be read, as far as that can be believed.
func missing(h *journalfile.Header, size uint64) pump.Gap {
	if h.HeadSeqnum == 0 || h.TailSeqnum < h.HeadSeqnum || h.TailRealtime < h.HeadRealtime {
		return pump.Gap{}
	}
	return pump.Gap{
		SeqnumID: h.SeqnumID,
		First:    h.HeadSeqnum,
		Last:     h.TailSeqnum,
		Count:    min(max(h.NEntries, 1), h.TailSeqnum-h.HeadSeqnum+1, size/leastEntry+1),
		From:     h.HeadRealtime,
		To:       h.TailRealtime,
		Reason:   "unreadable",
	}
}

// readEnds reads the first and the last entry that can be read and are in line with what the header says of them, as far as that
// can be believed. One out of line would put the file in the wrong place.
func (x *examiner) readEnds(info *fileInfo, f *journalfile.File, h *journalfile.Header) bool {
	e := &x.entry
	entries := f.Entries()
	if !firstReadable(f, entries.Next, e) {
		return false
	}
	info.first = firstSeqnum(f, entries, h, e.Seqnum)
	if info.last < info.first {
		info.last = math.MaxUint64 // the header's is wrong
	}
	if e.Seqnum < info.first || e.Seqnum > info.last {
		if entries.SeekIndex(0) != nil || !firstWithin(f, entries.Next, e, info.first, info.last) {
			return false
		}
	}
	info.head = keyOf(h.SeqnumID, e)
	info.tail = info.head
	if ok, err := f.TailEntry(h, e); err == nil && ok && info.head.seqnum <= e.Seqnum && e.Seqnum <= info.last ||
		entries.SeekTail() == nil && firstWithin(f, entries.Prev, e, info.head.seqnum, info.last) {
		info.tail = keyOf(h.SeqnumID, e)
	}
	if info.last == math.MaxUint64 {
		info.last = info.tail.seqnum
	}
	return true
}

// firstSeqnum returns the sequence number of the file's first entry: the header's, unless the entry that was read, the first that can
// be, and the next one say that it is wrong.
func firstSeqnum(f *journalfile.File, entries *journalfile.Entries, h *journalfile.Header, read uint64) uint64 {
	if read == h.HeadSeqnum || h.HeadSeqnum == 0 {
		return read
	}
	if damaged := entries.Index() - 1; damaged > 0 && h.HeadSeqnum < read && read-h.HeadSeqnum >= damaged {
		return h.HeadSeqnum // there is room for those before it
	}
	var next journalfile.Entry
	switch ok := firstReadable(f, entries.Next, &next); {
	case !ok && h.HeadSeqnum < read, ok && h.HeadSeqnum < next.Seqnum && next.Seqnum != read+1:
		return h.HeadSeqnum
	default:
		return read
	}
}

// firstWithin reads the first entry that step leads to, can be read and has a sequence number between the two.
func firstWithin(f *journalfile.File, step func() (uint64, bool, error), e *journalfile.Entry, least, most uint64) bool {
	for range maxDamaged {
		if !firstReadable(f, step, e) {
			return false
		}
		if least <= e.Seqnum && e.Seqnum <= most {
			return true
		}
	}
	return false
}

// maxDamaged bounds how many entries side by side are tried before their neighbours are given up, too.
const maxDamaged = 1 << 16

// maxPassed bounds how many stretches of a file without entries are passed over in a row.
const maxPassed = 64

// firstReadable reads the first entry that step leads to and that can be read.
func firstReadable(f *journalfile.File, step func() (uint64, bool, error), e *journalfile.Entry) bool {
	passed := 0
	for range maxDamaged {
		off, ok, err := step()
		switch {
		case err != nil && !errors.Is(err, journalfile.ErrCorrupt):
			return false
		case err != nil:
			if passed++; passed > maxPassed {
				return false
			}
			continue
		case !ok:
			return false
		}
		if f.ReadEntry(off, e) == nil {
			return true
		}
	}
	return false
}

// unchanged reports whether a file that was examined before is sure to be the same still. Files that may grow never are.
func (info *fileInfo) unchanged(path string) bool {
	if !info.final {
		return false
	}
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && info.matches(&st)
}

// matches reports whether the file that the file system says st of is, as far as that tells, still what was examined.
func (info *fileInfo) matches(st *unix.Stat_t) bool {
	return st.Dev == info.id.dev && st.Ino == info.id.ino && st.Size == info.size &&
		st.Mtim.Sec == info.mtime.Sec && st.Mtim.Nsec == info.mtime.Nsec
}

// beingMade reports whether the file has no header yet because it is being created.
func (info *fileInfo) beingMade() bool {
	return errors.Is(info.problem, journalfile.ErrNotJournal) && info.size < 4096 && !strings.ContainsAny(filepath.Base(info.path), "@~")
}

func (info *fileInfo) modified() time.Time { return time.Unix(info.mtime.Unix()) }

// list examines the files at the paths. What is known from before about those that cannot have changed is taken over. A
// file under two names counts once. It fails for want of descriptors or memory: that says nothing of a file.
func list(paths []string, before map[string]*fileInfo) (map[string]*fileInfo, error) {
	infos := make(map[string]*fileInfo, len(paths))
	seen := make(map[fileID]bool, len(paths))
	var x examiner
	for _, path := range paths {
		info := before[path]
		if info == nil || !info.unchanged(path) {
			info = x.examine(path)
		}
		if pump.IsShortage(info.problem) {
			return nil, fmt.Errorf("examining %s: %w", path, info.problem)
		}
		if errors.Is(info.problem, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if info.problem == nil {
			if seen[info.id] {
				continue
			}
			seen[info.id] = true
		}
		infos[path] = info
	}
	return infos, nil
}

// relist is list for directories that have not changed: only files that may grow are examined. It returns nil if they
// have not changed, either. It fails as list does.
func relist(before map[string]*fileInfo, growing []*fileInfo) (map[string]*fileInfo, error) {
	var infos map[string]*fileInfo
	var x examiner
	for _, was := range growing {
		is := x.examine(was.path)
		if pump.IsShortage(is.problem) {
			return nil, fmt.Errorf("examining %s: %w", was.path, is.problem)
		}
		if errors.Is(is.problem, fs.ErrNotExist) {
			continue // gone just now: the directory will tell
		}
		if is.same(was) {
			continue
		}
		if infos == nil {
			infos = maps.Clone(before)
		}
		infos[was.path] = is
	}
	return infos, nil
}

// same reports whether a file has been found as it was before.
func (info *fileInfo) same(was *fileInfo) bool {
	return info.id == was.id && info.chain == was.chain && info.final == was.final && info.n == was.n && info.head == was.head && info.tail == was.tail &&
		info.size == was.size && info.last == was.last && (info.problem == nil) == (was.problem == nil)
}

// inOrder returns the readable ones, those of a chain side by side and by their first entries.
func inOrder(infos map[string]*fileInfo) []*fileInfo {
	sorted := make([]*fileInfo, 0, len(infos))
	for _, info := range infos {
		if info.problem == nil {
			sorted = append(sorted, info)
		}
	}
	slices.SortFunc(sorted, func(a, b *fileInfo) int {
		return cmp.Or(
			lessID(a.chain.seqnumID, b.chain.seqnumID),
			lessID(a.chain.machineID, b.chain.machineID),
			cmp.Compare(a.head.seqnum, b.head.seqnum),
			cmp.Compare(a.path, b.path))
	})
	return sorted
}
