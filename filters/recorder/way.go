package recorder

import (
	"slices"

	"journalpump/pump"
)

// ways are the names of the routes that something goes. A sender without routes has one way, which is called "".
type ways []string

func wayOf(r *pump.Record) string {
	if r.Route == nil {
		return ""
	}
	return r.Route.Name
}

func waysOf(records []pump.Record) ways {
	w := make(ways, len(records))
	for i := range records {
		w[i] = wayOf(&records[i])
	}
	return w
}

// ways returns where a dump for entry i goes: where the entry does, or would if no filter held it back. What goes none of the routes
// goes the first one.
func (w *run) ways(i int) ways {
	if w.opts.Routed != nil {
		if records := w.opts.Routed.Render(w.chunk).Of(i); len(records) > 0 {
			return waysOf(records)
		}
	}
	return waysOf(w.opts.Lifted.Render(w.chunk).Of(i)[:1])
}

// named returns the ways of a sender with routes, else nil; wanted is the inverse.
func (w ways) named() []string {
	if len(w) == 1 && w[0] == "" {
		return nil
	}
	return w
}

func wanted(names []string) ways {
	if len(names) == 0 {
		return ways{""}
	}
	return names
}

func (w ways) without(others ways) ways {
	if len(others) == 0 {
		return w
	}
	return slices.DeleteFunc(slices.Clone(w), func(name string) bool { return slices.Contains(others, name) })
}

// appendTo appends those of the records that go one of the ways.
func (w ways) appendTo(all, records []pump.Record) []pump.Record {
	for i := range records {
		if slices.Contains(w, wayOf(&records[i])) {
			all = append(all, records[i])
		}
	}
	return all
}
