package config

import (
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"journalpump/cmd/journalpump/web"
	"journalpump/filters"
	"journalpump/filters/recorder"
	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/senders"
)

func parseGood(t *testing.T, src string) *Config {
	t.Helper()
	c, report := Parse("test.json", []byte(src))
	if got := problems(report); got != "" {
		t.Fatal(got)
	}
	return c
}

func TestDefaultsAreTheOriginals(t *testing.T) {
	c := parseGood(t, `{"readers": {"r": {"senders": {"s": {"output_type": "file", "file_output": "/tmp/x"}}}}}`)
	if c.StateFile != "journalpump_state.json" || c.LogLevel.Level() != slog.LevelInfo || c.Statsd != nil || len(c.Tags) != 0 ||
		c.GeoIPDatabase != "" || c.MaxLength != 50000 || c.MaxBytes != 5*1024*1024 || c.MatchKey != "" {
		t.Errorf("top level: %+v", c)
	}
	r := c.Readers[0]
	if r.Name != "r" || pump.Start(r.Initial) != (pump.Start{}) || r.ExcludeSelf || r.SecretFilterMetrics ||
		r.SlowSearch.Duration() != 10*time.Second || r.MaxLength != 50000 || r.Journal.Path != "" {
		t.Errorf("reader: %+v", r)
	}
	s := r.Senders[0]
	if s.Name != "s" || s.Kind.Type != "FileSender" || s.MaxSendInterval != nil || s.limits(r).Age != 300*time.Millisecond {
		t.Errorf("sender: %+v", s)
	}
}

func TestEveryKeyArrives(t *testing.T) {
	name, src := goodFile(t, "testdata/good/everything.json")
	c, report := Parse(name, src)
	if got := problems(report); got != "" {
		t.Fatal(got)
	}
	if c.LogLevel.Level() != slog.LevelDebug || c.Tags["cluster"] != "c1" || string(c.MatchValue) != `"postgres"` || c.BinaryFields != "base64" {
		t.Errorf("top level: %+v", c)
	}
	if diff := cmp.Diff(&Statsd{"127.0.0.1", 12345, "user-", Tags{"sometag": "somevalue", "n": "1", "b": "true"}}, c.Statsd); diff != "" {
		t.Errorf("statsd (-want +got):\n%s", diff)
	}
	r := c.Readers[0]
	if r.Initial.Kind != pump.StartBoot || r.Journal.Backend != journal.Native || len(r.Journal.Units) != 3 || !r.ExcludeSelf ||
		r.SlowSearch.Duration() != time.Second || !r.SecretFilterMetrics || r.MaxLength != 100 || r.MaxBytes != 0 || r.BinaryFields != "replace" {
		t.Errorf("reader: %+v", r)
	}
	s := r.Senders[0]
	if want := (pump.BatchLimits{Records: 100, Bytes: 2 << 20, Age: 5 * time.Second}); s.limits(r) != want {
		t.Errorf("limits %+v, want %+v", s.limits(r), want)
	}
	view, err := s.viewConfig(c, r)
	if err != nil || view.FieldFilter == nil || view.UnitLogLevels == nil || view.Match == nil || len(view.ExtraFields) != 3 {
		t.Errorf("view: %+v, %v", view, err)
	}
	if files := c.Readers[1]; files.MaxLength != 1000 || files.BinaryFields != "base64" || files.Journal.Namespace[0] != "app" {
		t.Errorf("a reader does not begin with the top level's settings: %+v", files)
	}
}

func TestLogLevelsAreThoseOfPython(t *testing.T) {
	for level, want := range map[string]slog.Level{
		`"DEBUG"`: slog.LevelDebug, `"INFO"`: slog.LevelInfo, `"WARNING"`: slog.LevelWarn, `"WARN"`: slog.LevelWarn, `"ERROR"`: slog.LevelError,
		`"CRITICAL"`: slog.LevelError + 4, `10`: slog.LevelDebug, `30`: slog.LevelWarn, `50`: slog.LevelError + 4, `null`: slog.LevelInfo,
		`"NOTSET"`: slog.LevelDebug - 4,
	} {
		if c := parseGood(t, `{"readers": {"r": {"senders": {"s": {"output_type": "stdout"}}}}, "log_level": `+level+`}`); c.LogLevel.Level() != want {
			t.Errorf("%s is %v, want %v", level, c.LogLevel.Level(), want)
		}
	}
}

// jsonKeys returns the keys of a struct, its aliases too.
func jsonKeys(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			keys = append(keys, jsonKeys(f.Type)...)
			continue
		}
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" && key != "-" {
			keys = append(keys, key)
		}
		if alias := f.Tag.Get("alias"); alias != "" {
			keys = append(keys, alias)
		}
	}
	return keys
}

func everyKey() []string {
	types := []any{
		Config{}, Statsd{}, web.Config{}, ReaderSettings{}, journal.Config{}, SenderSettings{}, RouteSettings{},
		filters.FieldFilterConfig{}, filters.UnitLogLevelConfig{}, search.Config{}, secret.Config{},
		recorder.Config{}, recorder.After{},
	}
	for _, k := range senders.Kinds() {
		types = append(types, reflect.ValueOf(k.New()).Elem().Interface())
	}
	keys := []string{"readers", "senders"}
	for _, v := range types {
		keys = append(keys, jsonKeys(reflect.TypeOf(v))...)
	}
	return keys
}

func TestEveryKeyIsInTheGoodFile(t *testing.T) {
	src, err := os.ReadFile("testdata/good/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range everyKey() {
		if !strings.Contains(string(src), `"`+key+`":`) {
			t.Errorf("%s is not in everything.json", key)
		}
	}
}

// The keys that the original has for what this build has too; README.rst and journalpump.py of version 2.5.
func TestTheOriginalsKeysAreKnown(t *testing.T) {
	known := everyKey()
	for key := range strings.FieldsSeq(`json_state_file_path statsd host port prefix tags log_level field_filters type fields unit_log_levels
		service_glob log_level readers initial_position match_key match_value msg_buffer_max_length msg_buffer_max_bytes journal_path
		journal_files journal_namespace units_to_match flags journal_flags searches name secret_filters pattern replacement
		secret_filter_metrics threshold_for_metric_emit senders output_type field_filter unit_log_level extra_field_values
		max_send_interval file_output geoip_database`) {
		if !slices.Contains(known, key) {
			t.Errorf("%s is not known", key)
		}
	}
}

func TestTagsTakeScalars(t *testing.T) {
	o, report := conf.Parse("f", []byte(`{"tags": {"s": "x", "n": 1.50, "b": false}}`))
	var c struct {
		Tags Tags `json:"tags"`
	}
	o.Decode(&c)
	if diff := cmp.Diff(Tags{"s": "x", "n": "1.50", "b": "false"}, c.Tags); diff != "" || report.HasErrors() {
		t.Errorf("(-want +got):\n%s\n%s", diff, problems(report))
	}
}
