package journal

import (
	"errors"
	"io/fs"
	"path/filepath"
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
		ch := it.chains[files[0].chain]
		last, newest := ch.top, files[0]
		there := false
		for _, info := range files {
			there = there || info.id == ch.newest
			if info.n > 0 && info.last >= newest.last {
				newest = info
			}
		}
		if last > 0 && !there {
			last = max(last, ch.last, it.tailOf(ch))
			if s := survivors(files, last); !s.found && s.next > last+1 {
				it.report.gaps = append(it.report.gaps, pump.Gap{
					SeqnumID: ch.id.seqnumID, First: last + 1, Last: s.next - 1, Count: s.next - last - 1, To: s.realtime, Reason: "vacuumed",
				})
			}
		}
		if newest.n > 0 {
			ch.newest, ch.top = newest.id, newest.last
		}
	}
}

// tailOf returns the highest sequence number that the chain's open files have, listed or not.
func (it *iterator) tailOf(ch *chain) (seqnum uint64) {
	for _, c := range it.cursors {
		if c.chain != ch {
			continue
		}
		if h, err := c.file.Header(); err == nil {
			seqnum = max(seqnum, h.TailSeqnum)
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
