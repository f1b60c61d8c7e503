package docs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"journalpump/cmd/journalpump/config"
)

var (
	jsonSnippet = regexp.MustCompile("(?ms)^```json\n(.*?\n)```$")
	lineComment = regexp.MustCompile(`(?m)^\s*//.*$`)
)

// Every piece of a configuration in the documentation is one that the program takes, without a warning.
func TestSnippets(t *testing.T) {
	pages := readPages(t)
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		provide(t, dir, pages[page])
		for _, m := range jsonSnippet.FindAllStringSubmatchIndex(pages[page], -1) {
			line := 1 + strings.Count(pages[page][:m[2]], "\n")
			if said := refused(pages[page][m[2]:m[3]]); said != "" {
				t.Errorf("%s:%d: no configuration:\n%s", page, line, said)
			}
		}
	}
}

var secretReference = regexp.MustCompile(`\$\{([A-Z_]+)\}|credential:([\w-]+)`)

// provide sees to it that the secrets are there that a page speaks of.
func provide(t *testing.T, dir, page string) {
	t.Helper()
	for _, m := range secretReference.FindAllStringSubmatch(page, -1) {
		const value = "something that is long enough for a secret"
		if m[1] != "" {
			t.Setenv(m[1], value)
		} else if err := os.WriteFile(filepath.Join(dir, m[2]), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// refused says what is wrong with a snippet, at the level of the file where it fits best.
func refused(snippet string) string {
	around := []string{`%s`}
	if !strings.HasPrefix(strings.TrimSpace(lineComment.ReplaceAllString(snippet, "")), "{") {
		around = []string{
			`{%s}`,
			`{%s, "readers": {"r": {"senders": {"s": {"output_type": "stdout"}}}}}`,
			`{"readers": {"r": {%s, "senders": {"s": {"output_type": "stdout"}}}}}`,
			`{"readers": {"r": {%s}}}`,
			`{"readers": {"r": {"senders": {"s": {%s}}}}}`,
			`{"readers": {"r": {"senders": {"s": {"output_type": "stdout", %s}}}}}`,
		}
	}
	best, fewest := "", -1
	for _, format := range around {
		_, report := config.Parse("snippet", fmt.Appendf(nil, format, snippet+"\n"))
		said, misplaced := "", 0
		for _, p := range report.Problems() {
			said += p.String() + "\n"
			if strings.Contains(p.Text, "not known here") || strings.HasSuffix(p.Path, "output_type") {
				misplaced = 100 // it is for another level
			}
		}
		if said == "" {
			return ""
		}
		if problems := len(report.Problems()) + misplaced; fewest < 0 || problems < fewest {
			best, fewest = said, problems
		}
	}
	return best
}

// The test above would tell.
func TestRefused(t *testing.T) {
	for snippet, want := range map[string]string{
		`"senders": {"s": {"output_type": "file", "file_output": "/x"}}`:                   "",
		`"senders": {"s": {"output_type": "file", "fil_output": "/x"}}`:                    "file_output",
		`{"readers": {"r": {"senders": {"s": {"output_type": "stdout", "colour": "x"}}}}}`: "colour",
		`"output_type": "kafka", "kafka_address": "a:1", "kafka_topic": "t"`:               "",
		`"statsd": {"host": "h"}`: "port",
		`"secret_filters": [{"pattern": "(", "replacement": ""}] // so`: "pattern",
		`"unit_log_level": "x"`:          "unit_log_levels",
		`"match_key": "A"  // a comment`: "",
	} {
		if got := refused(snippet); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", snippet, got, want)
		}
	}
}

// Whoever writes a link to a place in this repository means one that is there.
func TestLinks(t *testing.T) {
	pages := readPages(t)
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		for _, target := range linksOf(pages[page]) {
			path, anchor, _ := strings.Cut(target, "#")
			to := page
			if path != "" {
				to = strings.TrimPrefix(filepath.Join(filepath.Dir(page), path), "../docs/")
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: a link to %s, which isn't there", page, target)
			} else if anchor != "" && !slices.Contains(anchorsOf(pages[to]), anchor) {
				t.Errorf("%s: a link to %s, where there is no such heading; there are %q", page, target, anchorsOf(pages[to]))
			}
		}
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan = regexp.MustCompile("`[^`\n]*`")
	indented = regexp.MustCompile(`(?m)^ {4}.*$`)
)

// linksOf returns where the links of a page go, those to other places than files left out.
func linksOf(text string) []string {
	text = fenced.ReplaceAllString(text, "")
	text = codeSpan.ReplaceAllString(indented.ReplaceAllString(text, ""), "x")
	var targets []string
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") && !strings.HasPrefix(m[1], "mailto:") {
			targets = append(targets, m[1])
		}
	}
	return targets
}
