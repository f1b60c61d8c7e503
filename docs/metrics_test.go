package docs

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	measured  = regexp.MustCompile(`\.(?:Gauge|Count)\("([a-z_.]+)"`)
	aMetric   = regexp.MustCompile("`((?:journal|sender)\\.[a-z_]+)`")
	firstCell = regexp.MustCompile("(?m)^\\| (`.*?) \\|")
)

// Every measurement that is sent to statsd is in metrics.md, and no page speaks of others.
func TestMetrics(t *testing.T) {
	sent := map[string]bool{}
	for _, dir := range []string{"../cmd", "../filters", "../internal", "../pump", "../readers", "../senders", "../state"} {
		root := os.DirFS(dir)
		err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			for _, m := range measured.FindAllSubmatch(text, -1) {
				sent[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	pages := readPages(t)
	described := strings.Join(firstCell.FindAllString(pages["metrics.md"], -1), "\n")
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if !strings.Contains(described, code(name)) {
			t.Errorf("metrics.md: %s is not there", name)
		}
	}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		for _, m := range aMetric.FindAllStringSubmatch(fenced.ReplaceAllString(pages[page], ""), -1) {
			if !sent[m[1]] {
				t.Errorf("%s: there is no metric %s", page, m[1])
			}
		}
	}
}
