package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/audit"
	"journalpump/cmd/journalpump/config"
	"journalpump/cmd/journalpump/progress"
	"journalpump/pump"
	"journalpump/state"
)

// auditOptions are the flags of the audit command.
type auditOptions struct {
	choice
	json bool
}

func newAuditCommand() *cobra.Command {
	var opts auditOptions
	cmd := &cobra.Command{
		Use:   "audit CONFIG",
		Short: "Count from the journal what each sender should have got, and hold its ledger against that",
		Long: "audit reads the journal up to each sender's position, counts what the sender should have got as the configuration\n" +
			"is, and compares with what the agent has counted: read = filtered + accepted + dead letters + in flight. It begins\n" +
			"where the ledger began or, where that is vacuumed, at the oldest place since that the state file tells of. Nothing\n" +
			"is sent, and no state is touched. It exits with 1 if something does not add up.",
		Args: configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return auditCommand(cmd.Context(), cmd.OutOrStdout(), args[0], opts)
		},
	}
	cmd.Flags().BoolVar(&opts.json, "json", false, "as JSON")
	opts.addFlags(cmd)
	return cmd
}

func auditCommand(ctx context.Context, out io.Writer, path string, opts auditOptions) error {
	dry, err := opts.dryRun(path)
	if err != nil {
		return err
	}
	saved, err := savedState(dry.config)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	bar := progress.New(os.Stderr, "read", isTerminal(os.Stderr))
	results := []audit.Result{}
	for i := range dry.readers {
		r := &dry.readers[i]
		part, err := auditReader(ctx, dry, r, &saved, bar)
		if err != nil {
			bar.End()
			return fmt.Errorf("reader %s: %w", r.Name, err)
		}
		results = append(results, part...)
	}
	bar.End()
	if opts.json {
		err = json.NewEncoder(out).Encode(results)
	} else {
		err = audit.Write(out, results, coloured(out))
	}
	if err == nil && slices.ContainsFunc(results, func(r audit.Result) bool { return r.Verdict == audit.Wrong }) {
		err = errReported
	}
	return err
}

func auditReader(ctx context.Context, dry *dryRun, r *dryReader, saved *pump.Snapshot, bar *progress.Progress) ([]audit.Result, error) {
	if len(r.senders) == 0 {
		return nil, nil
	}
	var senders []audit.Sender
	for _, s := range r.senderSpecs() {
		known, ok := saved.Readers[r.Name].Senders[s.Name]
		senders = append(senders, audit.Sender{Name: s.Name, Known: ok, State: known, View: s.View, Sees: s.Sees, Recorded: s.Recorder != nil})
	}
	log, err := dry.open(ctx, r)
	if err != nil {
		return nil, err
	}
	bar.Set(0, audit.Lag(ctx, log, senders))
	results, err := audit.Reader(ctx, r.Name, log, senders, bar.Add)
	return results, errors.Join(err, log.Close())
}

// savedState returns what the agent has saved, which there must be.
func savedState(c *config.Config) (pump.Snapshot, error) {
	if c.StateFile == "" {
		return pump.Snapshot{}, advise(errors.New("json_state_file_path is empty, so no state is kept to be looked at"), "set it to a path and restart the agent")
	}
	s, err := state.Look(c.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, noStateYet(c.StateFile)
	}
	return s, err
}

// noStateYet says that nothing has been saved.
func noStateYet(path string) error {
	return advise(fmt.Errorf("there is no state file %s: has the agent been started?", path),
		"`systemctl status journalpump` shows whether it runs, `journalpump check CONFIG` whether it could; a json_state_file_path without a leading / is relative to where the agent was started")
}
