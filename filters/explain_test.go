package filters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/pump"
)

// checkExplanations compares what is explained of each entry of a chunk with what is rendered of it.
func checkExplanations(v *View, c *pump.Chunk) error {
	bodies := map[int][]byte{}
	for _, r := range v.Render(c).Records {
		bodies[r.Index] = r.Body
	}
	for i := range c.Entries {
		x := v.Explain(c, i)
		body, shown := bodies[i]
		if shown != (x.Cause == Shown) {
			return fmt.Errorf("entry %d is rendered: %t, explained as %+v", i, shown, x)
		}
		if !shown {
			if x.Cause == UnitLevel && x.Level <= x.Limit {
				return fmt.Errorf("entry %d: level %d is left out by limit %d", i, x.Level, x.Limit)
			}
			continue
		}
		if cut := bytes.HasPrefix(body, []byte(`{"error":"too large`)); cut != x.TooLong {
			return fmt.Errorf("entry %d: cut %t, explained as %t", i, cut, x.TooLong)
		} else if cut {
			continue
		}
		if err := checkFates(x.Fields, body); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// checkFates puts the record together from what is said of its fields.
func checkFates(fates []FieldFate, body []byte) error {
	var text []byte
	masked := false
	for _, f := range fates {
		if (f.Fate == Redacted) != (len(f.By) > 0 && f.After != "") {
			return fmt.Errorf("%+v", f)
		}
		if f.After != "" {
			text = append(appendHead(text, f.Name), f.After...)
			masked = masked || f.Secret
		}
	}
	if masked { // then they cannot be the same
		return nil
	}
	want := []byte("{}")
	if len(text) > 0 {
		want = append(append([]byte{'{'}, text[1:]...), '}')
	}
	if !bytes.Equal(want, body) {
		return fmt.Errorf("explained as\n%s\nit is\n%s", want, body)
	}
	return nil
}

// For random entries and settings the explanation is what is rendered, to the byte.
func TestExplainAgreesWithRender(t *testing.T) {
	t.Parallel()
	secrets := must(secret.New([]secret.Config{{Pattern: `a (secret)`, Replacement: `a [gone]`}, {Pattern: `sec\w+`, Replacement: "***"}}))
	searches := must(search.New([]search.Config{{Name: "text", Fields: map[string]string{"MESSAGE": "plain|secret"}}, {Name: "unit", Fields: map[string]string{"_SYSTEMD_UNIT": "^a"}}}, search.Options{}))
	rng := rand.New(rand.NewPCG(5, 6))
	causes := map[Cause]int{}
	fates := map[Fate]int{}
	for round := range 3000 {
		data := make([]byte, rng.IntN(400))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		s := &script{data: data}
		config := s.stage()
		if config.Secrets != nil {
			config.Secrets = secrets
		}
		if round%4 == 0 {
			config.Searches = searches
		}
		if round%8 == 1 {
			config.Exclude = NewSelf("a.service", "5", 5)
		}
		settings := s.view()
		if round%16 == 2 {
			settings.MaxBytes = 100
		}
		v := must(NewView(NewStage(config), settings))
		b := newChunker()
		for range 2 {
			c := s.chunk(b)
			if err := checkExplanations(v, c); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			for i := range c.Entries {
				x := v.Explain(c, i)
				causes[x.Cause]++
				for _, f := range x.Fields {
					fates[f.Fate]++
				}
			}
		}
	}
	for _, c := range []Cause{Shown, NoSearch, ReaderMatch, UnitLevel, SenderMatch} {
		if causes[c] == 0 {
			t.Errorf("cause %d never came up: %v", c, causes)
		}
	}
	for f := range NotAdded + 1 {
		if fates[f] == 0 {
			t.Errorf("fate %d never came up: %v", f, fates)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	entry := []pump.Field{
		fieldOf("MESSAGE", "login password=hunter2 ok"), fieldOf("_CMDLINE", "sh -c password=hunter2"), fieldOf("PRIORITY", "7"), fieldOf("_SYSTEMD_UNIT", "pg.service"),
		fieldOf("_HOSTNAME", "h"), fieldOf("_PID", "4"), fieldOf("PID", "5"), fieldOf("env", "journal's"),
		fieldOf("SYSLOG_IDENTIFIER", "me"), fieldOf("_COMM", "me"),
	}
	b := newChunker()
	var refs []pump.Ref
	for _, f := range entry {
		refs = append(refs, b.own(f))
	}
	b.entry(1760000003078006, refs...)
	c := b.take()
	secrets := must(secret.New([]secret.Config{{Pattern: `x+y`, Replacement: ""}, {Pattern: `(password=)\w+`, Replacement: `\1[REDACTED]`}}))

	for _, tc := range []struct {
		name  string
		stage StageConfig
		view  ViewConfig
		want  Explanation
	}{
		{"self", StageConfig{Exclude: NewSelf("me", "me", 1)}, ViewConfig{}, Explanation{Cause: OurOwn}},
		{"second match of the reader", StageConfig{Matches: []*Match{must(NewMatch("PRIORITY", json.RawMessage("7"))), must(NewMatch("_HOSTNAME", json.RawMessage(`"g"`)))}}, ViewConfig{},
			Explanation{Cause: ReaderMatch, Index: 1, Key: "HOSTNAME", Got: `"h"`, Want: `"g"`}},
		{"match with a secret", StageConfig{}, ViewConfig{Match: must(NewMatch("MESSAGE", json.RawMessage(`"x"`)))},
			Explanation{Cause: SenderMatch, Key: "MESSAGE", Got: `"login password=******** ok"`, Want: `"x"`}},
		{"match without the field", StageConfig{}, ViewConfig{Match: must(NewMatch("NONE", json.RawMessage(`1`)))}, Explanation{Cause: SenderMatch, Key: "NONE", Want: `1`}},
		{"level", StageConfig{}, ViewConfig{UnitLogLevels: must(NewUnitLogLevels([]UnitLogLevelConfig{{"a*", "ERROR"}, {"pg*", "INFO"}}))},
			Explanation{Cause: UnitLevel, Index: 1, Unit: "pg.service", Level: 7, Limit: 6}},
	} {
		tc.stage.Secrets = secrets
		got := must(NewView(NewStage(tc.stage), tc.view)).Explain(c, 0)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tc.want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}

	view := ViewConfig{
		FieldFilter: must(NewFieldFilter(FieldFilterConfig{Type: "blacklist", Fields: []string{"hostname", "unwanted"}})),
		ExtraFields: must(ParseExtraFields(json.RawMessage(`{"env": "prod", "unwanted": 1}`))),
	}
	got := must(NewView(NewStage(StageConfig{Secrets: secrets}), view)).Explain(c, 0)
	byName := func(raw, name string) FieldFate {
		i := slices.IndexFunc(got.Fields, func(f FieldFate) bool { return f.Raw == raw && f.Name == name })
		if i < 0 {
			t.Fatalf("nothing is said of %s: %+v", name, got.Fields)
		}
		return got.Fields[i]
	}
	for _, want := range []FieldFate{
		{"MESSAGE", "MESSAGE", Redacted, `"login password=******** ok"`, `"login password=[REDACTED] ok"`, []int{1}, false},
		{"CMDLINE", "_CMDLINE", Kept, `"sh -c password=********"`, `"sh -c password=********"`, nil, true},
		{"HOSTNAME", "_HOSTNAME", LeftOut, `"h"`, "", nil, false},
		{"PID", "_PID", Hidden, "", "", nil, false},
		{"PID", "PID", Kept, `"5"`, `"5"`, nil, false},
		{"env", "env", Replaced, `"journal's"`, "", nil, false},
		{"env", "", Added, "", `"prod"`, nil, false},
		{"unwanted", "", NotAdded, "", "", nil, false},
	} {
		if f := byName(want.Raw, want.Name); fmt.Sprintf("%+v", f) != fmt.Sprintf("%+v", want) {
			t.Errorf("got %+v, want %+v", f, want)
		}
	}
	if strings.Contains(fmt.Sprintf("%+v", got), "hunter2") {
		t.Errorf("the secret is given away: %+v", got)
	}
}
