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
	any                 mask  // the conditions of all routes
	always              []int // the routes without
}

type route struct {
	*pump.Route
	on     mask // nil: any entry
	format *format.Format
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

func (m mask) meets(bits []uint64) bool {
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
		out := route{Route: config.Route, format: config.Format, on: newMask(config.On)}
		if config.Format != nil {
			out.extras = v.extrasFor(config.Format, c.ExtraFields)
		}
		if out.on == nil {
			r.always = append(r.always, len(r.routes))
		}
		r.any = r.any.with(out.on)
		r.routes = append(r.routes, out)
	}
	return r
}

// takes reports whether entry i goes any route.
func (r *router) takes(c *pump.Chunk, i int) bool {
	return len(r.always) > 0 || r.any.meets(r.conditions.Decide(c).Bits(i))
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
	taken     []*pump.Route // by index in rendering.planned
	ways      []way         // by index in router.routes
}

// way is what a route's format needs of a chunk.
type way struct {
	writer *format.Writer // nil without a format
	places []place        // by nameID
	values [][]byte       // of the entry at hand
}

// place says where a format wants a field.
type place struct {
	slot int32 // in Format.Fields, or -1
	head int32 // how long the name is in the field's fragment
}

func (r *rendering) beginRouting() {
	to := r.view.router
	r.routing = &routing{
		decisions: to.conditions.Decide(r.chunk),
		taken:     make([]*pump.Route, 0, len(r.staged.entries)),
		ways:      make([]way, len(to.routes)),
	}
	for i := range to.routes {
		f := to.routes[i].format
		if f == nil {
			continue
		}
		w := &r.routing.ways[i]
		w.writer, w.values = f.Writer(), make([][]byte, len(f.Fields()))
		w.places = r.placesOf(f)
	}
}

func (r *rendering) endRouting() {
	for i := range r.routing.ways {
		if w := r.routing.ways[i].writer; w != nil {
			w.Release()
		}
	}
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
func (r *rendering) planRoutes(e *stagedEntry) {
	to, bits := r.view.router, r.routing.decisions.Bits(int(e.index))
	if !to.any.meets(bits) { // most entries
		for _, i := range to.always {
			r.planRoute(e, i, bits)
		}
		return
	}
	for i := range to.routes {
		if on := to.routes[i].on; on == nil || on.meets(bits) {
			r.planRoute(e, i, bits)
		}
	}
}

func (r *rendering) planRoute(e *stagedEntry, i int, bits []uint64) {
	rt := &r.view.router.routes[i]
	if rt.format == nil {
		r.planEntry(e)
	} else {
		r.planFormatted(e, rt, &r.routing.ways[i], bits)
	}
	r.routing.taken = append(r.routing.taken, rt.Route)
}

// maxFormatted bounds what the formats make of a chunk, so that positions in it fit 31 bits. Beyond it entries are cut.
const maxFormatted = 1 << 30

func (r *rendering) planFormatted(e *stagedEntry, rt *route, w *way, bits []uint64) {
	r.fill(e, rt, w)
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
	r.bytes += size
	r.planned = append(r.planned, plannedEntry{entry: e, cutAt: int32(start), n: int32(size)}) //nolint:gosec // see maxFormatted
}

// fill finds the values of the fields that the format looks at.
func (r *rendering) fill(e *stagedEntry, rt *route, w *way) {
	s := r.staged
	copy(w.values, rt.extras)
	for _, ref := range s.refsOf(r.chunk, e) {
		f, text := s.field(ref)
		if p := w.places[f.name]; p.slot >= 0 && f.n > 0 {
			w.values[p.slot] = text[f.at+uint32(p.head) : f.at+f.n] //nolint:gosec // short
		}
	}
	for slot, name := range rt.format.Fields() {
		switch {
		case name == realtimeName && r.view.realtime:
			w.values[slot] = s.realtime(e)[len(realtimeHead):]
		case name == timestampName && r.view.iso:
			w.values[slot] = s.iso(e)[len(isoHead)-1:]
		}
	}
}
