package filters

import (
	"strconv"

	"journalpump/filters/jsontext"
	"journalpump/pump"
)

// DefaultMaxBytes is the original's limit of an entry's JSON.
const DefaultMaxBytes = 1 << 20

// partialBytes is how much is kept of an entry over the limit.
const partialBytes = 1024

// ViewConfig is what one sender sees of the entries that pass its reader's stage.
type ViewConfig struct {
	Match         *Match         // may be nil
	UnitLogLevels *UnitLogLevels // may be nil
	FieldFilter   *FieldFilter   // may be nil; applies to the extra fields, too
	ExtraFields   []ExtraField
	// MaxBytes limits an entry's JSON. Of a longer one only the beginning is sent, in an object that says so. 0: no limit,
	// apart from that of a single value (8 MiB).
	MaxBytes int
	// Events and Routes are where entries go and as what: an entry becomes a record for each route that it goes, in their
	// order. Without routes it becomes one, as it is.
	Events Events
	Routes []RouteConfig
}

// View is one sender's part of filtering and encoding. It implements pump.View.
type View struct {
	stage    *Stage
	match    *Match
	levels   *UnitLogLevels
	filter   *FieldFilter
	replaced map[string]struct{} // plain names that extra fields replace
	extra    []ExtraField
	suffix   []byte // the fragments of the extra fields
	realtime bool   // whether REALTIME_TIMESTAMP is shown
	iso      bool   // whether timestamp is shown
	maxBytes int
	router   *router // nil without routes
}

// NewView returns a view. Its error is about the extra fields.
func NewView(stage *Stage, c ViewConfig) (*View, error) {
	v := &View{
		stage:    stage,
		match:    c.Match,
		levels:   c.UnitLogLevels,
		filter:   c.FieldFilter,
		replaced: make(map[string]struct{}, len(c.ExtraFields)),
		extra:    c.ExtraFields,
		maxBytes: c.MaxBytes,
	}
	for i := range c.ExtraFields {
		f := &c.ExtraFields[i]
		v.replaced[f.Name] = struct{}{}
		if !v.filter.keeps(foldName(f.Name)) {
			continue
		}
		var err error
		if v.suffix, err = f.appendFragment(v.suffix); err != nil {
			return nil, err
		}
	}
	v.realtime = v.shows(&name{plain: realtimeName, folded: foldName(realtimeName)})
	v.iso = v.shows(&name{plain: timestampName, folded: timestampName})
	v.router = v.newRouter(&c)
	return v, nil
}

func (v *View) shows(n *name) bool {
	_, replaced := v.replaced[n.plain]
	return !replaced && v.filter.keeps(n.folded)
}

// Render implements pump.View. A body is an object without a newline, but one follows it in memory: body[:len(body)+1] is
// the whole line, for senders that write lines. Nothing must be appended to a body.
func (v *View) Render(c *pump.Chunk) *pump.Rendered { return &v.render(c).Rendered }

// rendered is what the view made of a chunk. It is immutable.
type rendered struct {
	pump.Rendered
	tooLong []uint32 // indices of the entries that were cut
}

func (v *View) render(c *pump.Chunk) *rendered {
	return c.Memo(v, func() any { return v.compute(c) }).(*rendered) //nolint:forcetypeassert // our own memo
}

func (v *View) compute(c *pump.Chunk) *rendered {
	s := v.stage.stage(c)
	r := v.newRendering(c, s)
	if v.router != nil {
		r.beginRouting()
		defer r.endRouting()
	}
	r.plan()
	r.write()
	return r.out
}

func (v *View) newRendering(c *pump.Chunk, s *staged) rendering {
	r := rendering{view: v, chunk: c, staged: s, shown: v.shownOf(s.names), out: &rendered{}}
	r.match.enc.mode = v.stage.config.BinaryFields
	if v.levels != nil {
		r.limits = make(map[pump.Ref]int8)
	}
	return r
}

// shownOf says which names are shown; nil if all are.
func (v *View) shownOf(names []name) []bool {
	if v.filter == nil && len(v.replaced) == 0 {
		return nil
	}
	shown, all := make([]bool, len(names)), true
	for i := range names {
		shown[i] = v.shows(&names[i])
		all = all && shown[i]
	}
	if all {
		return nil
	}
	return shown
}

// rendering is the work on one chunk. It goes through the entries twice, so that one allocation of the right size holds
// all bodies.
type rendering struct {
	view   *View
	chunk  *pump.Chunk
	staged *staged
	shown  []bool // by nameID; nil if all are
	out    *rendered

	match   matchWork
	limits  map[pump.Ref]int8 // of the units met so far
	lastRef pump.Ref          // the unit met last …
	lastMax int8              // … and its limit

	planned []plannedEntry
	bytes   int    // of all bodies
	cut     []byte // the bodies of the entries that are too long, and what formats have made

	routing *routing // nil without routes
}

// plannedEntry has no pointers: there is one for every record, and the garbage collector need not look at them.
type plannedEntry struct {
	entry int32 // index in staged.entries
	cutAt int32 // where its body begins in cut, or -1
	n     int32 // of that body
	route int32 // index in router.routes
}

// plan decides which entries are shown and how long their bodies are.
func (r *rendering) plan() {
	r.planned = make([]plannedEntry, 0, r.plannedCap())
	for i := range r.staged.entries {
		switch {
		case r.cause(&r.staged.entries[i]) != Shown:
		case r.routing != nil:
			r.planRoutes(i)
		default:
			r.planEntry(i, 0)
		}
	}
}

// cause says whether an entry is shown, and if not what leaves it out.
func (r *rendering) cause(e *stagedEntry) Cause {
	if r.view.levels != nil && e.level > r.limit(e) {
		return UnitLevel
	}
	if r.view.match != nil && !r.view.match.holds(r.chunk, int(e.index), &r.match) {
		return SenderMatch
	}
	return Shown
}

// limit returns the highest priority number that passes for the entry's unit.
func (r *rendering) limit(e *stagedEntry) int8 {
	if e.level <= 0 { // no unit, or no priority
		return noLimit
	}
	if len(r.limits) > 0 && e.unit == r.lastRef {
		return r.lastMax
	}
	limit, ok := r.limits[e.unit]
	if !ok {
		unit := r.staged.chunkField(r.chunk, e.unit).Value
		limit = r.view.levels.limit(r.match.enc.text(unit))
		r.limits[e.unit] = limit
	}
	r.lastRef, r.lastMax = e.unit, limit
	return limit
}

func (r *rendering) planEntry(i, route int) {
	e := &r.staged.entries[i]
	size, cut := e.size, e.cut
	if r.shown != nil {
		size, cut = r.measure(e)
	}
	size = bodySize(size + r.sizeOfTimes(e) + len(r.view.suffix))
	p := plannedEntry{entry: int32(i), cutAt: -1, route: int32(route)} //nolint:gosec // indices of a chunk and of few routes
	if cut || r.view.maxBytes > 0 && size > r.view.maxBytes {
		start := len(r.cut)
		r.cut = r.appendCut(r.cut, e, size)
		p.cutAt, p.n = int32(start), int32(len(r.cut)-start) //nolint:gosec // some KiB an entry
		size = int(p.n)
		r.noteTooLong(e)
	}
	r.bytes += size
	r.planned = append(r.planned, p)
}

// noteTooLong notes that an entry was cut, once.
func (r *rendering) noteTooLong(e *stagedEntry) {
	if n := len(r.out.tooLong); n == 0 || r.out.tooLong[n-1] != e.index {
		r.out.tooLong = append(r.out.tooLong, e.index)
	}
}

// bodySize returns the length of an object whose fragments have size bytes: the first comma becomes a brace.
func bodySize(size int) int {
	if size == 0 {
		return len("{}")
	}
	return size + len("}")
}

// measure returns the size of the fields' fragments that are shown.
func (r *rendering) measure(e *stagedEntry) (size int, cut bool) {
	s := r.staged
	for _, ref := range s.refsOf(r.chunk, e) {
		if f, _ := s.field(ref); r.shown[f.name] {
			size += int(f.n)
			cut = cut || f.flags&flagCut != 0
		}
	}
	return size, cut
}

func (r *rendering) sizeOfTimes(e *stagedEntry) int {
	size := 0
	if r.view.realtime {
		size += int(e.realtimeLen)
	}
	if r.view.iso {
		size += int(e.isoLen)
	}
	return size
}

// appendBody appends the entry's object.
func (r *rendering) appendBody(dst []byte, e *stagedEntry) []byte {
	s, shown := r.staged, r.shown
	start := len(dst)
	for _, ref := range s.refsOf(r.chunk, e) {
		f, text := s.field(ref)
		if shown == nil || shown[f.name] {
			dst = append(dst, text[f.at:f.at+f.n]...)
		}
	}
	if r.view.realtime {
		dst = append(dst, s.realtime(e)...)
	}
	if r.view.iso {
		dst = append(dst, s.iso(e)...)
	}
	dst = append(dst, r.view.suffix...)
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

// appendCut appends the object that stands for an entry of too many bytes.
func (r *rendering) appendCut(dst []byte, e *stagedEntry, size int) []byte {
	return r.appendTooLong(dst, r.appendBody(nil, e), size)
}

func (r *rendering) appendTooLong(dst, whole []byte, size int) []byte {
	limit := r.view.maxBytes
	if limit <= 0 {
		limit = maxValue
	}
	dst = append(dst, `{"error":"too large message `...)
	dst = strconv.AppendInt(dst, int64(size), 10)
	dst = append(dst, ` bytes vs maximum `...)
	dst = strconv.AppendInt(dst, int64(limit), 10)
	dst = append(dst, ` bytes","partial_data":`...)
	dst = jsontext.AppendString(dst, jsontext.Prefix(whole, partialBytes))
	return append(dst, '}')
}

// write writes the bodies that were planned, one after the other and each on a line of its own.
func (r *rendering) write() {
	buf := make([]byte, 0, r.bytes+len(r.planned))
	records := make([]pump.Record, len(r.planned))
	for i := range r.planned {
		p := &r.planned[i]
		e := &r.staged.entries[p.entry]
		start := len(buf)
		if p.cutAt >= 0 {
			buf = append(buf, r.cut[p.cutAt:p.cutAt+p.n]...)
		} else {
			buf = r.appendBody(buf, e)
		}
		end := len(buf)
		buf = append(buf, '\n')
		records[i] = pump.Record{Body: buf[start : end : end+1], Chunk: r.chunk, Index: int(e.index)}
		if r.routing != nil {
			records[i].Route = r.view.router.routes[p.route].Route
		}
	}
	r.out.Rendered = pump.Rendered{Records: records, Bytes: r.bytes}
}
