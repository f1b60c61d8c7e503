package filters

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// goldenConfig is what the recorded cases use of a journalpump configuration.
type goldenConfig struct {
	goldenMatch
	FieldFilters  map[string]FieldFilterConfig    `json:"field_filters"`
	UnitLogLevels map[string][]UnitLogLevelConfig `json:"unit_log_levels"`
	Readers       map[string]struct {
		goldenMatch
		SecretFilters []struct{ Pattern, Replacement string } `json:"secret_filters"`
		Senders       map[string]struct {
			FieldFilter  string          `json:"field_filter"`
			UnitLogLevel string          `json:"unit_log_level"`
			ExtraFields  json.RawMessage `json:"extra_field_values"`
			FileOutput   string          `json:"file_output"`
		}
	}
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

// patternRedactor does with Go's patterns what is enough for the recorded ones.
type patternRedactor struct {
	patterns     []*regexp.Regexp
	replacements [][]byte
}

var pythonGroup = regexp.MustCompile(`\\(\d)|\\g<(\w+)>`)

func (p *patternRedactor) add(pattern, replacement string) {
	p.patterns = append(p.patterns, regexp.MustCompile(pattern))
	p.replacements = append(p.replacements, pythonGroup.ReplaceAll([]byte(replacement), []byte("$${$1$2}")))
}

func (p *patternRedactor) Redact(_, src []byte) ([]byte, bool) {
	out := src
	for i, re := range p.patterns {
		out = re.ReplaceAll(out, p.replacements[i])
	}
	if bytes.Equal(out, src) {
		return src, false
	}
	return out, true
}

// The original's own output for the recorded cases. Those with large journals are not copied here; they are found
// through JOURNALPUMP_SHARED or beside the repository.
func TestGolden(t *testing.T) {
	for _, name := range []string{"plain-edge", "field-filters", "extra-fields", "extra-fields-filtered", "unit-log-levels", "match-absent", "match-int",
		"match-reader", "secret-filters"} {
		t.Run(name, func(t *testing.T) { goldenCase(t, "testdata", name) })
	}
	shared := os.Getenv("JOURNALPUMP_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	for _, name := range []string{"plain-bulk", "match-top", "secret-filters-bulk"} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(shared, "compat")
			if _, err := os.Stat(root); err != nil {
				t.Skipf("the large recorded cases are not here: %v", err)
			}
			goldenCase(t, root, name)
		})
	}
}

func goldenCase(t *testing.T, root, name string) {
	t.Helper()
	dir := filepath.Join(root, "cases", name)
	var meta struct{ Journal string }
	readJSON(t, filepath.Join(dir, "case.json"), &meta)
	var config goldenConfig
	readJSON(t, filepath.Join(dir, "config.json.in"), &config)
	entries := readExport(t, filepath.Join(root, "journals", meta.Journal+".export.gz"))
	outputs := 0
	for _, reader := range config.Readers {
		stageConfig := StageConfig{Matches: reader.appendTo(config.appendTo(nil))}
		if len(reader.SecretFilters) > 0 {
			redactor := new(patternRedactor)
			for _, f := range reader.SecretFilters {
				redactor.add(f.Pattern, f.Replacement)
			}
			stageConfig.Secrets = redactor
		}
		stage := NewStage(stageConfig)
		for _, sender := range reader.Senders {
			view := ViewConfig{MaxBytes: DefaultMaxBytes}
			if sender.FieldFilter != "" {
				view.FieldFilter = must(NewFieldFilter(config.FieldFilters[sender.FieldFilter]))
			}
			if sender.UnitLogLevel != "" {
				view.UnitLogLevels = must(NewUnitLogLevels(config.UnitLogLevels[sender.UnitLogLevel]))
			}
			if sender.ExtraFields != nil {
				view.ExtraFields = must(ParseExtraFields(sender.ExtraFields))
			}
			output := filepath.Join(dir, "expected", strings.TrimPrefix(sender.FileOutput, "@OUT@/")+".gz")
			goldenOutput(t, must(NewView(stage, view)), entries, output)
			outputs++
		}
	}
	if outputs == 0 {
		t.Error("the case has no senders")
	}
}

func goldenOutput(t *testing.T, v *View, entries []exportedEntry, output string) {
	t.Helper()
	want := bytes.SplitAfter(gunzip(t, output), []byte("\n"))
	want = want[:len(want)-1]
	n := 0
	for _, c := range chunksOf(entries, 20) {
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

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
