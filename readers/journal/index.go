package journal

import (
	"journalpump/readers/journal/journalfile"
)

// scanCost is how many entries can be scanned in the time that finding one by the index takes: the index leads from place
// to place, a scan reads on.
const scanCost = 4

// maxUnderscores is how many leading underscores a match's field may have.
const maxUnderscores = 4

// plan decides how to find the entries that the filter wants: by the index of one of its demands, if that leads to few
// enough entries, else by going through all of them.
//
// The writer links an entry into the index only after it has counted it, so the index is trusted for all but the last
// entry there is. From that one on entries are gone through.
func (c *cursor) plan(filter *filter) {
	from := c.all.Index()
	if c.limit < from+2 {
		return
	}
	units, unitEntries, ok1 := filter.unitObjects(c.file)
	match, matchEntries, ok2 := filter.matchObjects(c.file)
	objects, n := units, unitEntries
	if !ok1 || ok2 && matchEntries < unitEntries {
		objects, n, ok1 = match, matchEntries, ok2
	}
	if !ok1 || n > (c.limit-from)/scanCost {
		return
	}
	walk, err := newIndexWalk(c.file, c.all, objects, c.limit-1)
	if err != nil {
		_ = c.all.SeekIndex(from) // as it was: cannot fail where it could before
		return
	}
	c.index, c.scanFrom = walk, c.limit-1
}

// unitObjects returns the DATA objects of the wanted units and how many entries have one; ok is false if there is no such
// demand, or no telling.
func (f *filter) unitObjects(file *journalfile.File) (objects []uint64, entries uint64, ok bool) {
	if !f.hasUnits() {
		return nil, 0, false
	}
	for unit := range f.exact {
		if !addObject(file, unitField+"="+unit, &objects, &entries) {
			return nil, 0, false
		}
	}
	if len(f.globs) == 0 {
		return objects, entries, true
	}
	var buf []byte
	var failed error
	err := file.FieldValues(unitField, func(off uint64) bool {
		var info journalfile.DataInfo
		buf, info, failed = file.AppendData(buf[:0], off, maxUnitName)
		if failed == nil && len(buf) > len(unitField) {
			unit := buf[len(unitField)+1:]
			if !f.exact[string(unit)] && f.wantsUnit(unit) {
				objects = append(objects, off)
				entries += info.NEntries
			}
		}
		return failed == nil
	})
	return objects, entries, err == nil && failed == nil
}

// maxUnitName is more than systemd allows for NAME=value (UNIT_NAME_MAX).
const maxUnitName = 4096

// matchObjects is unitObjects for the match.
func (f *filter) matchObjects(file *journalfile.File) (objects []uint64, entries uint64, ok bool) {
	if f.match == nil {
		return nil, 0, false
	}
	payload := f.match.Name + "=" + string(f.match.Value)
	for range maxUnderscores + 1 {
		if !addObject(file, payload, &objects, &entries) {
			return nil, 0, false
		}
		payload = "_" + payload
	}
	return objects, entries, true
}

// addObject looks up one DATA object; false if the file cannot tell.
func addObject(file *journalfile.File, payload string, objects *[]uint64, entries *uint64) bool {
	off, ok, err := file.FindData([]byte(payload))
	if err != nil {
		return false
	}
	if !ok {
		return true
	}
	n, err := file.DataNEntries(off)
	*objects = append(*objects, off)
	*entries += n
	return err == nil
}

// indexWalk goes along the entries of several DATA objects together, in the order of the file.
type indexWalk struct {
	lists []indexList // a heap by off
	end   uint64      // offset of the first entry that is not wanted
	last  uint64      // returned last
}

type indexList struct {
	off     uint64
	entries *journalfile.Entries
}

// newIndexWalk returns a walk from the place of all up to, but without, the entry with index end.
func newIndexWalk(file *journalfile.File, all *journalfile.Entries, objects []uint64, end uint64) (*indexWalk, error) {
	begin := all.Index()
	first, _, err := all.Next()
	if err != nil {
		return nil, err
	}
	if err := all.SeekIndex(end); err != nil {
		return nil, err
	}
	behind, ok, err := all.Next()
	if err != nil || !ok {
		return nil, journalfile.ErrCorrupt
	}
	if err := all.SeekIndex(begin); err != nil {
		return nil, err
	}
	w := &indexWalk{end: behind}
	for _, off := range objects {
		entries, err := file.DataEntries(off)
		if err != nil {
			return nil, err
		}
		if err := entries.SeekOffset(first); err != nil {
			return nil, err
		}
		next, ok, err := entries.Next()
		if err != nil {
			return nil, err
		}
		if ok && next < w.end {
			w.lists = append(w.lists, indexList{next, entries})
		}
	}
	for i := len(w.lists)/2 - 1; i >= 0; i-- {
		w.sink(i)
	}
	return w, nil
}

// next returns the offset of the next entry. One that has several of the DATA objects comes once.
func (w *indexWalk) next() (off uint64, ok bool, err error) {
	if len(w.lists) == 0 {
		return 0, false, nil
	}
	off = w.lists[0].off
	for len(w.lists) > 0 && w.lists[0].off == off {
		if err := w.step(); err != nil {
			return 0, false, err
		}
	}
	w.last = off
	return off, true, nil
}

// step moves the list on that is the furthest behind.
func (w *indexWalk) step() error {
	top := &w.lists[0]
	next, ok, err := top.entries.Next()
	if err != nil {
		return err
	}
	if ok && next <= top.off || !ok && top.entries.Beyond() {
		return journalfile.ErrCorrupt // offsets rise, and the count is right
	}
	if ok && next < w.end {
		top.off = next
	} else {
		last := len(w.lists) - 1
		w.lists[0] = w.lists[last]
		w.lists = w.lists[:last]
	}
	w.sink(0)
	return nil
}

// peek returns the offset of the entry that comes next, 0 if there is none.
func (w *indexWalk) peek() uint64 {
	if len(w.lists) == 0 {
		return 0
	}
	return w.lists[0].off
}

// sink restores the heap below i.
func (w *indexWalk) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(w.lists); child++ {
			if w.lists[child].off < w.lists[least].off {
				least = child
			}
		}
		if least == i {
			return
		}
		w.lists[i], w.lists[least] = w.lists[least], w.lists[i]
		i = least
	}
}
