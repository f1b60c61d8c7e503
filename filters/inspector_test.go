package filters

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"journalpump/pump"
)

// wordSearcher finds entries whose message holds a word.
type wordSearcher struct{ word string }

func (s wordSearcher) Search(c *pump.Chunk, matched []bool) ([]pump.SearchHit, []pump.SlowSearch) {
	hit := pump.SearchHit{Search: s.word}
	for i := range c.Entries {
		if v, ok := c.Lookup(i, "MESSAGE"); ok && bytes.Contains(v, []byte(s.word)) {
			matched[i] = true
			hit.Count++
		}
	}
	return []pump.SearchHit{hit}, []pump.SlowSearch{{Pattern: s.word, Took: 1}}
}

func inspectedChunk() *pump.Chunk {
	b := newChunker()
	shared := b.shared(fieldOf("MESSAGE", "a secret word"))
	b.entry(1, b.own(fieldOf("MESSAGE", "one word")), b.own(fieldOf("PRIORITY", "3")))
	b.entry(2, b.own(fieldOf("MESSAGE", "no match")), b.own(fieldOf("PRIORITY", "3")))
	b.entry(3, shared, b.own(fieldOf("PRIORITY", "3")))
	b.entry(4, shared, b.own(fieldOf("PRIORITY", "4")))
	b.entry(5, shared, b.own(fieldOf("MESSAGE", "another secret word")), b.own(fieldOf("PRIORITY", "3")))
	b.entry(6, b.own(fieldOf("MESSAGE", "no word but a longer text")), b.own(fieldOf("PRIORITY", "3")))
	return b.take()
}

func TestInspect(t *testing.T) {
	c := inspectedChunk()
	stage := NewStage(StageConfig{
		Searches: wordSearcher{"word"},
		Secrets:  maskRedactor{},
		Matches:  []*Match{must(NewMatch("PRIORITY", json.RawMessage("3")))},
	})
	all := must(NewView(stage, ViewConfig{}))
	long := must(NewView(stage, ViewConfig{
		Match:       must(NewMatch("MESSAGE", json.RawMessage(`"no word but a longer text"`))),
		ExtraFields: []ExtraField{{"more", json.RawMessage(`"text"`)}},
	}))
	none := must(NewView(stage, ViewConfig{Match: must(NewMatch("NONE", json.RawMessage(`1`)))}))
	whole := int64(all.Render(c).Bytes)
	want := pump.Inspection{
		Hits:          []pump.SearchHit{{Search: "word", Count: 5}},
		Slow:          []pump.SlowSearch{{Pattern: "word", Took: 1}},
		SecretMatches: 2, // of the entries that pass
	}
	for _, tc := range []struct {
		name         string
		views        []*View
		lines, bytes int64
	}{
		{"no sender", nil, 4, whole},
		{"one sender", []*View{all}, 4, whole},
		{"the largest body counts", []*View{all, long, none}, 4, whole + int64(len(`,"more":"text"`))},
		{"some entries", []*View{none, long}, 1, int64(long.Render(c).Bytes)},
		{"no entries", []*View{none}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want.Lines, want.Bytes = tc.lines, tc.bytes
			if got := NewInspector(stage, tc.views).Inspect(c); !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestSearchesAndMatchesAsFilter(t *testing.T) {
	c := inspectedChunk()
	for _, tc := range []struct {
		name   string
		config StageConfig
		want   []int
	}{
		{"nothing set", StageConfig{}, []int{0, 1, 2, 3, 4, 5}},
		{"searches", StageConfig{Searches: wordSearcher{"word"}}, []int{0, 2, 3, 4, 5}},
		{"searches see what secrets hide", StageConfig{Searches: wordSearcher{"secret"}, Secrets: maskRedactor{}}, []int{2, 3, 4}},
		{"both", StageConfig{Searches: wordSearcher{"secret"}, Matches: []*Match{must(NewMatch("PRIORITY", json.RawMessage("4")))}}, []int{3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int
			for _, r := range must(NewView(NewStage(tc.config), ViewConfig{})).Render(c).Records {
				got = append(got, r.Index)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("entries %v, want %v", got, tc.want)
			}
		})
	}
}

// Levels are decided on the whole entry, and what cannot be decided passes.
func TestUnitLogLevels(t *testing.T) {
	levels := must(NewUnitLogLevels([]UnitLogLevelConfig{{"a.service", "DEBUG"}, {"*.service", "WARNING"}, {"a*", "ALERT"}}))
	hidden := must(NewFieldFilter(FieldFilterConfig{Type: "blacklist", Fields: []string{"systemd_unit", "priority"}}))
	for _, tc := range []struct {
		name   string
		fields []pump.Field
		want   bool
	}{
		{"the first rule decides", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.service"), fieldOf("PRIORITY", "7")}, true},
		{"another rule", []pump.Field{fieldOf("_SYSTEMD_UNIT", "b/x.service"), fieldOf("PRIORITY", "5")}, false},
		{"just severe enough", []pump.Field{fieldOf("_SYSTEMD_UNIT", "b.service"), fieldOf("PRIORITY", "4")}, true},
		{"no rule", []pump.Field{fieldOf("_SYSTEMD_UNIT", "b.socket"), fieldOf("PRIORITY", "7")}, true},
		{"no unit", []pump.Field{fieldOf("PRIORITY", "7")}, true},
		{"empty unit", []pump.Field{fieldOf("_SYSTEMD_UNIT", ""), fieldOf("PRIORITY", "7")}, true},
		{"no priority", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket")}, true},
		{"priority 0", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "0")}, true},
		{"negative", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "-300")}, true},
		{"enormous", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "99999999999999999999")}, false},
		{"not a number", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "six")}, true},
		{"repeated priority", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "6"), fieldOf("PRIORITY", "7")}, true},
		{"repeated unit", []pump.Field{fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("_SYSTEMD_UNIT", "a.mount"), fieldOf("PRIORITY", "6")}, true},
		{"the later name counts", []pump.Field{fieldOf("SYSTEMD_UNIT", "b.socket"), fieldOf("_SYSTEMD_UNIT", "a.socket"), fieldOf("PRIORITY", "6")}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newChunker()
			var refs []pump.Ref
			for _, f := range tc.fields {
				refs = append(refs, b.own(f))
			}
			b.entry(1, refs...)
			v := must(NewView(NewStage(StageConfig{}), ViewConfig{UnitLogLevels: levels, FieldFilter: hidden}))
			if got := len(v.Render(b.take()).Records) == 1; got != tc.want {
				t.Errorf("passes: %t, want %t", got, tc.want)
			}
		})
	}
}
