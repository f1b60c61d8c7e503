package filters

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/pump"
)

func newFormat(tb testing.TB, src string) *format.Format {
	tb.Helper()
	root, report := conf.Parse("f", []byte(`{"f": `+src+`}`))
	var dst struct {
		F format.Config `json:"f"`
	}
	root.Decode(&dst)
	if err := report.Err(); err != nil {
		tb.Fatal(err)
	}
	return must(format.New(&dst.F, func(string) (string, bool) { return "", false }))
}

func patternOn(field, expr string) condition.Config {
	return condition.Config{{Fields: map[string]condition.FieldTest{field: {Patterns: []string{expr}}}}}
}

// records returns ROUTE BODY of what a view makes of a chunk.
func records(v *View, c *pump.Chunk) (list []string) {
	r := v.Render(c)
	bytes := 0
	for i := range r.Records {
		bytes += len(r.Records[i].Body)
		list = append(list, r.Records[i].Route.Name+" "+string(r.Records[i].Body))
		if body := r.Records[i].Body; body[:len(body)+1][len(body)] != '\n' {
			list = append(list, "no newline follows")
		}
	}
	if bytes != r.Bytes {
		list = append(list, fmt.Sprintf("%d bytes, not %d", r.Bytes, bytes))
	}
	return list
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	b := newChunker()
	unit := b.shared(fieldOf("_SYSTEMD_UNIT", "a.service"))
	b.entry(1_500_000, unit, b.own(fieldOf("MESSAGE", "user=anna password=hunter2 begins")))
	b.entry(2_500_000, unit, b.own(fieldOf("MESSAGE", "nothing")))
	b.entry(3_500_000, b.shared(fieldOf("TAG", "x")), b.shared(fieldOf("TAG", "y")), b.own(fieldOf("MESSAGE", "user=bob ends")))
	c := b.take()
	set := must(condition.New([]condition.Named{
		{Name: "user", When: patternOn("MESSAGE", "user=")},
		{Name: "begins", When: patternOn("MESSAGE", "hunter2 begins")}, // before redaction
		{Name: "ends", When: patternOn("MESSAGE", "ends$")},
	}))
	f := newFormat(t, `{"keys": {"user": {"group": "user"}, "text": "MESSAGE", "unit": "_SYSTEMD_UNIT", "tags": "TAG", "env": "env",
		"at": "REALTIME_TIMESTAMP", "iso": "timestamp"}, "extract": {"MESSAGE": "user=(?P<user>\\w+)"}}`)
	password := must(secret.New([]secret.Config{{Pattern: "password=\\w+", Replacement: "password=***"}}))
	config := ViewConfig{
		ExtraFields: []ExtraField{{"env", json.RawMessage(`"prod"`)}},
		Events:      Events{Conditions: set, Connect: []int{1}, Disconnect: []int{2}},
		Routes: []RouteConfig{
			{Route: &pump.Route{Name: "users"}, On: []int{0}, Format: f},
			{Route: &pump.Route{Name: "plain"}, On: []int{1, 2}},
		},
	}
	const (
		first  = `users {"connecting":true,"user":"anna","text":"user=anna password=*** begins","unit":"a.service","env":"prod","at":1.5,"iso":"1970-01-01T00:00:01.500000"}`
		second = `plain {"SYSTEMD_UNIT":"a.service","MESSAGE":"user=anna password=*** begins","REALTIME_TIMESTAMP":1.5,"timestamp":"1970-01-01T00:00:01.500000","env":"prod"}`
		third  = `users {"disconnecting":true,"user":"bob","text":"user=bob ends","tags":["x","y"],"env":"prod","at":3.5,"iso":"1970-01-01T00:00:03.500000"}`
		fourth = `plain {"TAG":["x","y"],"MESSAGE":"user=bob ends","REALTIME_TIMESTAMP":3.5,"timestamp":"1970-01-01T00:00:03.500000","env":"prod"}`
	)
	stage := NewStage(StageConfig{Secrets: password})
	compare(t, records(must(NewView(stage, config)), c), first, second, third, fourth)

	for i, want := range []Cause{Shown, NoRoute, Shown} {
		if got := must(NewView(stage, config)).Explain(again(c), i).Cause; got != want {
			t.Errorf("entry %d: cause %d, want %d", i, got, want)
		}
	}

	// What the field filter drops no format shows.
	config.FieldFilter = must(NewFieldFilter(FieldFilterConfig{Fields: []string{"systemd_unit", "timestamp"}}))
	compare(t, records(must(NewView(stage, config)), again(c)),
		`users {"connecting":true,"unit":"a.service","iso":"1970-01-01T00:00:01.500000"}`,
		`plain {"SYSTEMD_UNIT":"a.service","timestamp":"1970-01-01T00:00:01.500000"}`,
		`users {"disconnecting":true,"iso":"1970-01-01T00:00:03.500000"}`,
		`plain {"timestamp":"1970-01-01T00:00:03.500000"}`)

	// A route without conditions takes all; the reader counts entries.
	config.FieldFilter, config.Routes[0].On, config.MaxBytes = nil, nil, 100
	v := must(NewView(stage, config))
	in := NewInspector(stage, []*View{v}).Inspect(again(c))
	if in.Lines != 3 || in.TooLong != 2 {
		t.Errorf("%d lines, %d too long", in.Lines, in.TooLong)
	}
	got := records(v, again(c))
	if len(got) != 5 || !strings.HasPrefix(got[0], `users {"error":"too large message 148 bytes vs maximum 100 bytes","partial_data":"{\"connecting\":true,`) ||
		!strings.HasPrefix(got[2], `users {"text":"nothing"`) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func compare(t *testing.T, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// benchEvents are 20 events of the usual kinds, of which about one entry in twelve fulfils one.
func benchEvents(tb testing.TB) ViewConfig {
	tb.Helper()
	named := []condition.Named{
		{Name: "oom", When: condition.Config{{Transports: []string{"kernel"}, Fields: patternOn("MESSAGE", "Out of memory: Killed process")[0].Fields}}},
		{Name: "failed", When: condition.Config{{MessageIDs: []string{"d9b373ed55a64feb8242e02dbe79a49c"}}}},
		{Name: "severe", When: condition.Config{{Priority: []int8{0, 1, 2}}}},
		{Name: "root", When: condition.Config{{Identifiers: []string{"sudo"}, Expression: `_UID == "0" && int(PRIORITY) < 4`}}},
	}
	for i := len(named); i < 20; i++ {
		c := condition.Config{{Units: []string{fmt.Sprintf("service-%d*.service", i)}, Fields: patternOn("MESSAGE", fmt.Sprintf("took 4%02d ms", i))[0].Fields}}
		named = append(named, condition.Named{Name: fmt.Sprint(i), When: c})
	}
	config := ViewConfig{Events: Events{Conditions: must(condition.New(named))}}
	f := newFormat(tb, `{"keys": {"unit": "_SYSTEMD_UNIT", "took": {"group": "took", "type": "int"}}, "extract": {"MESSAGE": "took (?P<took>\\d+) ms"}}`)
	for n := range named {
		config.Routes = append(config.Routes, RouteConfig{Route: &pump.Route{Name: named[n].Name}, On: []int{n}, Format: f})
	}
	return config
}

// What 20 events cost, over a sender that gets every entry: one more route has them all.
func BenchmarkRenderEvents(b *testing.B) {
	b.Run("none", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{}) })
	b.Run("20", func(b *testing.B) {
		config := benchEvents(b)
		config.Routes = append(config.Routes, RouteConfig{Route: &pump.Route{Name: "all"}})
		benchViews(b, StageConfig{}, config)
	})
	b.Run("20only", func(b *testing.B) { benchViews(b, StageConfig{}, benchEvents(b)) })
}
