package journal

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"journalpump/pump"
)

// reportVanished records that a file went before it was read.
func (it *iterator) reportVanished(ch *chain, info *fileInfo) {
	first := max(info.head.seqnum, ch.last+1)
	if info.tail.seqnum < first {
		return
	}
	it.report.gaps = append(it.report.gaps, pump.Gap{
		SeqnumID: info.chain.seqnumID,
		First:    first,
		Last:     info.tail.seqnum,
		Count:    min(info.n, info.tail.seqnum-first+1),
		From:     info.head.realtime,
		To:       info.tail.realtime,
		Reason:   "vacuumed",
	})
}

// reportUnseen records what came and went since the last listing, which an iterator that was not asked for a while has not seen. If
// the file that went farthest is there still, whatever follows it was written next. If it is gone, what lies between its end
// and the next file has been in files that are gone, too. (Up to systemd 253 some of it may be other users' entries, which count on
// the same counter.)
func (it *iterator) reportUnseen(at *listing) {
	for files := range byChain(at.files) {
		ch := it.chainIn(at, files)
		if ch == nil {
			continue
		}
		newest, there := files[0], false
		for _, info := range files {
			there = there || info.id == ch.newest
			if info.n > 0 && (newest.n == 0 || info.last >= newest.last) || newest.n == 0 && info.last > newest.last {
				newest = info
			}
		}
		last := it.reachOf(ch, files, max(ch.top, ch.last))
		if last > 0 && !there && ch.newest != (fileID{}) {
			s := survivors(files, last)
			if newest.n == 0 { // what it will have comes after the number that it begins with
				s.next = newest.last + 1
			}
			if !s.found && s.next > last+1 {
				it.report.gaps = append(it.report.gaps, pump.Gap{
					SeqnumID: ch.id.seqnumID, First: last + 1, Last: s.next - 1, Count: s.next - last - 1, To: s.realtime, Reason: "vacuumed",
				})
			}
		}
		if newest.last > 0 || ch.newest == (fileID{}) {
			ch.newest, ch.top = newest.id, newest.last
		}
	}
}

// chainIn returns the chain that the files are of. A file that is being made, and does not know its machine yet, is taken to be of the chain
// with its sequence; nil if that has other files in the listing, which tell more.
func (it *iterator) chainIn(at *listing, files []*fileInfo) *chain {
	id := files[0].chain
	if id.machineID != [16]byte{} || slices.ContainsFunc(files, func(info *fileInfo) bool { return info.n > 0 }) {
		return it.chains[id]
	}
	for other, ch := range it.chains {
		if other.seqnumID == id.seqnumID && other != id {
			if slices.ContainsFunc(at.files, func(info *fileInfo) bool { return info.chain == other }) {
				return nil
			}
			return ch
		}
	}
	return nil
}

// reachOf returns up to which sequence number there are entries, from one on, in files of the chain that are open and not among those
// that are listed: they may have got more since they were.
func (it *iterator) reachOf(ch *chain, listed []*fileInfo, seqnum uint64) uint64 {
	for _, c := range it.cursors {
		if c.chain != ch || slices.ContainsFunc(listed, func(info *fileInfo) bool { return info.id == c.info.id }) {
			continue
		}
		if c.learnHeader(); c.first <= seqnum+1 {
			seqnum = max(seqnum, c.known)
		}
	}
	return seqnum
}

// countProblems counts each unreadable file once, for as long as it is there.
func (it *iterator) countProblems(problems []Problem) {
	before := it.failed
	it.failed = make(map[string]bool, len(problems))
	for _, p := range problems {
		if errors.Is(p.Err, fs.ErrPermission) {
			continue
		}
		if before[p.Path] {
			it.failed[p.Path] = true
			continue
		}
		if p.passing {
			continue // it may be a journal file in a moment
		}
		it.failed[p.Path] = true
		it.report.corrupted++
		gap, ok := p.missing, p.missing.First > 0
		if !ok {
			gap, ok = archivedGap(p.Path)
		}
		if ok && isAfter(&gap, &it.pos) {
			it.report.gaps = append(it.report.gaps, gap)
		}
	}
}

// archivedGap returns what the name of an archived file says of its entries: journald calls it
// NAME@SEQNUM_ID-SEQNUM-REALTIME.journal after the first one, in hexadecimal.
func archivedGap(path string) (pump.Gap, bool) {
	_, rest, _ := strings.Cut(filepath.Base(path), "@")
	parts := strings.Split(strings.TrimSuffix(rest, ".journal"), "-")
	if len(parts) != 3 {
		return pump.Gap{}, false
	}
	id, err1 := pump.ParseID128(parts[0])
	first, err2 := strconv.ParseUint(parts[1], 16, 64)
	from, err3 := strconv.ParseUint(parts[2], 16, 64)
	return pump.Gap{SeqnumID: id, First: first, From: from, Reason: "unreadable"}, err1 == nil && err2 == nil && err3 == nil
}

// isAfter reports whether a gap begins after the position.
func isAfter(gap *pump.Gap, p *pump.Position) bool {
	if p.Parts&pump.HasSeqnum != 0 && p.SeqnumID == gap.SeqnumID {
		return gap.First > p.Seqnum
	}
	return gap.From > p.Realtime
}
