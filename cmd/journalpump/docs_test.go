package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?\n```$|^ {4}.*?$")
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	// A flag before it makes it something else's argument.
	called  = regexp.MustCompile(`(-[a-z]+ (?:\S*/)?)?\bjournalpump(?:-static)? (?:([a-z][a-z-]*)(?:\s|$))?([^|#\n` + "`" + `]*)`)
	flagged = regexp.MustCompile(`(?:^|\s|\[|\|)(--?[a-z][a-z-]*)`)
)

// The documentation calls no command and no flag that the program doesn't have.
func TestDocumentedCommands(t *testing.T) {
	root := newRootCommand()
	root.InitDefaultHelpFlag()
	root.InitDefaultCompletionCmd()
	calls := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "packaging/*.md"} {
		pages, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			code := strings.Join(slices.Concat(codeBlock.FindAllString(string(text), -1), codeSpan.FindAllString(string(text), -1)), "\n")
			for _, m := range called.FindAllStringSubmatch(code, -1) {
				if m[1] != "" {
					continue
				}
				calls++
				for _, wrong := range notThere(root, m[2], m[3]) {
					t.Errorf("%s: %s: %s", page, strings.TrimSpace(m[0]), wrong)
				}
			}
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls were found", calls)
	}
}

// notThere returns what of a call does not exist.
func notThere(root *cobra.Command, name, rest string) (wrong []string) {
	cmd := root
	if name != "" {
		found, _, err := root.Find([]string{name})
		if err != nil || found == root {
			return []string{"there is no command " + name}
		}
		cmd = found
	}
	for _, m := range flagged.FindAllStringSubmatch(rest, -1) {
		flag := strings.TrimLeft(m[1], "-")
		known := cmd.Flags().Lookup(flag) != nil || flag == "help"
		if !strings.HasPrefix(m[1], "--") {
			known = len(flag) == 1 && cmd.Flags().ShorthandLookup(flag) != nil
		}
		if !known {
			wrong = append(wrong, "it has no flag "+m[1])
		}
	}
	return wrong
}

func TestNotThere(t *testing.T) {
	for call, want := range map[string]int{
		"replay F --sender NAME --dry-run CONFIG": 0,
		"replay F --sendr NAME":                   1,
		"replya F":                                1,
		"status [--watch":                         0,
		"status -w":                               1,
	} {
		m := called.FindStringSubmatch("journalpump " + call)
		if got := notThere(newRootCommand(), m[2], m[3]); len(got) != want {
			t.Errorf("%s: %q, want %d of these", call, got, want)
		}
	}
}
