//go:build man

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"journalpump/packaging/manpage"
)

// generators are the commands that `make man` and `make completions` run. The program itself is built without them, and
// without what they import.
func generators() []*cobra.Command {
	return []*cobra.Command{
		{
			Use:    "man DIRECTORY",
			Hidden: true,
			Args:   cobra.ExactArgs(1),
			RunE:   func(_ *cobra.Command, args []string) error { return manpage.Write(newRootCommand(), args[0]) },
		},
		{
			Use:    "completions DIRECTORY",
			Hidden: true,
			Args:   cobra.ExactArgs(1),
			RunE:   func(_ *cobra.Command, args []string) error { return writeCompletions(args[0]) },
		},
	}
}

// writeCompletions writes what shells need, with the names that they look for.
func writeCompletions(dir string) error {
	root := newRootCommand()
	for name, write := range map[string]func(path string) error{
		"bash/journalpump":      func(path string) error { return root.GenBashCompletionFileV2(path, true) },
		"zsh/_journalpump":      root.GenZshCompletionFile,
		"fish/journalpump.fish": func(path string) error { return root.GenFishCompletionFile(path, true) },
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("the directory of completions: %w", err)
		}
		if err := write(path); err != nil {
			return fmt.Errorf("writing completions: %w", err)
		}
	}
	return nil
}
