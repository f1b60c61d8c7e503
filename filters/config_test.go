package filters

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"journalpump/pump"
)

func TestConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		try  func() error
		want string
	}{
		{"field filter type", func() error {
			_, err := NewFieldFilter(FieldFilterConfig{Type: "graylist", Fields: []string{}})
			return err
		}, `type "graylist" is not one of "whitelist", "blacklist"`},
		{"field filter without fields", func() error { _, err := NewFieldFilter(FieldFilterConfig{}); return err }, "fields is missing"},
		{"log level", func() error {
			_, err := NewUnitLogLevels([]UnitLogLevelConfig{{"a", "INFO"}, {"b*", "LOUD"}})
			return err
		}, `rule 2 (b*): log_level "LOUD": it must be one of EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO and DEBUG`},
		{"glob", func() error { _, err := NewUnitLogLevels([]UnitLogLevelConfig{{"", "INFO"}}); return err }, "rule 1: service_glob is missing"},
		{"match key", func() error { _, err := NewMatch("", json.RawMessage("1")); return err }, "match_key is empty"},
		{"match value", func() error { _, err := NewMatch("A", json.RawMessage(`{"a":1}`)); return err }, "match_value: no field is ever an object"},
		{"match value in a list", func() error { _, err := NewMatch("A", json.RawMessage(`["a",{}]`)); return err }, "match_value: no field is ever an object"},
		{"match value not JSON", func() error { _, err := NewMatch("A", json.RawMessage(`"a`)); return err }, "match_value: unexpected EOF"},
		{"match number", func() error { _, err := NewMatch("A", json.RawMessage(`1e999`)); return err }, "match_value: "},
		{"extra fields", func() error { _, err := ParseExtraFields(json.RawMessage(`["a"]`)); return err }, "extra fields must be an object"},
		{"extra fields not JSON", func() error { _, err := ParseExtraFields(json.RawMessage(`{"a":`)); return err }, "extra field a: "},
		{"extra fields cut", func() error { _, err := ParseExtraFields(json.RawMessage(`{"a":1`)); return err }, "extra fields: "},
		{"extra field made by hand", func() error {
			_, err := NewView(NewStage(StageConfig{}), ViewConfig{ExtraFields: []ExtraField{{"a", json.RawMessage("{")}}})
			return err
		}, "extra field a: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.try(); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func TestParseExtraFields(t *testing.T) {
	got := must(ParseExtraFields(json.RawMessage(` {"b": 1, "a": {"x" : [1, 2]}, "b": "last"} `)))
	want := []ExtraField{{"a", json.RawMessage(`{"x" : [1, 2]}`)}, {"b", json.RawMessage(`"last"`)}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, none := range []string{"null", "{}"} {
		if got, err := ParseExtraFields(json.RawMessage(none)); err != nil || len(got) != 0 {
			t.Errorf("%s: got %v, %v", none, got, err)
		}
	}
}

func TestMatch(t *testing.T) {
	entry := []pump.Field{
		fieldOf("PRIORITY", " 3"), fieldOf("_SYSTEMD_UNIT", "a.service"), fieldOf("TAG", "x"), fieldOf("TAG", "y"), fieldOf("SYSLOG_PID", "3"), fieldOf("_SOURCE_MONOTONIC_TIMESTAMP", "7"),
		fieldOf("_SOURCE_REALTIME_TIMESTAMP", "5000000"), fieldOf("PID", "7"), fieldOf("_PID", "8"), fieldOf("_MACHINE_ID", "1e2feb89414c343c1027c4d1c386bbc4"), fieldOf("BIN", "\xff"),
		fieldOf("_TWICE", "1"), fieldOf("TWICE", "2"), fieldOf("_TWICE", "3"),
	}
	for _, tc := range []struct {
		key, value string
		want       bool
	}{
		{"PRIORITY", `3`, true},
		{"PRIORITY", `3.0`, true},
		{"PRIORITY", `"3"`, false},
		{"PRIORITY", `" 3"`, false},
		{"PRIORITY", ``, false},
		{"SYSLOG_PID", `"3"`, true},
		{"SYSLOG_PID", `3`, false},
		{"SYSTEMD_UNIT", `"a.service"`, true},
		{"_SYSTEMD_UNIT", `"a.service"`, true},
		{"SYSTEMD_UNIT", `"a.servic"`, false},
		{"YSTEMD_UNIT", `"a.service"`, false},
		{"TAG", `["x","y"]`, true},
		{"TAG", `["y","x"]`, false},
		{"TAG", `"x"`, false},
		{"TAG", `null`, false},
		{"NONE", ``, true},
		{"NONE", `null`, true},
		{"NONE", `""`, false},
		{"SOURCE_MONOTONIC_TIMESTAMP", ``, true},
		{"SOURCE_REALTIME_TIMESTAMP", `5`, true},
		{"SOURCE_REALTIME_TIMESTAMP", `5.5`, false},
		{"PID", `8`, true},
		{"PID", `7`, false},
		{"TWICE", `"2"`, true},
		{"MACHINE_ID", `"1e2feb89-414c-343c-1027-c4d1c386bbc4"`, true},
		{"BIN", `"b'\\xff'"`, true},
		{"REALTIME_TIMESTAMP", `1760000003.078006`, true},
		{"REALTIME_TIMESTAMP", `1760000003`, false},
	} {
		m := must(NewMatch(tc.key, json.RawMessage(tc.value)))
		b := newChunker()
		var refs []pump.Ref
		for _, f := range entry {
			refs = append(refs, b.own(f))
		}
		b.entry(1760000003078006, refs...)
		c := b.take()
		for where, config := range map[string]struct {
			stage StageConfig
			view  ViewConfig
		}{"stage": {stage: StageConfig{Matches: []*Match{m}}}, "view": {view: ViewConfig{Match: m}}} {
			v := must(NewView(NewStage(config.stage), config.view))
			if got := len(v.Render(c).Records) == 1; got != tc.want {
				t.Errorf("%s: %s = %s: %t, want %t", where, tc.key, tc.value, got, tc.want)
			}
		}
	}
}
