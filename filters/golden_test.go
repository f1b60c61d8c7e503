package filters

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/pump"
)

// goldenConfig is what the recorded cases use of a journalpump configuration.
type goldenConfig struct {
	goldenMatch
	FieldFilters  map[string]FieldFilterConfig    `json:"field_filters"`
	UnitLogLevels map[string][]UnitLogLevelConfig `json:"unit_log_levels"`
	Readers       map[string]goldenReader
	Tags          map[string]string
	Statsd        struct {
		Prefix string
		Tags   map[string]string
	}
}

type goldenReader struct {
	goldenMatch
	InitialPosition string          `json:"initial_position"`
	Units           []string        `json:"units_to_match"`
	SecretFilters   []secret.Config `json:"secret_filters"`
	Searches        []search.Config
	Senders         map[string]goldenSender
}

type goldenSender struct {
	FieldFilter  string          `json:"field_filter"`
	UnitLogLevel string          `json:"unit_log_level"`
	ExtraFields  json.RawMessage `json:"extra_field_values"`
	FileOutput   string          `json:"file_output"`
}

type goldenMatch struct {
	Key   string          `json:"match_key"`
	Value json.RawMessage `json:"match_value"`
}

func (m goldenMatch) appendTo(matches []*Match) []*Match {
	if m.Key == "" {
		return matches
	}
	return append(matches, must(NewMatch(m.Key, m.Value)))
}

// selects reports whether the reader itself leaves out entries, which is not for filters to do.
func (r *goldenReader) selects() bool { return r.InitialPosition != "" || len(r.Units) > 0 }

func (r *goldenReader) stage(config *goldenConfig) *Stage {
	c := StageConfig{Matches: r.appendTo(config.appendTo(nil))}
	if len(r.SecretFilters) > 0 {
		c.Secrets = must(secret.New(r.SecretFilters))
	}
	if len(r.Searches) > 0 {
		c.Searches = must(search.New(r.Searches, search.Options{}))
	}
	return NewStage(c)
}

func (s *goldenSender) view(config *goldenConfig, stage *Stage) *View {
	c := ViewConfig{MaxBytes: DefaultMaxBytes}
	if s.FieldFilter != "" {
		c.FieldFilter = must(NewFieldFilter(config.FieldFilters[s.FieldFilter]))
	}
	if s.UnitLogLevel != "" {
		c.UnitLogLevels = must(NewUnitLogLevels(config.UnitLogLevels[s.UnitLogLevel]))
	}
	if s.ExtraFields != nil {
		c.ExtraFields = must(ParseExtraFields(s.ExtraFields))
	}
	return must(NewView(stage, c))
}

// TestGolden compares with the original's own output for the recorded cases, all but those about readers.
func TestGolden(t *testing.T) {
	recorded := filepath.Join("..", "test", "compat", "testdata")
	cases, outputs := must(os.ReadDir(filepath.Join(recorded, "cases"))), 0
	for _, c := range cases {
		dir := filepath.Join(recorded, "cases", c.Name())
		var about struct{ Journal string }
		readJSON(t, filepath.Join(dir, "case.json"), &about)
		journal := filepath.Join(recorded, "journals", about.Journal+".export.gz")
		var config goldenConfig
		readJSON(t, filepath.Join(dir, "config.json.in"), &config)
		for name, reader := range config.Readers {
			if reader.selects() {
				continue
			}
			outputs += len(reader.Senders)
			t.Run(c.Name(), func(t *testing.T) {
				entries := readExport(t, journal)
				goldenReading(t, &config, name, entries, filepath.Join(dir, "expected"))
			})
		}
	}
	if outputs < 16 {
		t.Errorf("the cases have only %d senders", outputs)
	}
}

func goldenReading(t *testing.T, config *goldenConfig, name string, entries []exportedEntry, expected string) {
	t.Helper()
	reader := config.Readers[name]
	stage := reader.stage(config)
	chunks := chunksOf(entries, 20)
	var views []*View
	for _, sender := range reader.Senders {
		v := sender.view(config, stage)
		goldenOutput(t, v, chunks, filepath.Join(expected, strings.TrimPrefix(sender.FileOutput, "@OUT@/")+".gz"))
		views = append(views, v)
	}
	if len(reader.Searches) == 0 {
		return
	}
	tags := maps.Clone(config.Statsd.Tags)
	maps.Copy(tags, config.Tags)
	tags["reader"] = name
	inspector := NewInspector(stage, views)
	got := make(map[string]int64)
	for _, c := range chunks {
		for _, h := range inspector.Inspect(c).Hits {
			got[counterName(config.Statsd.Prefix+h.Search, tags, h.Tags)] += h.Count
		}
	}
	var want map[string]int64
	readJSON(t, filepath.Join(expected, "statsd.json"), &want)
	if !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// counterName returns the name of a counter as it was recorded: with sorted tags.
func counterName(name string, readers, hits map[string]string) string {
	tags := maps.Clone(readers)
	maps.Copy(tags, hits)
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		name += "," + k + "=" + tags[k]
	}
	return name + "|c"
}

func goldenOutput(t *testing.T, v *View, chunks []*pump.Chunk, output string) {
	t.Helper()
	want := bytes.SplitAfter(gunzip(t, output), []byte("\n"))
	want = want[:len(want)-1]
	n := 0
	for _, c := range chunks {
		for _, r := range v.Render(c).Records {
			if n >= len(want) {
				t.Fatalf("%s: more than %d entries", output, len(want))
			}
			goldenEntry(t, r.Body, want[n])
			n++
		}
	}
	if n != len(want) {
		t.Errorf("%s: %d entries, want %d", output, n, len(want))
	}
}

// goldenEntry compares objects. Of an entry over the limit only the kind of object is compared, since its size and what is
// left of it depend on how JSON is written.
func goldenEntry(t *testing.T, got, want []byte) {
	t.Helper()
	gotObject, wantObject := decodeStrict(got).(map[string]any), decodeStrict(want).(map[string]any)
	if _, cut := wantObject["partial_data"]; cut {
		partial, _ := gotObject["partial_data"].(string)
		message, _ := gotObject["error"].(string)
		if len(partial) != partialBytes || !strings.HasPrefix(message, "too large message ") || len(gotObject) != 2 {
			t.Errorf("got %.200s, want an error with %d bytes of data", got, partialBytes)
		}
		return
	}
	if !reflect.DeepEqual(gotObject, wantObject) {
		t.Errorf("\n got %.500s\nwant %.500s", got, want)
	}
}

// readJSON reads a file of a recorded case, some of which have the port of a statsd server to be filled in.
func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(data, []byte("@STATSD_PORT@"), []byte("0")), v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
