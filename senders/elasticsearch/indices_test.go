package elasticsearch

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func TestIndexIsOfTheEntrysDay(t *testing.T) {
	c := newCluster(t, "9.1.4")
	s, _ := openTo(t, c.URL, nil)
	send(t, s, sendertest.Batch(0, 4, sendertest.Times(time.Date(2026, 2, 28, 23, 59, 59, 999998000, time.UTC), time.Microsecond)))
	var got []string
	for _, d := range c.docs {
		got = append(got, d.index)
	}
	want := []string{"journalpump-2026-02-28", "journalpump-2026-02-28", "journalpump-2026-03-01", "journalpump-2026-03-01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"GET /", "PUT /journalpump-2026-02-28", "PUT /journalpump-2026-03-01", "POST /journalpump-2026-02-28/_bulk",
	}, c.paths); diff != "" {
		t.Error(diff)
	}
}

func TestMappingIsThatOfTheFirstEntry(t *testing.T) {
	body := []byte(`{"MESSAGE":"x","PRIORITY":6,"RATIO":1.5,"SMALL":1e-3,"OK":true,"NOTHING":null,"LIST":[1],"timestamp":"2026-11-20T00:00:00",
		"a":{"b":{"c":7},"timestamp":1},"":"empty","d.o.t":1}`)
	text, long, float := object{"type": "text"}, object{"type": "long"}, object{"type": "float"}
	fields := object{
		"SYSTEMD_SESSION": text, "SESSION_ID": text, "MESSAGE": text, "PRIORITY": long, "RATIO": float, "SMALL": float,
		"OK": object{"type": "boolean"}, "a": object{"properties": object{"b": object{"properties": object{"c": long}}}},
	}
	for _, c := range []struct {
		dialect dialect
		want    object
	}{
		{dialect{}, object{"mappings": object{"properties": fields}}},
		{dialect{typed: true}, object{"mappings": object{"journal_msg": object{"properties": fields}}}},
	} {
		if diff := cmp.Diff(c.want, mapping(c.dialect, body)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	if got, err := json.Marshal(mapping(dialect{}, []byte(deep))); err != nil || strings.Count(string(got), `"a"`) > maxMappingDepth {
		t.Errorf("%d objects in objects, %v", strings.Count(string(got), `"a"`), err)
	}
}

func TestTypeIsNamedBeforeVersion7(t *testing.T) {
	for _, c := range []struct {
		version string
		opens   bool
		want    map[string]bool
	}{
		{"6.8.23", false, map[string]bool{mappingType: true}}, {"7.0.0", false, map[string]bool{}}, {"10.0.0-SNAPSHOT", false, map[string]bool{}},
		{"1.0.0", true, map[string]bool{}},
	} {
		server := newCluster(t, c.version)
		server.opens = c.opens
		s, _ := openTo(t, server.URL, nil)
		send(t, s, sendertest.Batch(0, 3))
		if diff := cmp.Diff(c.want, server.types); diff != "" {
			t.Errorf("%s: %s", c.version, diff)
		}
	}
}

func TestIndicesThatAreThereOrCannotBeMade(t *testing.T) {
	for kind, c := range map[string]struct {
		status int
		fails  bool
		warns  bool
	}{
		"resource_already_exists_exception": {status: 400},
		"index_already_exists_exception":    {status: 400},
		"invalid_index_name_exception":      {status: 400},
		"security_exception":                {status: 403, warns: true},
		"mapper_parsing_exception":          {status: 400, warns: true},
		"validation_exception":              {status: 400, fails: true},
		"authentication":                    {status: 401, fails: true},
		"no master":                         {status: 503, fails: true},
	} {
		t.Run(kind, func(t *testing.T) {
			server := newCluster(t, "8.19.4")
			server.indices["journalpump-2026-11-20"] = &index{ids: map[string]bool{}}
			server.override = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				refuse(w, c.status, kind, "reason")
				return true
			}
			s, logged := openTo(t, server.URL, nil)
			err := s.Send(t.Context(), sendertest.Batch(0, 3))
			if (err != nil) != c.fails || pump.IsPermanent(err) {
				t.Errorf("got %v", err)
			}
			if got := strings.Contains(logged.String(), "level=WARN"); got != c.warns {
				t.Errorf("logged: %s", logged)
			}
		})
	}
}

func TestAnIndexThatWasDeletedIsMadeAgain(t *testing.T) {
	server := newCluster(t, "8.19.4")
	s, _ := openTo(t, server.URL, nil)
	send(t, s, sendertest.Batch(0, 3))
	server.set(func() { clear(server.indices) })
	errs := partial(t, s.Send(t.Context(), sendertest.Batch(3, 3)))
	if len(errs) != 3 || pump.IsPermanent(errs[0]) {
		t.Errorf("got %v", errs)
	}
	send(t, s, sendertest.Batch(3, 3))
}
