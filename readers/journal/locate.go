package journal

import (
	"errors"
	"slices"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// start is where reading a chain starts.
type start struct {
	last  uint64 // what has this sequence number or a lower one was there before
	next  uint64 // the lowest that is to come; 0 if there is none now
	found bool   // the entry that the position names is still there
	err   error  // why there may be a better one: errMoved, list again; or a shortage

	realtime uint64 // of the entry that is the next, where that is the first of its file
}

// locate finds where in a chain to go on after the position: at the first entry, in the chain's own order, that comes
// after it. Where clocks were set back that may repeat entries, but never leaves any out.
//
// newBoot says that what this machine logged since it was booted comes after the position for certain, whatever the clock
// said then.
func (l *Log) locate(files []*fileInfo, p *pump.Position, newBoot bool) start {
	if p.IsZero() {
		return start{}
	}
	if p.Parts&pump.HasSeqnum != 0 && files[0].chain.seqnumID == p.SeqnumID {
		return locateSeqnum(files, p)
	}
	var s start
	for _, info := range files {
		at := l.crossing(info, p, newBoot && info.chain.machineID == l.machineID)
		s.found = s.found || at.found
		s.err = errors.Join(s.err, at.err)
		if at.next != 0 && (s.next == 0 || at.next < s.next) {
			s.next = at.next
		}
		s.last = max(s.last, at.last)
	}
	if s.next != 0 {
		s.last = s.next - 1
	}
	return s
}

// isNewBoot reports whether the machine was booted since the position's entry was written, provided this machine wrote it.
func (l *Log) isNewBoot(files []*fileInfo, p *pump.Position) bool {
	if p.Parts&pump.HasMonotonic == 0 || p.Parts&pump.HasSeqnum == 0 || p.BootID == l.bootID || l.machineID == [16]byte{} {
		return false
	}
	return slices.ContainsFunc(files, func(info *fileInfo) bool {
		return info.chain == chainID{p.SeqnumID, l.machineID}
	})
}

// locateSeqnum is locate for the chain that the position's entry is of.
func locateSeqnum(files []*fileInfo, p *pump.Position) start {
	s := start{last: p.Seqnum}
	for _, info := range files {
		if info.n == 0 || info.final && info.tail.seqnum < p.Seqnum {
			continue
		}
		next := info.head.seqnum
		if next <= p.Seqnum {
			at := seqnumAfter(info, p)
			next = at.next
			s.found = s.found || at.found
			s.err = errors.Join(s.err, at.err)
		}
		if next != 0 && (s.next == 0 || next < s.next) {
			s.next = next
		}
	}
	if s.next != 0 && s.next <= p.Seqnum && !s.found {
		s.last = s.next - 1
	}
	return s
}

// seqnumAfter finds the first entry of the file after the position. Another entry with the same number comes after it: the
// sequence was then begun anew from a backup.
func seqnumAfter(info *fileInfo, p *pump.Position) (s start) {
	err := withFile(info, func(f *journalfile.File) error {
		entries := f.Entries()
		if err := entries.SeekSeqnum(max(p.Seqnum, 1) - 1); err != nil {
			return err
		}
		var e journalfile.Entry
		for firstReadable(f, entries.Next, &e) {
			k := keyOf(info.chain.seqnumID, &e)
			if !names(p, &k) {
				s.next = e.Seqnum
				return nil
			}
			s.found = true
		}
		return nil
	})
	if err != nil { // it will be passed over when it is opened to be read
		return start{err: passing(err)}
	}
	return s
}

// passing returns the error if it may be another one, or none, when the file is looked for again; else nil.
func passing(err error) error {
	if errors.Is(err, errMoved) || pump.IsShortage(err) {
		return err
	}
	return nil
}

// crossing finds the first entry of a file after a position that belongs to another chain.
func (l *Log) crossing(info *fileInfo, p *pump.Position, newBoot bool) start {
	if info.n == 0 {
		return start{}
	}
	if info.final && !newBoot && compareTo(&info.tail, p) < 0 {
		return start{last: info.tail.seqnum}
	}
	if compareTo(&info.head, p) > 0 {
		return start{last: info.head.seqnum - 1, next: info.head.seqnum}
	}
	s := start{last: info.tail.seqnum}
	err := withFile(info, func(f *journalfile.File) error {
		entries := f.Entries()
		if err := l.seekPosition(f, entries, p, newBoot); err != nil {
			return err
		}
		var e journalfile.Entry
		for firstReadable(f, entries.Next, &e) {
			k := keyOf(info.chain.seqnumID, &e)
			s.last = max(s.last, e.Seqnum)
			sameBoot := p.Parts&pump.HasMonotonic != 0 && k.bootID == p.BootID
			if sameBoot && compareTo(&k, p) <= 0 || !sameBoot && k.realtime == p.Realtime && compareTo(&k, p) <= 0 {
				s.found = s.found || isCopy(p, &k)
				continue
			}
			s.next = e.Seqnum
			return nil
		}
		return nil
	})
	if err != nil && s.next == 0 {
		s.next = info.head.seqnum // rather twice than never
	}
	s.err = passing(err)
	return s
}

// isCopy reports whether an entry of another chain has all that the position says of time and content.
func isCopy(p *pump.Position, k *key) bool {
	return p.Parts&pump.HasMonotonic != 0 && p.Parts&pump.HasXorHash != 0 && names(p, k)
}

// seekPosition moves the place in all entries of a file to, or a little before, the first that comes after p.
func (l *Log) seekPosition(f *journalfile.File, entries *journalfile.Entries, p *pump.Position, newBoot bool) error {
	byTime := func() (uint64, error) {
		if p.Parts&pump.HasRealtime == 0 {
			return 0, nil
		}
		err := entries.SeekRealtime(p.Realtime)
		return entries.Index(), err
	}
	place, err := byTime()
	if err != nil {
		return err
	}
	if p.Parts&pump.HasMonotonic != 0 {
		at, first, ok, err := seekBoot(f, entries, p)
		switch {
		case err != nil && !errors.Is(err, journalfile.ErrCorrupt):
			return err
		case err == nil && ok && (!first || at < place):
			// An earlier boot's entries before the position's own boot may still be to come when none of that boot was read.
			place = at
		}
	}
	if newBoot {
		if x, ok, err := f.BootEntries(l.bootID); err == nil && ok {
			if off, ok, err := x.Next(); err == nil && ok {
				if err := entries.SeekOffset(off); err != nil {
					return err
				}
				place = min(place, entries.Index())
			}
		}
	}
	return entries.SeekIndex(place)
}

// seekBoot returns the index of the first entry of the position's boot that is not older, or the index behind the boot's
// last one. first says that it is the boot's first entry in this file, ok that the file has any.
func seekBoot(f *journalfile.File, entries *journalfile.Entries, p *pump.Position) (at uint64, first, ok bool, err error) {
	boot, ok, err := f.BootEntries(p.BootID)
	if err != nil || !ok {
		return 0, false, false, err
	}
	if err := boot.SeekMonotonic(p.Monotonic); err != nil {
		return 0, false, false, err
	}
	first = boot.Index() == 0
	off, ok, err := boot.Next()
	if err == nil && !ok {
		if err = boot.SeekTail(); err == nil {
			off, ok, err = boot.Prev()
			off++
		}
	}
	if err != nil || !ok {
		return 0, false, false, err
	}
	err = entries.SeekOffset(off)
	return entries.Index(), first, err == nil, err
}

// lost describes what is missing between a position whose entry is gone and what survived; ok is false if nothing is.
func lost(p *pump.Position, own *start) (pump.Gap, bool) {
	if p.Parts&pump.HasSeqnum == 0 {
		return pump.Gap{}, false
	}
	gap := pump.Gap{SeqnumID: p.SeqnumID, First: p.Seqnum + 1, From: p.Realtime, Reason: "vacuumed"}
	if own == nil {
		return gap, true // the whole sequence is gone
	}
	if own.found || own.next <= p.Seqnum+1 {
		return pump.Gap{}, false
	}
	gap.Last = own.next - 1
	gap.Count = own.next - p.Seqnum - 1
	return gap, true
}
