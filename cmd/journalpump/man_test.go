package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"journalpump/packaging/manpage"
)

// Every command has a man page, which has all of its flags, and no page is of anything else.
func TestManPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := newRootCommand()
	if err := manpage.Write(root, dir); err != nil {
		t.Fatal(err)
	}
	pages := map[string]bool{}
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		pages[name] = true
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			return
		}
		page := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fP`, "").Replace(string(text))
		if c.Short == "" || !strings.Contains(page, c.Short) {
			t.Errorf("%s does not say what it is about", name)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && (!strings.Contains(page, "--"+f.Name+"[=") && !strings.Contains(page, "--"+f.Name+"=") || f.Usage == "") {
				t.Errorf("%s does not have --%s", name, f.Name)
			}
		})
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(root)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !pages[f.Name()] {
			t.Errorf("%s is of no command", f.Name())
		}
	}
	for _, command := range []string{"run", "check", "status", "explain", "tail", "audit", "replay", "version"} {
		if !pages["journalpump-"+command+".1"] {
			t.Errorf("there is no page of %s", command)
		}
	}
}

// docs/commands.md has every command and flag, too.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range newRootCommand().Commands() {
		if c.Hidden {
			continue
		}
		_, section, ok := strings.Cut(string(text), "\n## "+c.Name())
		if !ok {
			t.Errorf("it has no section on %s", c.Name())
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(section, "--"+f.Name) {
				t.Errorf("the section on %s does not have --%s", c.Name(), f.Name)
			}
		})
	}
}
