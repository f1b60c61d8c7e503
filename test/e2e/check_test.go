package e2e

import (
	"fmt"
	"strings"
	"testing"

	"journalpump/test/program"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		config string // %[1]s is the test's directory
		strict bool
		code   int
		want   []string
	}{
		{
			name:   "good",
			config: `{"json_state_file_path": "%[1]s/state.json", "readers": {"r": {"senders": {"out": {"output_type": "file", "file_output": "%[1]s/out"}}}}}`,
		},
		{
			name: "comments and trailing commas",
			config: `{
				// where we are
				"json_state_file_path": "%[1]s/state.json",
				"readers": {"r": {"senders": {"out": {"output_type": "file", "file_output": "%[1]s/out",},},},},
			}`,
		},
		{
			name:   "no JSON",
			config: "{\n\t\"readers\": {\n",
			code:   1,
			want:   []string{"config.json:"},
		},
		{
			name: "all at once, each with its place",
			config: `{
	"json_state_file_path": "%[1]s/state.json",
	"field_filters": {"few": {"type": "greylist", "fields": ["MESSAGE"]}},
	"readers": {
		"r": {
			"secret_filters": [{"pattern": "(unclosed", "replacement": ""}],
			"senders": {
				"out": {"output_type": "file", "file_output": "%[1]s/out", "field_filter": "nosuch"},
				"odd": {"output_type": "flie"}
			}
		}
	}
}`,
			code: 1,
			want: []string{
				"config.json:3:", "greylist",
				"config.json:6:", "secret_filters",
				"config.json:8:", "nosuch",
				"config.json:9:", "flie", "did you mean",
			},
		},
		{
			name:   "unknown key",
			config: `{"json_state_file_path": "%[1]s/state.json", "reeders": {}, "readers": {"r": {"senders": {"out": {"output_type": "file", "file_output": "%[1]s/out"}}}}}`,
			want:   []string{"config.json:1:", "reeders", "did you mean", "readers"},
		},
		{
			name:   "unknown key, strictly",
			config: `{"json_state_file_path": "%[1]s/state.json", "reeders": {}, "readers": {"r": {"senders": {"out": {"output_type": "file", "file_output": "%[1]s/out"}}}}}`,
			strict: true,
			code:   1,
			want:   []string{"reeders"},
		},
		{
			name:   "a journal that is not there",
			config: `{"json_state_file_path": "%[1]s/state.json", "readers": {"r": {"journal_path": "%[1]s/jornal", "senders": {"out": {"output_type": "file", "file_output": "%[1]s/out"}}}}}`,
			want:   []string{"config.json:1:", "warning: readers.r.journal_path: there are no journal files at ", "/jornal"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			text := tt.config
			if strings.Contains(text, "%[1]s") {
				text = fmt.Sprintf(text, s.dir)
			}
			s.writeText(t, text)
			args := []string{"check"}
			if tt.strict {
				args = append(args, "--strict")
			}
			r := program.Run(t, append(args, s.config())...)
			if r.Code != tt.code {
				t.Errorf("exit status %d, want %d", r.Code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(r.Output, want) {
					t.Errorf("the output lacks %q", want)
				}
			}
			if t.Failed() {
				t.Logf("output:\n%s", r.Output)
			}
		})
	}
}

// What check refuses, run refuses too, before it has read or written anything.
func TestRunRefusesWhatCheckRefuses(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.writeText(t, `{"readers": {"r": {"senders": {"out": {"output_type": "flie"}}}}}`)
	for _, args := range [][]string{{s.config()}, {"run", s.config()}, {"--once", s.config()}} {
		if r := program.Run(t, args...); r.Code != 1 || !strings.Contains(r.Output, "flie") {
			t.Errorf("%q: exit status %d, want 1 and what is wrong:\n%s", args, r.Code, r.Output)
		}
	}
}
