package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
	"journalpump/internal/logging"
	"journalpump/pump"
	"journalpump/state/deadletter"
)

// replayOptions are the flags of the replay command.
type replayOptions struct {
	sender  string
	from    string
	refused string
	dryRun  bool
	timeout time.Duration
}

func newReplayCommand() *cobra.Command {
	var opts replayOptions
	cmd := &cobra.Command{
		Use:   "replay DEADLETTERS --sender NAME CONFIG",
		Short: "Send again what a destination had refused for good",
		Long: "replay sends the entries of a dead_letter_file again, as they were, through a sender of CONFIG.\n" +
			"DEADLETTERS is only read. What is refused again is added to another file. It exits with 0 if all were accepted.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("want the file with the dead letters and the configuration; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return replayCommand(cmd.Context(), cmd.OutOrStdout(), args[0], args[1], opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.sender, "sender", "", "the sender to send them with: NAME, or READER/NAME where several have that name")
	flags.StringVar(&opts.from, "from", "", "whose dead letters (default: those of --sender)")
	flags.StringVar(&opts.refused, "refused", "", "where those go that are refused again (default: DEADLETTERS.refused)")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "only say how many there are")
	flags.DurationVar(&opts.timeout, "timeout", time.Minute, "how long the destination may be out of reach before it is given up")
	_ = cmd.MarkFlagRequired("sender") // there is such a flag
	completeNames(cmd)
	return cmd
}

func replayCommand(ctx context.Context, out io.Writer, path, configPath string, opts replayOptions) error {
	c, err := loadConfig(configPath)
	if err != nil {
		return err
	}
	reader, sender, err := findSender(c, opts.sender)
	if err != nil {
		return err
	}
	if opts.from == "" {
		opts.from = reader.Name + "/" + sender.Name
	}
	if opts.refused == "" {
		opts.refused = path + ".refused"
	}
	if same(path, opts.refused) {
		return fmt.Errorf("%s cannot be read and added to at the same time: give another file to --refused", path)
	}
	letters, err := deadletter.Open(path, opts.from)
	if errors.Is(err, fs.ErrNotExist) {
		return advise(err, "dead_letter_file says where they are (here: %s); without one they are only counted, and there is none before something is refused", cmp.Or(sender.DeadLetterPath(c), "not set"))
	}
	if err != nil {
		return err
	}
	r := replay{config: c, reader: reader, sender: sender, letters: letters, opts: opts}
	r.announce(out)
	if opts.dryRun || letters.Len() == 0 {
		return errors.Join(letters.Close(), r.verdict(pump.SenderSnapshot{}))
	}
	return r.run(ctx, out)
}

func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// replay is one run of the command.
type replay struct {
	config  *config.Config
	reader  *config.Reader
	sender  *config.Sender
	letters *deadletter.Letters
	opts    replayOptions
}

// announce says what there is.
func (r *replay) announce(out io.Writer) {
	fmt.Fprintf(out, "%d dead letter%s of %s\n", r.letters.Len(), plural(r.letters.Len()), r.opts.from)
	if n := r.letters.Repeated; n > 0 {
		fmt.Fprintf(out, "%d more that are in the file twice: a crash came between; they are sent once\n", n)
	}
	for _, name := range slices.Sorted(maps.Keys(r.letters.Others)) {
		fmt.Fprintf(out, "%d of %s are left alone\n", r.letters.Others[name], name)
	}
	if n := r.letters.Unreadable; n > 0 {
		fmt.Fprintf(out, "%d line%s cannot be read and stay as they are, the first of them line %d\n", n, plural(n), r.letters.FirstBad)
	}
}

// run sends the letters through the engine, as entries of a log of their own.
func (r *replay) run(ctx context.Context, out io.Writer) error {
	ctx, stop := untilStopped(ctx)
	defer stop()
	log, flush := logging.New(r.config.LogLevel)
	defer closeQuietly(flush)
	builder := config.Builder{Logger: log}
	refused := deadletter.NewFile(r.opts.refused).For(r.reader.Name, r.sender.Name)
	spec, err := builder.Replay(r.config, r.reader, r.sender, refused)
	if err != nil {
		return err
	}
	var metrics meter
	var last pump.Snapshot
	options := pump.Options{
		Logger:  log,
		Metrics: &metrics,
		Saved:   func(s pump.Snapshot, _ error) { last = s },
		Once:    true,
		Timeout: r.opts.timeout,
	}
	end := showProgress(&options)
	err = pump.New(options).Run(ctx, []pump.ReaderSpec{{
		Name:      r.reader.Name,
		Open:      func(context.Context) (pump.Log, error) { return r.letters, nil },
		Inspector: deadletter.Inspector{},
		Senders:   []pump.SenderSpec{spec},
	}})
	end()
	s := last.Readers[r.reader.Name].Senders[r.sender.Name]
	fmt.Fprintf(out, "%d accepted", s.Ledger.Accepted)
	if n := s.Ledger.DeadLettered; n > 0 {
		fmt.Fprintf(out, ", %d refused again (now also in %s)", n, r.opts.refused)
	}
	if left := int64(r.letters.Len()) - s.Ledger.Accepted - s.Ledger.DeadLettered; left > 0 {
		fmt.Fprintf(out, ", %d not sent", left)
	}
	fmt.Fprintln(out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "journalpump:", err)
		return errReported
	}
	return r.verdict(s)
}

// verdict is an error unless every letter was accepted.
func (r *replay) verdict(s pump.SenderSnapshot) error {
	if r.letters.Unreadable > 0 || s.Ledger.DeadLettered > 0 {
		return errReported
	}
	return nil
}
