package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
	"journalpump/pump"
	"journalpump/readers/journal/journalfile"
)

func newCheckCommand() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "check CONFIG",
		Short: "Say what is wrong with CONFIG, all of it, without running it",
		Long: "check says everything that run would refuse, and what is likely to be a mistake: unknown keys, units that\n" +
			"are not in the journal, files that cannot be read. It exits with 1 if there are errors.",
		Args: configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, report := config.Load(args[0])
			config.Check(c, report, journalUnits)
			for _, p := range report.Problems() {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			if !config.Passes(report, strict) {
				return errReported
			}
			if len(report.Problems()) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: no problems\n", args[0])
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for errors")
	return cmd
}

// journalUnits is a config.UnitsFunc. Only the files' indices are read, no entries.
func journalUnits(r *config.Reader) ([]string, error) {
	options, err := r.Journal.Options()
	if err != nil {
		return nil, err
	}
	paths, err := options.Selection.List()
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, pump.ErrNotYet
	}
	units := map[string]bool{}
	for _, path := range paths {
		if err := unitsOf(path, units); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(units)), nil
}

func unitsOf(path string, units map[string]bool) error {
	f, err := journalfile.Open(path)
	if err != nil {
		return err // which names the path
	}
	defer closeQuietly(f)
	const field = "_SYSTEMD_UNIT"
	var buf []byte
	err = f.FieldValues(field, func(off uint64) bool {
		payload, _, err := f.AppendData(buf[:0], off, 4096)
		if err == nil {
			units[string(bytes.TrimPrefix(payload, []byte(field+"=")))] = true
			buf = payload
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
