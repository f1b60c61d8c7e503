package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// readPages returns the pages of this folder and the one above, by their paths from here.
func readPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, dir := range []string{"..", ".", "adr", "migration", "senders"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pages[filepath.Clean(file)] = string(text)
		}
	}
	return pages
}

// relative is the way from one page to another.
func relative(from, to string) string {
	way, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		return to
	}
	return way
}

var (
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *#*$`)
	fenced  = regexp.MustCompile("(?ms)^ {0,3}```.*?\n {0,3}```$")
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	inLink  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// anchorsOf returns the anchors that GitHub gives the headings of a page, in their order.
func anchorsOf(text string) []string {
	var anchors []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		slug := strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(inLink.ReplaceAllString(m[1], "$1")), ""), " ", "-")
		n := seen[slug]
		seen[slug]++
		if n > 0 {
			slug += "-" + strconv.Itoa(n)
		}
		anchors = append(anchors, slug)
	}
	return anchors
}

func lastAnchor(text string) string {
	anchors := anchorsOf(text)
	if len(anchors) == 0 {
		return ""
	}
	return anchors[len(anchors)-1]
}
