package filters

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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

// What routes of the same format get of an entry is the same, and so is what is said of it.
func TestRoutesOfOneFormat(t *testing.T) {
	t.Parallel()
	b := newChunker()
	b.entry(1_500_000, b.own(fieldOf("MESSAGE", "user=anna begins")))
	b.entry(2_500_000, b.own(fieldOf("MESSAGE", "user=bob begins and goes on for so long that it is cut")))
	b.entry(3_500_000, b.own(fieldOf("MESSAGE", "begins")))
	set := must(condition.New([]condition.Named{
		{Name: "user", When: patternOn("MESSAGE", "user=")},
		{Name: "begins", When: patternOn("MESSAGE", "begins")},
	}))
	f := newFormat(t, `{"keys": {"text": "MESSAGE"}}`)
	stage := NewStage(StageConfig{})
	v := must(NewView(stage, ViewConfig{
		MaxBytes: 45,
		Events:   Events{Conditions: set, Connect: []int{1}},
		Routes: []RouteConfig{
			{Route: &pump.Route{Name: "users"}, On: []int{0}, Format: f},
			{Route: &pump.Route{Name: "begins"}, On: []int{1}, Format: f},
			{Route: &pump.Route{Name: "other"}, On: []int{1}, Format: newFormat(t, `{"keys": {"at": {"time": "epoch"}}}`)},
		},
	}))
	const long = ` {"error":"too large message 83 bytes vs maximum 45 bytes","partial_data":` +
		`"{\"connecting\":true,\"text\":\"user=bob begins and goes on for so long that it is cut\"}"}`
	c := b.take()
	compare(t, records(v, c),
		`users {"connecting":true,"text":"user=anna begins"}`,
		`begins {"connecting":true,"text":"user=anna begins"}`,
		`other {"connecting":true,"at":1}`,
		`users`+long, `begins`+long, `other {"connecting":true,"at":2}`,
		`begins {"connecting":true,"text":"begins"}`, `other {"connecting":true,"at":3}`)
	if in := NewInspector(stage, []*View{v}).Inspect(c); in.TooLong != 1 {
		t.Errorf("%d too long", in.TooLong)
	}
}

func compare(t *testing.T, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// benchEvents are 20 events of the usual kinds, with a format each. took is what most have of a message, by the event's number.
func benchEvents(tb testing.TB, took string) ViewConfig {
	tb.Helper()
	named := []condition.Named{
		{Name: "oom", When: condition.Config{{Transports: []string{"kernel"}, Fields: patternOn("MESSAGE", "Out of memory: Killed process")[0].Fields}}},
		{Name: "failed", When: condition.Config{{MessageIDs: []string{"d9b373ed55a64feb8242e02dbe79a49c"}}}},
		{Name: "severe", When: condition.Config{{Priority: []int8{0, 1, 2}}}},
		{Name: "root", When: condition.Config{{Identifiers: []string{"sudo"}, Expression: `_UID == "0" && int(PRIORITY) < 4`}}},
	}
	for i := len(named); i < 20; i++ {
		c := condition.Config{{Units: []string{fmt.Sprintf("service-%d*.service", i)}, Fields: patternOn("MESSAGE", strings.ReplaceAll(took, "NN", fmt.Sprintf("%02d", i)))[0].Fields}}
		named = append(named, condition.Named{Name: fmt.Sprint(i), When: c})
	}
	config := ViewConfig{Events: Events{Conditions: must(condition.New(named)), Connect: []int{5, 6}, Disconnect: []int{7}}}
	f := newFormat(tb, `{"keys": {"unit": "_SYSTEMD_UNIT", "took": {"group": "took", "type": "int"}}, "extract": {"MESSAGE": "took (?P<took>\\d+) ms"}}`)
	for n := range named {
		config.Routes = append(config.Routes, RouteConfig{Route: &pump.Route{Name: named[n].Name}, On: []int{n}, Format: f})
	}
	return config
}

const (
	rareEvents  = "took 4NN ms"        // 10 of 5,000 entries fulfil one
	oftenEvents = `took 4[0-5]\d ms.*` // one entry in twelve does
)

// withAll is benchEvents with one more route, which has every entry.
func withAll(tb testing.TB, took string) ViewConfig {
	tb.Helper()
	config := benchEvents(tb, took)
	config.Routes = append(config.Routes, RouteConfig{Route: &pump.Route{Name: "all"}})
	return config
}

// What 20 events cost a sender that gets every entry. Two in three entries are of a unit that has an event, so that their messages
// are looked at.
func BenchmarkRenderEvents(b *testing.B) {
	b.Run("none", func(b *testing.B) { benchViews(b, StageConfig{}, ViewConfig{}) })
	b.Run("20", func(b *testing.B) { benchViews(b, StageConfig{}, withAll(b, rareEvents)) })
	b.Run("20often", func(b *testing.B) { benchViews(b, StageConfig{}, withAll(b, oftenEvents)) })
	b.Run("20only", func(b *testing.B) { benchViews(b, StageConfig{}, benchEvents(b, rareEvents)) })
}

// The same in turns that are drawn, so that whatever else the machine does, and the garbage collector, befalls both alike.
func BenchmarkRenderEventsInTurns(b *testing.B) {
	for _, bench := range []struct{ name, took string }{{"20", rareEvents}, {"20often", oftenEvents}} {
		b.Run(bench.name, func(b *testing.B) {
			_, c := benchChunk()
			none, events := ViewConfig{}, withAll(b, bench.took)
			none.MaxBytes, events.MaxBytes = DefaultMaxBytes, DefaultMaxBytes
			views := []*View{must(NewView(NewStage(StageConfig{}), none)), must(NewView(NewStage(StageConfig{}), events))}
			var took [2][]time.Duration
			rng := rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				i := rng.IntN(2)
				took[i] = append(took[i], timeToRender(views[i], c))
			}
			without, with := middle(took[0]), middle(took[1])
			b.ReportMetric(0, "ns/op") // would be of both
			b.ReportMetric(without/benchEntries, "none-ns/entry")
			b.ReportMetric(with/benchEntries, "events-ns/entry")
			b.ReportMetric(100*(with-without)/without, "%over")
		})
	}
}

// middle returns the mean of the middle half, in nanoseconds.
func middle(took []time.Duration) float64 {
	slices.Sort(took)
	sum, half := 0.0, took[len(took)/4:len(took)-len(took)/4]
	for _, d := range half {
		sum += float64(d.Nanoseconds())
	}
	return sum / float64(len(half))
}

func timeToRender(v *View, c *pump.Chunk) time.Duration {
	chunk := again(c)
	start := time.Now()
	v.Render(chunk)
	return time.Since(start)
}
