package placeholder

import (
	"strings"
	"testing"
	"time"

	"journalpump/pump"
)

func record(at time.Time, fields ...pump.Field) *pump.Record {
	c := &pump.Chunk{Own: fields}
	for i := range fields {
		c.Refs = append(c.Refs, pump.OwnRef(i))
	}
	c.Entries = []pump.Entry{{
		Position: pump.Cursor{Realtime: uint64(at.UnixMicro()), Parts: pump.HasRealtime},
		Last:     uint32(len(c.Refs)),
	}}
	return &pump.Record{Chunk: c}
}

func plain(b, value []byte, ok bool) []byte {
	if !ok {
		return append(b, "none"...)
	}
	return append(b, value...)
}

func TestExpand(t *testing.T) {
	r := record(time.Date(2026, 3, 1, 23, 59, 58, 999999000, time.FixedZone("east", 3600)),
		pump.Field{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")},
		pump.Field{Name: "PRIORITY", Value: []byte("3")})
	for template, want := range map[string]string{
		"/var/log/all.json":               "/var/log/all.json",
		"%Y-%m-%d":                        "2026-03-01",
		"/l/{_SYSTEMD_UNIT}/%H.json":      "/l/a.service/22.json",
		"{SYSTEMD_UNIT}-{PRIORITY}-{FOO}": "a.service-3-none",
		"100%%":                           "100%",
		"{{x}}":                           "{x}",
		"":                                "",
	} {
		tmpl, err := Parse(template)
		if err != nil {
			t.Errorf("Parse(%q): %v", template, err)
			continue
		}
		if got := string(tmpl.Expander(plain).Append(nil, r)); got != want {
			t.Errorf("%q gives %q, want %q", template, got, want)
		}
	}
}

func TestTimesFollowTheEntries(t *testing.T) {
	tmpl, err := Parse("%M:%S {PRIORITY} %S")
	if err != nil {
		t.Fatal(err)
	}
	e := tmpl.Expander(plain)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, second := range []int{0, 0, 1, 61, 0} {
		at := start.Add(time.Duration(second) * time.Second)
		want := at.Format("04:05 none 05")
		if got := string(e.Append(nil, record(at))); got != want {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for template, want := range map[string]string{
		"{MESSAGE}.log":  "MESSAGE",
		"{__MESSAGE}":    "MESSAGE",
		"{":              `"{" without`,
		"a}":             `"}" without`,
		"{}":             "not the name of a field",
		"{_}":            "not the name of a field",
		"{A/../B}":       "not the name of a field",
		"%Q":             "%Q",
		"/var/log/%":     `"%" with nothing after it`,
		"{SYSTEMD_UNIT ": `"{" without`,
	} {
		if _, err := Parse(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", template, err, want)
		}
	}
}

func TestStaticAndPrefix(t *testing.T) {
	for template, want := range map[string]struct {
		static bool
		prefix string
	}{
		"/var/log/x.json":  {true, "/var/log/x.json"},
		"/var/{{x}}.json":  {true, "/var/{x}.json"},
		"/var/log/%Y/x":    {false, "/var/log/"},
		"/var/{UNIT}/x":    {false, "/var/"},
		"/v/a{UNIT}%Y/x":   {false, "/v/a"},
		"{UNIT}":           {false, ""},
		"/var/x-{U}-%Y.gz": {false, "/var/x-"},
	} {
		tmpl, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if _, static := tmpl.Static(); static != want.static || tmpl.Prefix() != want.prefix {
			t.Errorf("%q: static %v, prefix %q, want %v, %q", template, static, tmpl.Prefix(), want.static, want.prefix)
		}
	}
}

func TestExpandDoesNotAllocate(t *testing.T) {
	tmpl, err := Parse("/var/log/{SYSTEMD_UNIT}/%Y-%m-%d.json")
	if err != nil {
		t.Fatal(err)
	}
	e := tmpl.Expander(plain)
	r := record(time.Unix(1e9, 0), pump.Field{Name: "_SYSTEMD_UNIT", Value: []byte("a.service")})
	b := e.Append(nil, r)
	if n := testing.AllocsPerRun(100, func() { b = e.Append(b[:0], r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/var/log/{_SYSTEMD_UNIT}/%Y-%m-%d.json")
	f.Add("{{}}%%")
	f.Fuzz(func(t *testing.T, template string) {
		tmpl, err := Parse(template)
		if err != nil {
			return
		}
		name := tmpl.Expander(plain).Append(nil, record(time.Unix(1e9, 0)))
		if !strings.HasPrefix(string(name), tmpl.Prefix()) {
			t.Errorf("%q gives %q, which does not begin with %q", template, name, tmpl.Prefix())
		}
	})
}
