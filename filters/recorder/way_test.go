package recorder_test

import (
	"slices"
	"strings"
	"testing"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/pump"
)

// routedRig is a rig with three routes: of what a.service says of itself or systemd of it, of what is severe, and of neither.
func routedRig(t *testing.T, config string, entries ...entry) *rig {
	t.Helper()
	r := newRig(t, config, entries...)
	r.view.Events.Conditions = must(condition.New([]condition.Named{
		{Name: "a", When: condition.Config{{Units: []string{"a.service"}}, {Fields: map[string]condition.FieldTest{"UNIT": {Is: []string{"a.service"}}}}}},
		{Name: "severe", When: condition.Config{{Priority: condition.Priority{0, 1, 2, 3, 4}}}},
		{Name: "never", When: condition.Config{{Units: []string{"no.service"}}}},
	}))
	for n, name := range []string{"a", "severe", "never"} {
		r.view.Routes = append(r.view.Routes, filters.RouteConfig{Route: &pump.Route{Name: name, To: name, Mark: name}, On: []int{n}})
	}
	return r
}

// wantRouted fails unless that is sent on each of the ways, however many entries are read at a time.
func (r *rig) wantRouted(want map[string][]string) {
	r.t.Helper()
	for _, each := range []int{1, 3, len(r.entries)} {
		records, _, _ := r.sent(each)
		got := map[string][]string{}
		ids := map[string]bool{}
		for i, text := range brief(r.lines(records)) {
			name := records[i].Route.Name
			got[name] = append(got[name], text)
			id := string(records[i].AppendID(nil))
			if ids[id] {
				r.t.Errorf("two records have the ID %s", id)
			}
			ids[id] = true
		}
		for _, name := range []string{"a", "severe", "never"} {
			if !slices.Equal(got[name], want[name]) {
				r.t.Errorf("%d entries at a time: %s got\n\t%s\nwant\n\t%s", each, name, strings.Join(got[name], "\n\t"), strings.Join(want[name], "\n\t"))
			}
		}
	}
}

// A dump goes where the entry goes that lets the recorder dump. What went a way is not in the dump that goes there, but in those that
// go others.
func TestDumpsGoWhereTheirEntriesGo(t *testing.T) {
	t.Parallel()
	routedRig(t, `{"after": 1}`,
		of("a.service", 7, "a1"), of("b.service", 7, "b1"), of("a.service", 4, "a2 is severe"), fails("a.service"), of("a.service", 3, "a3"),
		of("a.service", 3, "a4"), fails("b.service"), of("b.service", 4, "b2"), of("b.service", 7, "b3"),
	).wantRouted(map[string][]string{
		"a": {
			"a2 is severe",
			"begin _SYSTEMD_UNIT=a.service 1", "1 a1", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1", "4 a3", "a4",
		},
		"severe": {
			"a2 is severe",
			"begin _SYSTEMD_UNIT=a.service 1", "1 a1", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1", "4 a3", "a4",
			"begin _SYSTEMD_UNIT=b.service 1", "1 b1", "2 b.service failed", "end _SYSTEMD_UNIT=b.service 1", "4 b2",
		},
	})
}

// What an entry of the key went another way is not what went this one; and an entry that follows goes its own ways, too.
func TestDumpsOnOneOfSeveralWays(t *testing.T) {
	t.Parallel()
	quiet := with(of("init.scope", 6, "a.service has nothing left"), "UNIT=a.service", "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c")
	quiet.fields[1] = "_PID=1"
	routedRig(t, `{"after": 2}`,
		of("a.service", 4, "a1 went both ways"), of("a.service", 7, "a2"), quiet, of("a.service", 4, "a3"), of("a.service", 7, "a4"),
	).wantRouted(map[string][]string{
		"a": {
			"a1 went both ways",
			"begin _SYSTEMD_UNIT=a.service 1", "1 a2", "2 a.service has nothing left", "end _SYSTEMD_UNIT=a.service 1", "4 a3", "5 a4",
		},
		"severe": {"a1 went both ways", "a3"},
	})
}

// What goes none of the routes goes the first one, with all that led there.
func TestDumpsOfWhatGoesNoRoute(t *testing.T) {
	t.Parallel()
	quiet := with(of("b.service", 6, "b2"), "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c")
	routedRig(t, `{}`, of("b.service", 4, "b1 was severe"), quiet).wantRouted(map[string][]string{
		"a":      {"begin _SYSTEMD_UNIT=b.service 1", "1 b1 was severe", "2 b2", "end _SYSTEMD_UNIT=b.service 1"},
		"severe": {"b1 was severe"},
	})
}
