package filters

import (
	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/pump"
)

// Events are the named conditions that routes depend on. They see entries as the log has them.
type Events struct {
	Conditions *condition.Set
	// Connect and Disconnect are the numbers of the conditions that begin and end sessions; formats mark such entries.
	Connect, Disconnect []int
}

// RouteConfig is one of the ways that a sender's entries go.
type RouteConfig struct {
	Route  *pump.Route
	On     []int          // the numbers of the conditions of which one must hold; nil: any entry
	Format *format.Format // nil: all that the view shows
}

// router says which routes an entry goes, and what it is there. It is immutable.
type router struct {
	conditions          *condition.Set
	connect, disconnect mask
	routes              []route
	forms               []form
	any                 mask  // the conditions of all routes
	always              []int // the routes without
}

type route struct {
	*pump.Route
	on   mask // nil: any entry
	form int  // index in router.forms; -1: all that the view shows
}

// form is a format of one route or of several.
type form struct {
	*format.Format
	extras [][]byte // the view's extra fields, as JSON, by the format's fields
}

// mask is a set of conditions.
type mask []uint64

func newMask(numbers []int) mask {
	var m mask
	for _, n := range numbers {
		for len(m) <= n/64 {
			m = append(m, 0)
		}
		m[n/64] |= 1 << (n % 64)
	}
	return m
}

func (m mask) with(other mask) mask {
	for len(m) < len(other) {
		m = append(m, 0)
	}
	for i, w := range other {
		m[i] |= w
	}
	return m
}

// meets reports whether one of the conditions is among those in bits, which may be nil.
func (m mask) meets(bits []uint64) bool {
	if bits == nil {
		return false
	}
	for i, w := range m {
		if w&bits[i] != 0 {
			return true
		}
	}
	return false
}

// newRouter returns nil without routes.
func (v *View) newRouter(c *ViewConfig) *router {
	if len(c.Routes) == 0 {
		return nil
	}
	r := &router{
		conditions: c.Events.Conditions,
		connect:    newMask(c.Events.Connect),
		disconnect: newMask(c.Events.Disconnect),
	}
	for _, config := range c.Routes {
		out := route{Route: config.Route, on: newMask(config.On), form: v.formOf(r, config.Format, c.ExtraFields)}
		if out.on == nil {
			r.always = append(r.always, len(r.routes))
		}
		r.any = r.any.with(out.on)
		r.routes = append(r.routes, out)
	}
	return r
}

// formOf returns the index of a format in r.forms, to which it is added if it isn't there.
func (v *View) formOf(r *router, f *format.Format, extra []ExtraField) int {
	if f == nil {
		return -1
	}
	for i := range r.forms {
		if r.forms[i].Format == f {
			return i
		}
	}
	r.forms = append(r.forms, form{Format: f, extras: v.extrasFor(f, extra)})
	return len(r.forms) - 1
}

// takes reports whether entry i goes any route.
func (r *router) takes(c *pump.Chunk, i int) bool {
	return len(r.always) > 0 || r.any.meets(r.conditions.Decide(c).Of(i))
}

// extrasFor returns the extra fields by the fields of a format.
func (v *View) extrasFor(f *format.Format, extra []ExtraField) [][]byte {
	values := make([][]byte, len(f.Fields()))
	for slot, name := range f.Fields() {
		for i := range extra {
			if extra[i].Name == name && v.filter.keeps(foldName(name)) {
				values[slot], _ = extra[i].compact() // the view's suffix has it already: it is right
			}
		}
	}
	return values
}

// routing is the part of a rendering that routes need.
type routing struct {
	decisions *condition.Decisions
	next      int        // in decisions.Entries: what is before it is done
	forms     []formWork // by index in router.forms; nil until an entry needs one
}

// formWork is what a format needs of a chunk.
type formWork struct {
	writer *format.Writer // nil until an entry needs it
	places []place        // by nameID
	values [][]byte       // of the entry at hand
	last   plannedEntry   // what it made last: of an entry that goes several routes all get the same
}

// place says where a format wants a field.
type place struct {
	slot int32 // in Format.Fields, or -1
	head int32 // how long the name is in the field's fragment
}

func (r *rendering) beginRouting() {
	r.routing = &routing{decisions: r.view.router.conditions.Decide(r.chunk)}
}

func (r *rendering) endRouting() {
	for i := range r.routing.forms {
		if w := r.routing.forms[i].writer; w != nil {
			w.Release()
		}
	}
}

// formWork returns what a form needs, for which most chunks have no entry.
func (r *rendering) formWork(n int) *formWork {
	forms := r.view.router.forms
	if r.routing.forms == nil {
		r.routing.forms = make([]formWork, len(forms))
	}
	w := &r.routing.forms[n]
	if w.writer == nil {
		f := forms[n].Format
		*w = formWork{
			writer: f.Writer(),
			places: r.placesOf(f),
			values: make([][]byte, len(f.Fields())),
			last:   plannedEntry{entry: -1},
		}
	}
	return w
}

// plannedCap is how many records the chunk's entries are likely to become.
func (r *rendering) plannedCap() int {
	n := len(r.staged.entries)
	if r.routing == nil {
		return n
	}
	return n*len(r.view.router.always) + n/16 // events are rare
}

func (r *rendering) placesOf(f *format.Format) []place {
	slots := make(map[string]int32, len(f.Fields()))
	for slot, name := range f.Fields() {
		slots[name] = int32(slot)
	}
	places := make([]place, len(r.staged.names))
	for id := range r.staged.names {
		slot, wanted := slots[r.staged.names[id].plain]
		if !wanted || r.shown != nil && !r.shown[id] {
			places[id].slot = -1
			continue
		}
		places[id] = place{slot: slot, head: r.staged.names[id].head}
	}
	return places
}

// planRoutes plans a record for each route that the entry goes.
func (r *rendering) planRoutes(i int) {
	to, bits := r.view.router, r.routing.bits(int32(r.staged.entries[i].index)) //nolint:gosec // an index of a chunk
	if !to.any.meets(bits) {                                                    // most entries
		for _, n := range to.always {
			r.planRoute(i, n, bits)
		}
		return
	}
	for n := range to.routes {
		if on := to.routes[n].on; on == nil || on.meets(bits) {
			r.planRoute(i, n, bits)
		}
	}
}

// bits returns the conditions that hold for an entry, nil if none does. Entries are asked for in order.
func (r *routing) bits(entry int32) []uint64 {
	some := r.decisions.Entries()
	for r.next < len(some) && some[r.next] < entry {
		r.next++
	}
	if r.next == len(some) || some[r.next] != entry {
		return nil
	}
	return r.decisions.Bits(r.next)
}

func (r *rendering) planRoute(i, n int, bits []uint64) {
	if f := r.view.router.routes[n].form; f >= 0 {
		r.planFormatted(i, n, f, bits)
	} else {
		r.planEntry(i, n)
	}
}

// maxFormatted bounds what the formats make of a chunk, so that positions in it fit 31 bits. Beyond it entries are cut.
const maxFormatted = 1 << 30

func (r *rendering) planFormatted(i, route, n int, bits []uint64) {
	w := r.formWork(n)
	if int(w.last.entry) != i {
		w.last = r.format(i, w, &r.view.router.forms[n], bits)
	}
	w.last.route = int32(route) //nolint:gosec // few
	r.bytes += int(w.last.n)
	r.planned = append(r.planned, w.last)
}

// format has a format make its object of an entry.
func (r *rendering) format(i int, w *formWork, f *form, bits []uint64) plannedEntry {
	e := &r.staged.entries[i]
	r.fill(e, f, w)
	entry := format.Entry{
		Chunk: r.chunk, Index: int(e.index), Values: w.values,
		Connecting: r.view.router.connect.meets(bits), Disconnecting: r.view.router.disconnect.meets(bits),
	}
	start := len(r.cut)
	r.cut = w.writer.Append(r.cut, &entry)
	size := len(r.cut) - start
	if r.view.maxBytes > 0 && size > r.view.maxBytes || start > maxFormatted {
		whole := append([]byte(nil), r.cut[start:]...)
		r.cut = r.appendTooLong(r.cut[:start], whole, size)
		size = len(r.cut) - start
		r.noteTooLong(e)
	}
	return plannedEntry{entry: int32(i), cutAt: int32(start), n: int32(size)} //nolint:gosec // see maxFormatted
}

// fill finds the values of the fields that the format looks at.
func (r *rendering) fill(e *stagedEntry, to *form, w *formWork) {
	s := r.staged
	copy(w.values, to.extras)
	for _, ref := range s.refsOf(r.chunk, e) {
		f, text := s.field(ref)
		if p := w.places[f.name]; p.slot >= 0 && f.n > 0 {
			w.values[p.slot] = text[f.at+uint32(p.head) : f.at+f.n] //nolint:gosec // short
		}
	}
	for slot, name := range to.Fields() {
		switch {
		case name == realtimeName && r.view.realtime:
			w.values[slot] = s.realtime(e)[len(realtimeHead):]
		case name == timestampName && r.view.iso:
			w.values[slot] = s.iso(e)[len(isoHead)-1:]
		}
	}
}
