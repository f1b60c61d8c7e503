package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
)

// completeNames lets shells complete --reader and --sender, where the command has them, with the names that are in the
// configuration on the command line.
func completeNames(cmd *cobra.Command) {
	for flag, names := range map[string]func(*config.Config) []string{"reader": readerNames, "sender": senderNames, "from": senderNames} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) { // there is such a flag
			return matching(names(configOf(args)), begun), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// configOf returns the configuration that is among the arguments, or the one that the service runs. What is wrong with it is
// no business of a shell that completes.
func configOf(args []string) *config.Config {
	for _, path := range slices.Backward(args) {
		if c, report := config.Load(path); !report.HasErrors() || len(c.Readers) > 0 {
			return c
		}
	}
	c, _ := config.Load(defaultConfig)
	return c
}

// matching returns the names that begin so: READER/SENDER may also be begun with SENDER.
func matching(names []string, begun string) []string {
	var found []string
	for _, name := range names {
		_, own, _ := strings.Cut(name, "/")
		switch {
		case strings.HasPrefix(name, begun):
			found = append(found, name)
		case begun != "" && strings.HasPrefix(own, begun):
			found = append(found, own)
		}
	}
	return found
}
