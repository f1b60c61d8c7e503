package pump

// outcome is what became of one or several parcels.
type outcome struct {
	to              Position
	recorder        RecorderState
	heard           uint64
	entries         int64
	shown           int64 // the entries that the records are of
	records, bytes  int64
	recalled        int64 // of the records
	dead, deadBytes int64
	deadEntries     int64              // that at least one of the dead is of
	routed          map[deadEntry]bool // those that may have more than one; made when there are any
	letters         []DeadLetter       // the dead
	gaps            []Gap
}

// deadEntry is an entry with a dead record.
type deadEntry struct {
	chunk *Chunk
	index int
}

func entryOf(r *Record) deadEntry { return deadEntry{r.Chunk, r.Index} }

func (o *outcome) merge(p outcome) {
	o.to, o.recorder, o.heard = p.to, p.recorder, p.heard
	o.entries += p.entries
	o.shown += p.shown
	o.recalled += p.recalled
	o.records += p.records
	o.bytes += p.bytes
	o.dead += p.dead
	o.deadBytes += p.deadBytes
	o.deadEntries += p.deadEntries
	o.letters = append(o.letters, p.letters...)
	o.gaps = append(o.gaps, p.gaps...)
}

// empty reports whether it accounts for nothing.
func (o *outcome) empty() bool { return o.entries == 0 && o.records == 0 }

// addDead counts a dead record, and its entry once.
func (o *outcome) addDead(r *Record) {
	o.dead++
	o.deadBytes += int64(len(r.Body))
	if r.Route == nil {
		o.deadEntries++
		return
	}
	if o.routed == nil {
		o.routed = map[deadEntry]bool{}
	}
	if e := entryOf(r); !o.routed[e] {
		o.routed[e] = true
		o.deadEntries++
	}
}
