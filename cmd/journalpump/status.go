package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"journalpump/cmd/journalpump/config"
	"journalpump/cmd/journalpump/status"
	"journalpump/pump"
	"journalpump/state"
)

// defaultConfig is the configuration that packaging/journalpump.service runs.
const defaultConfig = "/etc/journalpump/journalpump.json"

// statusOptions are the flags of the status command.
type statusOptions struct {
	json   bool
	watch  bool
	limits status.Limits
}

func newStatusCommand() *cobra.Command {
	var opts statusOptions
	cmd := &cobra.Command{
		Use:   "status [CONFIG|STATE]",
		Short: "Say how the senders are doing",
		Long: "status shows for each sender whether it keeps up, how far it is behind, how fast it is and what is wrong. With a\n" +
			"configuration (by default " + defaultConfig + ") it asks the journal where it ends, so that it is noticed when the\n" +
			"agent does not run; with a state file it says what the agent last saved. It exits with 1 if something is wrong.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultConfig
			if len(args) > 0 {
				path = args[0]
			}
			return statusCommand(cmd.Context(), cmd.OutOrStdout(), path, opts)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.json, "json", false, "as JSON")
	flags.BoolVar(&opts.watch, "watch", false, "go on until interrupted, with the rates of each second")
	flags.DurationVar(&opts.limits.MaxLag, "max-lag", time.Minute, "how far behind a sender may be that has not sent for as long")
	return cmd
}

func statusCommand(ctx context.Context, out io.Writer, path string, opts statusOptions) error {
	source, err := newStatusSource(path)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	r, err := source.report(ctx, opts.limits)
	if err != nil {
		return err
	}
	if err := showReport(out, r, opts); err != nil {
		return err
	}
	if opts.watch {
		if r, err = watchReports(ctx, out, source, r, opts); err != nil {
			return err
		}
	}
	if !r.Healthy {
		return errReported
	}
	return nil
}

// watchReports shows a report every second until the context ends, and returns the last one.
func watchReports(ctx context.Context, out io.Writer, source *statusSource, last *status.Report, opts statusOptions) (*status.Report, error) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return last, nil
		}
		r, err := source.report(ctx, opts.limits)
		if ctx.Err() != nil {
			return last, nil
		}
		if err != nil {
			return last, err
		}
		r.Since(last)
		last = r
		if isTerminal(out) && !opts.json {
			fmt.Fprint(out, "\x1b[H\x1b[2J") // to the top left, and clear
		}
		if err := showReport(out, r, opts); err != nil {
			return last, err
		}
	}
}

func showReport(out io.Writer, r *status.Report, opts statusOptions) error {
	if opts.json {
		return json.NewEncoder(out).Encode(r)
	}
	return r.Write(out, time.Now(), coloured(out))
}

// coloured reports whether what is written there may have colours.
func coloured(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// statusSource is where a report comes from.
type statusSource struct {
	config *config.Config // nil: there is only the state file
	state  string
}

// newStatusSource tells a configuration from a state file, which alone says when it was saved.
func newStatusSource(path string) (*statusSource, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && path == defaultConfig {
		return nil, advise(err, "give the path of the configuration or of the state file: journalpump status CONFIG|STATE")
	}
	if err != nil {
		return nil, advise(err, "%s", configHint(path))
	}
	var saved struct {
		Saved string `json:"saved_at"`
	}
	if json.Unmarshal(text, &saved) == nil && saved.Saved != "" {
		return &statusSource{state: path}, nil
	}
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	if c.StateFile == "" {
		return nil, advise(fmt.Errorf("%s has no json_state_file_path, so there is nothing to be looked at", path), "set it to a path and restart the agent")
	}
	return &statusSource{config: c, state: c.StateFile}, nil
}

// report takes a look.
func (s *statusSource) report(ctx context.Context, limits status.Limits) (*status.Report, error) {
	text, err := os.ReadFile(s.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noStateYet(s.state)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	snapshot, _, err := state.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("reading the state file %s: %w", s.state, err)
	}
	info, err := os.Stat(s.state)
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	if s.config != nil {
		for _, r := range s.config.Readers {
			if in, ok := snapshot.Readers[r.Name]; ok {
				s.measure(ctx, r, &in)
				snapshot.Readers[r.Name] = in
			}
		}
	}
	return status.New(snapshot, info.ModTime(), time.Now(), limits), nil
}

// measure asks the journal how far behind the positions are now. Where it cannot tell, what was saved stays.
func (s *statusSource) measure(ctx context.Context, r *config.Reader, in *pump.ReaderSnapshot) {
	log, err := openJournal(ctx, s.config, r, slog.New(slog.DiscardHandler))
	if err != nil {
		if in.Waiting == "" && !errors.Is(err, pump.ErrNotYet) {
			in.Waiting = err.Error()
		}
		return
	}
	defer closeQuietly(log)
	meter, ok := log.(pump.Meter)
	if !ok {
		return
	}
	for name, sender := range in.Senders {
		if !sender.Started {
			continue
		}
		if lag, err := lagNow(ctx, meter, &sender, in.Spooled.Entries > 0); err == nil {
			sender.Lag = lag
			in.Senders[name] = sender
		}
	}
}

// lagNow returns how far a sender is behind. Of what only the spool holds the journal knows nothing: that was counted when the state was
// saved, and since then there is what comes after the journal's end of then.
func lagNow(ctx context.Context, m pump.Meter, s *pump.SenderSnapshot, spooled bool) (pump.Lag, error) {
	lag, err := m.Lag(ctx, s.Position)
	if err != nil || !spooled || s.Lag.Tail.IsZero() {
		return lag, err
	}
	since, err := m.Lag(ctx, s.Lag.Tail)
	if entries := s.Lag.Entries + since.Entries; err == nil && entries > lag.Entries {
		lag.Entries, lag.Age = entries, max(lag.Age, s.Lag.Age+since.Age)
	}
	return lag, err
}
