package recorder

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"journalpump/filters/condition"
	"journalpump/pump"
)

// Options says what a Recorder records.
type Options struct {
	Config
	View   pump.View // the sender's
	Lifted pump.View // the same without what it holds back entries by, the events of its routes, too
	// Routed is View without what it holds back entries by, but for the events of its routes: it says which ways an entry goes. May be
	// nil where there are no routes.
	Routed pump.View
	Marks  pump.View // the same, for the entries that the recorder adds itself: the reader's filters don't concern them
	// Shows reports whether the sender sees fields of that name. May be nil: it sees all.
	Shows func(name string) bool
	// Watched returns the indices of the entries that the reader wants and that have a field which Watch asks for, in order. May be
	// nil: every entry is looked at.
	Watched func(*pump.Chunk) []uint32
}

// Recorder is a flight recorder. It implements pump.Recorder.
type Recorder struct {
	opts     Options
	set      *condition.Set // the criteria, and then what is captured
	criteria uint64         // the bits of the criteria
	fields   []keyField
	// The entries that may meet criteria; nil: any may.
	watched func(*pump.Chunk) []uint32
	some    []pump.Entry // those of a chunk, while it is looked at
	clients []clientPattern
}

// maxCriteria leaves a bit for what is captured.
const maxCriteria = 63

// New returns the recorder that the options describe.
func New(o Options) (*Recorder, error) {
	if len(o.Criteria) > maxCriteria {
		return nil, fmt.Errorf("%d criteria are more than %d", len(o.Criteria), maxCriteria)
	}
	conditions, err := conditionsOf(o.Criteria)
	if err != nil {
		return nil, err
	}
	r := &Recorder{opts: o, criteria: 1<<len(o.Criteria) - 1}
	if _, ok := gatesOfAll(conditions); ok {
		r.watched = o.Watched
	}
	conditions = append(conditions, condition.Named{Name: "capture", When: o.Capture.config})
	if r.set, err = condition.New(conditions); err != nil {
		return nil, err
	}
	if r.clients, err = clientPatterns(); err != nil {
		return nil, err
	}
	for _, name := range o.Key {
		r.fields = append(r.fields, keyField{name, aliasesOf(name)})
	}
	return r, nil
}

// Nothing is the view of a sender that gets nothing but dumps.
type Nothing struct{}

// Render implements pump.View.
func (Nothing) Render(*pump.Chunk) *pump.Rendered { return &pump.Rendered{} }

// Record implements pump.Recorder.
func (r *Recorder) Record(c *pump.Chunk, shown *pump.Rendered, state string, lookBack func(pump.Recall) ([]pump.EntryRef, error)) (pump.Recording, error) {
	hits := r.hits(c)
	if len(hits) == 0 && state == "" {
		return pump.Recording{}, nil
	}
	w := run{Recorder: r, chunk: c, shown: shown, lookBack: lookBack, memory: remember(state)}
	for i := range c.Entries {
		var met uint64
		if len(hits) > 0 && hits[0].entry == i {
			met, hits = hits[0].met, hits[1:]
		} else if !w.memory.open(c.Entries[i].Position.Realtime) {
			if len(hits) == 0 {
				break // with a clock that is set back an entry may be in time again: it is left out
			}
			continue
		}
		if err := w.entry(i, met); err != nil {
			return pump.Recording{}, err
		}
	}
	return w.out, nil
}

// LookBack implements pump.Recorder.
func (r *Recorder) LookBack() time.Duration {
	if window := r.opts.Window.Duration(); window > 0 {
		return window
	}
	return math.MaxInt64
}

// hit is an entry that meets criteria.
type hit struct {
	entry int
	met   uint64 // their bits
}

// hits returns the entries that meet criteria.
func (r *Recorder) hits(c *pump.Chunk) (hits []hit) {
	candidates := c
	var places []uint32
	if r.watched != nil {
		if places = r.watched(c); len(places) == 0 {
			return nil
		}
		r.some = r.some[:0]
		for _, i := range places {
			r.some = append(r.some, c.Entries[i])
		}
		candidates = &pump.Chunk{Refs: c.Refs, Own: c.Own, Dict: c.Dict, Entries: r.some}
	}
	decided := r.set.Decide(candidates)
	for k, entry := range decided.Entries() {
		met := decided.Bits(k)[0] & r.criteria
		if met == 0 {
			continue
		}
		i := int(entry)
		if r.watched != nil {
			i = int(places[entry])
		}
		hits = append(hits, hit{i, met})
	}
	return hits
}

// run is the work on one chunk.
type run struct {
	*Recorder
	chunk    *pump.Chunk
	shown    *pump.Rendered // by the sender's view
	lookBack func(pump.Recall) ([]pump.EntryRef, error)
	memory   *memory
	out      pump.Recording
}

// entry decides what becomes of an entry that meets criteria, or may follow one that did.
func (w *run) entry(i int, met uint64) error {
	now := w.chunk.Entries[i].Position.Realtime
	if len(w.opts.Lifted.Render(w.chunk).Of(i)) == 0 {
		return nil // the reader does not want it
	}
	if met != 0 {
		k, err := w.subject(i)
		if err != nil {
			return err
		}
		last := w.memory.find(k.String())
		switch {
		case k == nil, last != nil && within(last.At, now, micros(w.opts.Cooldown.Duration())):
		case w.memory.inLastHour(now) >= w.opts.MaxPerHour:
			w.out.Suppressed++
		default:
			return w.dump(i, k, w.opts.Criteria[bits.TrailingZeros64(met)].Name, last)
		}
	}
	w.follow(i, now)
	return nil
}

// subject returns the key of what an entry is about: of the kernel's lines about a process that is the one of its last entry.
func (w *run) subject(i int) (key, error) {
	v, ok := victimOf(w.chunk, i)
	if !ok {
		return w.keyOf(w.chunk, i), nil
	}
	k := make(key, 0, len(w.fields))
	for _, f := range w.fields {
		switch {
		case f.name == unitField && v.unit != nil:
			k = append(k, pump.Field{Name: f.name, Value: v.unit})
		case f.name == pidField && v.pid != nil:
			k = append(k, pump.Field{Name: f.name, Value: v.pid})
		}
	}
	if len(k) == len(w.fields) {
		return k, nil
	}
	if v.pid != nil {
		what := w.recall(i, [][]pump.Field{{{Name: pidField, Value: v.pid}}}, 1)
		found, err := w.lookBack(what)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if e.Chunk.Entries[e.Index].Position.BootID == w.chunk.Entries[i].Position.BootID {
				return w.keyOf(e.Chunk, e.Index), nil
			}
		}
	}
	return w.keyOf(w.chunk, i), nil
}

// recall asks for what was before entry i, as far as the recorder looks back.
func (w *run) recall(i int, which [][]pump.Field, limit int) pump.Recall {
	what := pump.Recall{Before: w.chunk.PositionAfter(i), Any: which, Limit: limit}
	if window := w.opts.Window.Duration(); window > 0 {
		what.Since = timeOf(&w.chunk.Entries[i]).Add(-window)
	}
	return what
}

// captured returns the records that entries before entry i have on some ways, and that the sender did not get: by its view, or by a
// dump before.
func (w *run) captured(i int, k key, last *known, ways ways) (lines []pump.Record, looked int, err error) {
	what := w.recall(i, w.alternatives(k), w.opts.BufferSize)
	done := last.done()
	if at := time.UnixMicro(int64(done.Realtime)); !done.IsZero() && at.After(what.Since) && within(done.Realtime, what.Before.Realtime, hour) { //nolint:gosec // 292,000 years
		what.Since = at
	}
	found, err := w.lookBack(what)
	if err != nil {
		return nil, 0, err
	}
	name := k.String()
	for _, e := range found {
		if !follows(&e.Chunk.Entries[e.Index].Position, &done) || w.keyOf(e.Chunk, e.Index).String() != name {
			continue
		}
		looked++
		if w.captures(e.Chunk, e.Index) {
			sent := waysOf(w.opts.View.Render(e.Chunk).Of(e.Index))
			lines = ways.without(sent).appendTo(lines, w.opts.Lifted.Render(e.Chunk).Of(e.Index))
		}
	}
	return lines, looked, nil
}

func (w *run) captures(c *pump.Chunk, i int) bool {
	return w.set.Decide(c).Holds(i, len(w.opts.Criteria))
}

// dump adds what led to entry i, and lets the entries of its key that follow be sent, if that is wanted.
func (w *run) dump(i int, k key, reason string, last *known) error {
	ways := w.ways(i)
	lines, looked, err := w.captured(i, k, last, ways)
	if err != nil {
		return err
	}
	at := &w.chunk.Entries[i].Position
	now := known{
		Key:    k.String(),
		ID:     dumpID(at, k),
		Reason: reason,
		At:     at.Realtime,
		Done:   at.String(),
		Ways:   ways.named(),
	}
	if after := w.opts.After; !after.none() {
		now.Left = after.Entries
		if after.Entries == 0 {
			now.Left = -1
		}
		if t := after.Time.Duration(); t > 0 {
			now.Until = now.At + micros(t)
		}
	}
	d := dump{
		run: w, known: &now, key: k, looked: looked, ways: ways,
		lines: ways.appendTo(lines, w.opts.Lifted.Render(w.chunk).Of(i)),
	}
	records := d.records()
	w.memory.add(now, w.keep())
	w.out.Dumps++
	w.out.Additions = append(w.out.Additions, pump.Addition{
		Entry: i, ID: now.ID, Records: records, Own: len(records) - 2*len(ways), State: w.memory.String(),
	})
	return nil
}

// keep is how long, in microseconds, what is known of a key has a say; 0: for ever.
func (w *run) keep() uint64 {
	if w.opts.Window == 0 {
		return 0
	}
	return micros(max(w.opts.Window.Duration(), w.opts.Cooldown.Duration()))
}

// follow adds an entry that follows a dump of its key.
func (w *run) follow(i int, now uint64) {
	if !w.memory.open(now) {
		return
	}
	k := w.memory.find(w.keyOf(w.chunk, i).String())
	if k == nil || !k.open(now) || !w.captures(w.chunk, i) {
		return
	}
	records := w.opts.Lifted.Render(w.chunk).Of(i)
	ways := wanted(k.Ways)
	if len(ways.appendTo(nil, records)) == 0 { // the sender has other routes now
		return
	}
	k.Done = w.chunk.Entries[i].Position.String()
	k.Index++
	if k.Left > 0 {
		k.Left--
	}
	all := slices.Concat(ways, waysOf(w.opts.View.Render(w.chunk).Of(i)))
	d := dump{run: w, known: k, ways: ways}
	w.out.Additions = append(w.out.Additions, pump.Addition{
		Entry:   i,
		ID:      fmt.Sprint(k.ID, "+", k.Index),
		Records: d.following(all.appendTo(nil, records)),
		State:   w.memory.String(),
	})
}

func micros(d time.Duration) uint64 { return uint64(max(0, d.Microseconds())) }

func timeOf(e *pump.Entry) time.Time {
	return time.UnixMicro(int64(e.Position.Realtime)) //nolint:gosec // 292,000 years
}
