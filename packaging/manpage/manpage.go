// Package manpage writes the man pages of the commands, from what the commands say of themselves. It is no part of the program.
package manpage

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Write writes a page for the command and for each that it has into dir, which is created: journalpump.1, journalpump-run.1 and
// so on. They are dated SOURCE_DATE_EPOCH, if that is set.
func Write(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the directory of the man pages: %w", err)
	}
	root.DisableAutoGenTag = true // it has the day's date
	root.InitDefaultVersionFlag()
	root.InitDefaultCompletionCmd()
	header := &doc.GenManHeader{Section: "1", Source: "journalpump", Manual: "journalpump"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("writing the man pages: %w", err)
	}
	return nil
}
