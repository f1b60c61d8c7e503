package conf

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type colour string

func (colour) ConfValues() []string { return []string{"red", "green", "blue"} }

// level takes numbers and names, as types of other packages do.
type level int

func (l *level) DecodeConf(v Value) error {
	if s, ok := v.Text(); ok && s == "HIGH" {
		*l = 10
		return nil
	}
	i, err := v.Int()
	if err != nil {
		return errors.New(`must be "HIGH" or an integer`)
	}
	*l = level(i)
	return nil
}

type word string

func (w *word) UnmarshalText(b []byte) error {
	if len(b) > 3 {
		return errors.New("must have at most 3 letters")
	}
	*w = word(b)
	return nil
}

type base struct {
	Shared string `json:"shared"`
}

type point struct {
	X int `json:"x"`
	Y int `json:"y"`
}

func (p *point) SetDefaults() { p.Y = 7 }

type everything struct {
	base
	Bool     bool            `json:"bool"`
	Text     string          `json:"text"`
	Int8     int8            `json:"int8"`
	Uint16   uint16          `json:"uint16"`
	Int64    int64           `json:"int64"`
	Float    float64         `json:"float"`
	Point    point           `json:"point"`
	Pointer  *point          `json:"pointer"`
	Map      map[string]int  `json:"map"`
	Points   []point         `json:"points"`
	Any      any             `json:"any"`
	Value    Value           `json:"value"`
	Object   *Object         `json:"object"`
	Raw      json.RawMessage `json:"raw"`
	Duration Duration        `json:"duration"`
	Size     Size            `json:"size"`
	List     StringList      `json:"list"`
	Colour   colour          `json:"colour"`
	Level    level           `json:"level"`
	Word     word            `json:"word"`
	Flags    string          `json:"flags" alias:"journal_flags"`
	New      string          `json:"new" deprecated:"old"`
	Untagged string
}

func decodeEverything(src string, e *everything) *Report {
	o, r := Parse("f", []byte(src))
	o.Decode(e)
	return r
}

func TestDecodeEveryKind(t *testing.T) {
	var e everything
	r := decodeEverything(`{
		"shared": "s", "bool": true, "text": "t", "int8": -128, "uint16": 65535, "int64": -9223372036854775808,
		"float": 1.5, "point": {"x": 1e1}, "pointer": {"x": 1.0}, "map": {"b": 2, "a": 1}, "points": [{"x": 3, "y": 4}, {}],
		"any": [1, 2.0, "x", null, {"k": true}], "value": 5, "object": {"z": 1}, "raw": {"z": [1, /* c */ 2,], "a": "<"},
		"duration": 0.3, "size": "5MiB", "list": "one", "colour": "green", "level": "HIGH", "word": "abc",
		"journal_flags": "F", "old": "O",
	}`, &e)
	if diff := cmp.Diff([]string{`f:6:32: warning: old: is deprecated; write "new"`}, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	number, _ := e.Value.Number()
	if number != "5" || e.Value.Path() != "value" {
		t.Errorf("value %v at %s", number, e.Value.Path())
	}
	if diff := cmp.Diff([]string{"z"}, e.Object.Keys()); diff != "" {
		t.Error(diff)
	}
	e.Value, e.Object = Value{}, nil
	want := everything{
		base: base{"s"}, Bool: true, Text: "t", Int8: -128, Uint16: 65535, Int64: -9223372036854775808, Float: 1.5,
		Point: point{10, 0}, Pointer: &point{1, 7}, Map: map[string]int{"a": 1, "b": 2}, Points: []point{{3, 4}, {0, 7}},
		Any: []any{json.Number("1"), json.Number("2.0"), "x", nil, map[string]any{"k": true}},
		Raw: json.RawMessage(`{"z":[1,2],"a":"<"}`), Duration: Duration(300 * time.Millisecond), Size: 5 << 20,
		List: StringList{"one"}, Colour: "green", Level: 10, Word: "abc", Flags: "F", New: "O",
	}
	if diff := cmp.Diff(want, e, cmp.AllowUnexported(everything{}, base{}), cmp.AllowUnexported(Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNullAndAbsentKeepTheDefault(t *testing.T) {
	e := everything{Text: "t", Duration: 5, Pointer: &point{1, 1}, Point: point{2, 2}, Any: 1, Map: map[string]int{"a": 1}}
	r := decodeEverything(`{"text": null, "duration": null, "pointer": null, "point": {"x": null}, "any": null, "value": null}`, &e)
	if got := problemTexts(r); got != nil {
		t.Fatal(got)
	}
	if e.Text != "t" || e.Duration != 5 || e.Pointer != nil || e.Point != (point{2, 2}) || e.Any != nil || len(e.Map) != 1 {
		t.Errorf("got %+v", e)
	}
	if e.Value.Kind() != KindNull || e.Object != nil || e.Raw != nil {
		t.Errorf("value %v, object %v, raw %s", e.Value.Kind(), e.Object, e.Raw)
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	for src, want := range map[string]string{
		`{"bool": 1}`:                       `f:1:10: bool: must be true or false, not a number`,
		`{"text": ["x"]}`:                   `f:1:10: text: must be a string, not a list`,
		`{"int8": 128}`:                     `f:1:10: int8: must be an integer from -128 to 127`,
		`{"uint16": -1}`:                    `f:1:12: uint16: must be an integer from 0 to 65535`,
		`{"int64": 9223372036854775808}`:    `f:1:11: int64: must be an integer from -9223372036854775808 to 9223372036854775807`,
		`{"int64": 1e999}`:                  `f:1:11: int64: must be an integer, without a fraction`,
		`{"int8": 1.5}`:                     `f:1:10: int8: must be an integer, without a fraction`,
		`{"int8": "x"}`:                     `f:1:10: int8: must be an integer, not a string`,
		`{"int8": "12"}`:                    `f:1:10: warning: int8: is a string; read as the number 12`,
		`{"float": {}}`:                     `f:1:11: float: must be a number, not an object`,
		`{"point": [1]}`:                    `f:1:11: point: must be an object, not a list`,
		`{"point": {"y": "a"}}`:             `f:1:17: point.y: must be an integer, not a string`,
		`{"map": {"a": "b"}}`:               `f:1:15: map.a: must be an integer, not a string`,
		`{"map": 1}`:                        `f:1:9: map: must be an object, not a number`,
		`{"points": {}}`:                    `f:1:12: points: must be a list of objects, not an object`,
		`{"points": [null]}`:                `f:1:13: points[0]: must be an object, not null`,
		`{"points": [{}, 1]}`:               `f:1:17: points[1]: must be an object, not a number`,
		`{"object": 1}`:                     `f:1:12: object: must be an object, not a number`,
		`{"duration": -1}`:                  `f:1:14: duration: must be a number of seconds, or a text such as "500ms", "10s", "1m30s"; not negative`,
		`{"duration": "1x"}`:                `f:1:14: duration: must be a number of seconds, or a text such as "500ms", "10s", "1m30s"; not negative`,
		`{"duration": 1e300}`:               `f:1:14: duration: must be a number of seconds, or a text such as "500ms", "10s", "1m30s"; not negative`,
		`{"size": "5XB"}`:                   `f:1:10: size: must be a number of bytes, or a text such as "512KiB", "5MiB", "1GB"`,
		`{"size": 0.5}`:                     `f:1:10: size: must be a number of bytes, or a text such as "512KiB", "5MiB", "1GB"`,
		`{"list": ["a", 1]}`:                `f:1:16: list[1]: must be a string, not a number`,
		`{"list": true}`:                    `f:1:10: list: must be a string or a list of strings, not true or false`,
		`{"colour": "geen"}`:                `f:1:12: colour: "geen" is not one of "red", "green", "blue"; did you mean "green"?`,
		`{"colour": 3}`:                     `f:1:12: colour: must be one of "red", "green", "blue", not a number`,
		`{"level": "LOW"}`:                  `f:1:11: level: must be "HIGH" or an integer`,
		`{"word": "abcd"}`:                  `f:1:10: word: must have at most 3 letters`,
		`{"word": 1}`:                       `f:1:10: word: must be a string, not a number`,
		`{"flags": "", "journal_flags": 1}`: `f:1:32: warning: journal_flags: means the same as "flags", which is given too and counts`,
	} {
		t.Run(src, func(t *testing.T) {
			var e everything
			if diff := cmp.Diff([]string{want}, problemTexts(decodeEverything(src, &e))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownKeysAreWarnedAboutWithWhatWasMeant(t *testing.T) {
	type sender struct {
		FileOutput string `json:"file_output"`
	}
	type common struct {
		OutputType  string `json:"output_type"`
		FieldFilter string `json:"field_filter"`
	}
	type reader struct {
		Senders map[string]*Object `json:"senders"`
		Units   []string           `json:"units_to_match"`
		Flags   string             `json:"flags" alias:"journal_flags"`
	}
	type root struct {
		Readers      map[string]reader `json:"readers"`
		FieldFilters map[string]any    `json:"field_filters"`
		Tags         map[string]string `json:"tags"`
	}
	o, r := Parse("f", []byte(`{
"$schema": "https://example.org",
"reader": {},
"units_to_match": [],
"flags": 1,
"file-outptu": "x",
"something": "else",
"field_filter": {},
"readers": {"r": {"journal_flag": 1, "senders": {"s": {"file_output": "x", "field_filters": "y", "tag": 1, "zzz": 2}}}}}`))
	var c root
	o.Decode(&c)
	c.Readers["r"].Senders["s"].Decode(&sender{}, &common{})
	want := []string{
		`f:3:1: warning: reader: unknown key, ignored; did you mean "readers"?`,
		`f:4:1: warning: units_to_match: not known here, ignored; it belongs in readers.NAME`,
		`f:5:1: warning: flags: not known here, ignored; it belongs in readers.NAME`,
		`f:6:1: warning: file-outptu: unknown key, ignored; did you mean "file_output", which belongs in readers.NAME.senders.NAME?`,
		`f:7:1: warning: something: unknown key, ignored`,
		`f:8:1: warning: field_filter: unknown key, ignored; did you mean "field_filters"?`,
		`f:9:19: warning: readers.r.journal_flag: unknown key, ignored; did you mean "journal_flags"?`,
		`f:9:76: warning: readers.r.senders.s.field_filters: unknown key, ignored; did you mean "field_filter"?`,
		`f:9:98: warning: readers.r.senders.s.tag: unknown key, ignored; did you mean "tags", which belongs at the top level?`,
		`f:9:108: warning: readers.r.senders.s.zzz: unknown key, ignored`,
	}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if r.HasErrors() {
		t.Error("unknown keys are no errors")
	}
}

func TestKnowHintsAtLevelsTheFileDoesNotUse(t *testing.T) {
	o, r := Parse("f", []byte(`{"shared": 1}`))
	r.Know("readers.NAME", base{}, &point{})
	o.Decode(&struct{}{})
	want := []string{"f:1:2: warning: shared: not known here, ignored; it belongs in readers.NAME"}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// An object that is not of the kind that has a key is told of which kind that is.
func TestKnowHintsAtKindsOfObjects(t *testing.T) {
	o, r := Parse("f", []byte(`{"shape": "line", "radius": 1, "diametr": 2, "colour": "red"}`))
	r.KnowOnlyWith("", "shape", "circle", &struct {
		Radius   int `json:"radius"`
		Diameter int `json:"diameter"`
	}{})
	r.KnowOnlyWith("", "shape", "sphere", &struct {
		Radius int `json:"radius"`
	}{})
	o.Decode(&struct {
		Shape string `json:"shape"`
	}{})
	want := []string{
		`f:1:19: warning: radius: not known here, ignored; it belongs to shape "circle", "sphere"`,
		`f:1:32: warning: diametr: unknown key, ignored; did you mean "diameter", which belongs to shape "circle"?`,
		`f:1:46: warning: colour: unknown key, ignored`,
	}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// nested is a level within itself.
type nested struct {
	Inside string  `json:"inside"`
	Any    *nested `json:"any"`
}

func TestKnowHintsAtLevelsInLevels(t *testing.T) {
	o, r := Parse("f", []byte(`{"inside": 1}`))
	r.Know("readers.NAME", struct {
		Below *nested `json:"below"`
	}{})
	o.Decode(&struct{}{})
	want := []string{"f:1:2: warning: inside: not known here, ignored; it belongs in readers.NAME.below"}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestOneMistakeIsOneProblem(t *testing.T) {
	o, r := Parse("f", []byte(`{"x": "a", "y": 1}`))
	o.Decode(&point{})
	o.Errorf("x", "is missing") // what a check of a field that kept its default says
	o.Errorf("y", "is too small")
	want := []string{"f:1:7: x: must be an integer, not a string", "f:1:17: y: is too small"}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"file", "stdout", "json_state_file_path", "log_level", "Case"}
	for word, want := range map[string]string{
		"fiel": "file", "flie": "file", "fil": "file", "pile": "file", "fe": "", "tile_": "file", "state_file": "json_state_file_path",
		"level": "log_level", "log-level": "log_level", "stdot": "stdout", "stdout_text": "", "case": "Case", "": "", "zzz": "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q resembles %q, want %q", word, got, want)
		}
	}
}

func TestDecodeSomeLeavesOtherKeysAlone(t *testing.T) {
	o, r := Parse("f", []byte(`{"x": "a", "other": 1}`))
	var p point
	if o.DecodeSome(&p) {
		t.Error("a string went into an integer")
	}
	if diff := cmp.Diff([]string{"f:1:7: x: must be an integer, not a string"}, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDecodeRefusesWhatItCannotFill(t *testing.T) {
	o, r := Parse("f", []byte(`{"a": 1}`))
	var c struct {
		A chan int `json:"a"`
	}
	if o.Decode(&c) || o.Decode(c) || o.Get("a").Decode(1) {
		t.Error("decoded")
	}
	if got := len(r.Problems()); got != 3 {
		t.Errorf("%d problems: %v", got, problemTexts(r))
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "10": 10, "10B": 10, "1k": 1024, "2 KiB": 2048, "1.5MiB": 3 << 19, "1GB": 1e9, "1t": 1 << 40, "3MB": 3e6,
	} {
		o, r := Parse("f", []byte(`{"s": "`+text+`"}`))
		var c struct {
			S Size `json:"s"`
		}
		o.Decode(&c)
		if r.HasErrors() || c.S != want {
			t.Errorf("%q is %d, want %d (%v)", text, c.S, want, problemTexts(r))
		}
	}
	for size, want := range map[Size]string{0: "0B", 5 << 20: "5MiB", 1000: "1000B", 3 << 40: "3TiB", 1 << 50: "1024TiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d prints as %s, want %s", size, got, want)
		}
	}
}

func TestCanonicalIsTheSameForTheSameSettings(t *testing.T) {
	t.Setenv("CONF_TEST", "one")
	canonical := func(src string) string {
		o, _ := Parse("f", []byte(src))
		var c struct {
			Password Secret `json:"password"`
		}
		o.Decode(&c)
		return string(o.Value().AppendCanonical(nil))
	}
	if a, b := canonical(`{"b":[1,{"y":1,"x":2}],"a":"ä<"}`), canonical("{ \"a\": \"\\u00e4<\", // c\n \"b\": [1, {\"x\": 2, \"y\": 1}]}"); a != b {
		t.Errorf("%s and %s differ", a, b)
	}
	before := canonical(`{"password": "${CONF_TEST}"}`)
	t.Setenv("CONF_TEST", "two")
	if after := canonical(`{"password": "${CONF_TEST}"}`); after == before {
		t.Error("another value behind the reference goes unnoticed")
	}
}
