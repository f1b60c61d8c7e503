package journal

import (
	"context"
	"errors"
	"slices"

	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

// Bounds of looking back.
const (
	// maxRecallFiles is how many files are opened for it.
	maxRecallFiles = 256
	// maxRecallBytes is about how much the chunk may hold.
	maxRecallBytes = 16 << 20
	// maxPassedOver is how many entries of a file, for each that is wanted, may have the first of several fields and lack others.
	maxPassedOver = 16
)

// Recall implements pump.Recaller: by the index of the files' DATA objects, from the newest file on, so that its cost depends on
// what is found and not on how much the journal holds.
func (l *Log) Recall(ctx context.Context, what pump.Recall) (*pump.Chunk, error) {
	var c *pump.Chunk
	err := l.settled(func(files []*fileInfo) (moved bool, err error) {
		c, moved, err = l.recall(ctx, &what, files)
		return moved, err
	})
	return c, err
}

// recall is Recall among the files of one listing. moved says that some were not where they had been listed: there may be more.
func (l *Log) recall(ctx context.Context, what *pump.Recall, files []*fileInfo) (c *pump.Chunk, moved bool, err error) {
	r := recall{log: l, what: what, since: what.SinceRealtime()}
	r.build.init(l)
	r.build.begin(uint64(max(0, what.Limit)))
	defer r.close()
	r.choose(files)
	if err := r.run(ctx); err != nil {
		return nil, false, err
	}
	slices.Reverse(r.build.entries)
	return r.build.finish(pump.Position{}, pump.Position{}, &r.report), r.moved, nil
}

// recall is the work of one call. It goes back through several files at a time, as they overlap.
type recall struct {
	log    *Log
	what   *pump.Recall
	since  uint64
	files  []*fileInfo // not opened yet; the last one ends last
	opened int
	moved  bool  // one of them was not where it was listed
	err    error // a shortage: what a file has is not known
	walks  []*backWalk
	build  builder
	report report
	last   key // of the entry added last
}

// choose finds the files that may have what is wanted.
func (r *recall) choose(files []*fileInfo) {
	for _, info := range files {
		if info.n > 0 && info.tail.realtime >= r.since && r.isBefore(&info.head) {
			r.files = append(r.files, info)
		}
	}
	slices.SortStableFunc(r.files, func(a, b *fileInfo) int { return compareTimes(&a.tail, &b.tail) })
}

// isBefore reports whether an entry comes before the place to look back from.
func (r *recall) isBefore(k *key) bool {
	c := k.cursor()
	return r.what.IsBefore(&c)
}

func (r *recall) run(ctx context.Context) error {
	for len(r.build.entries) < r.what.Limit && r.build.bytes < maxRecallBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		w := r.newest()
		if w == nil || r.err != nil {
			return r.err
		}
		if len(r.build.entries) == 0 || compare(&w.head, &r.last) != 0 { // else it is a copy
			if !r.build.addWhole(&w.cursor, &r.report) {
				r.drop(w)
				continue
			}
			r.last = w.head
		}
		r.step(w)
	}
	return nil
}

// newest returns the walk whose head comes last, having opened the files that may have a later one; nil if there is none.
func (r *recall) newest() *backWalk {
	for {
		var best *backWalk
		for _, w := range r.walks {
			if best == nil || compare(&w.head, &best.head) > 0 {
				best = w
			}
		}
		n := len(r.files) - 1
		if n < 0 || r.opened == maxRecallFiles || best != nil && compare(&r.files[n].tail, &best.head) < 0 {
			return best
		}
		info := r.files[n]
		r.files = r.files[:n]
		r.open(info)
	}
}

// open opens a file. One that cannot be read is left out.
func (r *recall) open(info *fileInfo) {
	f, err := journalfile.Open(info.path)
	if err != nil {
		r.moved = r.moved || isMoved(err)
		r.lacks(err)
		return
	}
	r.opened++
	f.SetResidentLimit(r.log.opts.MemoryLimit / 2)
	w := &backWalk{cursor: cursor{info: info, chain: &chain{id: info.chain}, file: f}}
	r.walks = append(r.walks, w)
	if !info.isOf(f) {
		r.moved = true
		r.drop(w)
		return
	}
	if err := w.seek(r); err != nil {
		r.lacks(err)
		r.drop(w)
		return
	}
	r.step(w)
}

// lacks notes that what a file has is not known, if an error says so.
func (r *recall) lacks(err error) {
	if pump.IsShortage(err) {
		r.err = err
	}
}

// step moves a walk to the entry before its head. One that has none is closed.
func (r *recall) step(w *backWalk) {
	for range maxPassedOver * max(r.what.Limit, 1) {
		ok, err := w.prev()
		r.lacks(err)
		if err != nil || !ok {
			break
		}
		if !w.wanted {
			continue
		}
		if w.entry.Realtime < r.since {
			break
		}
		if w.head = keyOf(w.info.chain.seqnumID, &w.entry); r.isBefore(&w.head) {
			return
		}
	}
	r.drop(w)
}

func (r *recall) drop(w *backWalk) {
	if i := slices.Index(r.walks, w); i >= 0 {
		r.walks = slices.Delete(r.walks, i, i+1)
	}
	r.build.release(&w.refs)
	_ = w.close() // was only read
}

func (r *recall) close() {
	for len(r.walks) > 0 {
		r.drop(r.walks[0])
	}
}

// backWalk goes back along the entries of one file that are wanted.
type backWalk struct {
	cursor
	lists  []backList
	wanted bool // the entry can be read, and has all fields of one of the alternatives
}

// backList is one of the alternatives: the entries of that one of its DATA objects that has the fewest.
type backList struct {
	entries *journalfile.Entries
	off     uint64   // of the next entry; 0: there is none
	others  []uint64 // the other DATA objects
}

// seek looks the alternatives up, and goes to the place to look back from.
func (w *backWalk) seek(r *recall) error {
	for _, all := range r.what.Any {
		list, ok, err := w.find(all)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := w.place(list.entries, r); err != nil {
			return err
		}
		if err := list.prev(); err != nil {
			return err
		}
		w.lists = append(w.lists, list)
	}
	return nil
}

// find looks up the DATA objects of fields; ok is false if the file lacks one.
func (w *backWalk) find(all []pump.Field) (list backList, ok bool, err error) {
	fewest, at := uint64(0), uint64(0)
	for i := range all {
		off, ok, err := w.file.FindData([]byte(all[i].Name + "=" + string(all[i].Value)))
		if err != nil || !ok {
			return list, false, err
		}
		n, err := w.file.DataNEntries(off)
		if err != nil {
			return list, false, err
		}
		if at == 0 || n < fewest {
			off, at, fewest = at, off, n
		}
		if off != 0 {
			list.others = append(list.others, off)
		}
	}
	if at == 0 {
		return list, false, nil
	}
	list.entries, err = w.file.DataEntries(at)
	return list, err == nil, err
}

// place moves to the place to look back from, which need not be in this file, or a little behind it.
func (w *backWalk) place(x *journalfile.Entries, r *recall) error {
	if r.isBefore(&w.info.tail) && w.info.final {
		return x.SeekTail()
	}
	p := &r.what.Before
	if reached, known := p.ReachedIn(w.info.chain.seqnumID); known {
		return x.SeekSeqnum(reached)
	}
	if p.Parts&pump.HasRealtime != 0 {
		return x.SeekRealtime(p.Realtime + 1)
	}
	return x.SeekTail()
}

// prev reads the entry before; ok is false if there is none.
func (w *backWalk) prev() (ok bool, err error) {
	var off uint64
	for i := range w.lists {
		off = max(off, w.lists[i].off)
	}
	if off == 0 {
		return false, nil
	}
	w.wanted = false
	readErr := w.file.ReadEntry(off, &w.entry)
	if pump.IsShortage(readErr) {
		return false, readErr
	}
	for i := range w.lists {
		list := &w.lists[i]
		if list.off != off {
			continue
		}
		w.wanted = w.wanted || readErr == nil && list.holds(&w.entry)
		if err := list.prev(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// holds reports whether the entry has the alternative's other fields.
func (b *backList) holds(e *journalfile.Entry) bool {
	for _, off := range b.others {
		if !slices.Contains(e.Items, off) {
			return false
		}
	}
	return true
}

// prev moves the list on. What cannot be read is passed over.
func (b *backList) prev() error {
	for range maxPassed {
		off, ok, err := b.entries.Prev()
		switch {
		case err == nil && !ok:
			b.off = 0
			return nil
		case err == nil && b.off != 0 && off >= b.off: // offsets rise
			return journalfile.ErrCorrupt
		case err == nil:
			b.off = off
			return nil
		case !errors.Is(err, journalfile.ErrCorrupt):
			return err
		}
	}
	return journalfile.ErrCorrupt
}
