package file

import (
	"bytes"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// router sorts the records of a batch by the files they go to.
type router struct {
	paths  *placeholder.Expander
	routes map[string]*placeholder.Expander // by where they lead, pump.Route.To
	groups []group
	index  map[string]int // in groups, by path
	path   []byte         // reused
}

// group is the records of a batch, in order, that go to one file.
type group struct {
	path    string
	records []int
}

func newRouter(t *placeholder.Template) *router {
	return &router{paths: t.Expander(appendValue), routes: map[string]*placeholder.Expander{}, index: map[string]int{}}
}

// pathsOf returns what makes the paths for a record.
func (r *router) pathsOf(record *pump.Record) *placeholder.Expander {
	to := record.To()
	if to == "" {
		return r.paths
	}
	e := r.routes[to]
	if e == nil {
		t, err := parsePath(to)
		if err != nil { // CheckRoute has seen it
			return r.paths
		}
		e = t.Expander(appendValue)
		r.routes[to] = e
	}
	return e
}

// route returns the groups in the order of their first records. They are valid until the next call.
func (r *router) route(records []pump.Record) []group {
	clear(r.index)
	r.groups = r.groups[:0]
	for i := range records {
		r.path = shorten(r.pathsOf(&records[i]).Append(r.path[:0], &records[i]))
		g, ok := r.index[string(r.path)]
		if !ok {
			g = r.add(string(r.path))
		}
		r.groups[g].records = append(r.groups[g].records, i)
	}
	return r.groups
}

// add adds an empty group, in the memory of one of an earlier call where there is one.
func (r *router) add(path string) int {
	n := len(r.groups)
	if n < cap(r.groups) {
		r.groups = r.groups[:n+1]
		r.groups[n] = group{path: path, records: r.groups[n].records[:0]}
	} else {
		r.groups = append(r.groups, group{path: path})
	}
	r.index[path] = n
	return n
}

// appendValue appends the value of a field as a part of a path that can't lead out of its directory: no slashes, no
// leading dots, nothing that a terminal would act on.
func appendValue(b, value []byte, _ bool) []byte {
	if len(value) == 0 {
		return append(b, "unknown"...)
	}
	leading := true
	for _, c := range value {
		leading = leading && c == '.'
		if leading || c == '/' || c < ' ' || c == 0x7f {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// maxName is the longest name that a file may have: NAME_MAX of Linux's file systems.
const maxName = 255

// shorten replaces the end of each part of the path that is too long by a hash of it.
func shorten(path []byte) []byte {
	if len(path) <= maxName {
		return path
	}
	var short []byte
	for i, name := range bytes.Split(path, []byte("/")) {
		if i > 0 {
			short = append(short, '/')
		}
		if len(name) <= maxName {
			short = append(short, name...)
			continue
		}
		hash := strconv.FormatUint(xxhash.Sum64(name), 16)
		short = append(short, name[:maxName-1-len(hash)]...)
		short = append(append(short, '-'), hash...)
	}
	return short
}
