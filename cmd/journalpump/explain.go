package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
	"journalpump/cmd/journalpump/explain"
	"journalpump/cmd/journalpump/scan"
	"journalpump/pump"
	"journalpump/readers"
	"journalpump/state"
)

// explainOptions are the flags of the explain command.
type explainOptions struct {
	choice
	since, until string
	cursor       string
	units        []string
	grep         string
	lines        int
	all          bool
	json         bool
}

func newExplainCommand() *cobra.Command {
	var opts explainOptions
	cmd := &cobra.Command{
		Use:   "explain CONFIG",
		Short: "Say which senders get an entry, which filter leaves it out, and what is changed in it",
		Long: "explain takes entries from the journal and says for each sender whether it gets them as the configuration is now,\n" +
			"which filter leaves them out and where that is configured, what is changed in them, and whether they are delivered\n" +
			"already. Nothing is sent, and no state is touched. Secrets that secret_filters find are not shown.",
		Example: "  journalpump explain /etc/journalpump/journalpump.json -u postgresql --since '1h ago' --grep deadlock\n" +
			"  journalpump explain /etc/journalpump/journalpump.json --cursor 's=0a6f…;i=1267;…' --sender kafka",
		Args: configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainCommand(cmd.Context(), cmd.OutOrStdout(), args[0], opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.since, "since", "S", "", "entries from then on: \"2026-11-20 06:25\", \"today\", \"1h ago\", as journalctl takes it")
	flags.StringVarP(&opts.until, "until", "U", "", "entries up to then")
	flags.StringVarP(&opts.cursor, "cursor", "c", "", "the entry with this cursor")
	flags.StringArrayVarP(&opts.units, "unit", "u", nil, "entries of this unit; a name or a glob, may be given several times")
	flags.StringVarP(&opts.grep, "grep", "g", "", "entries whose MESSAGE matches; case matters if there are upper-case letters")
	flags.IntVarP(&opts.lines, "lines", "n", 10, "the newest so many; 0: all")
	flags.BoolVarP(&opts.all, "all", "a", false, "show fields, too, that are sent as they are")
	flags.BoolVar(&opts.json, "json", false, "as JSON, an object a line")
	opts.addFlags(cmd)
	return cmd
}

// wanted turns the flags into what they choose.
func (o *explainOptions) wanted(now time.Time) (w scan.Choice, err error) {
	if o.lines < 0 {
		return w, errors.New("--lines must not be negative")
	}
	w.Last = o.lines
	if o.since != "" {
		if w.Since, err = scan.ParseTime(o.since, now); err != nil {
			return w, fmt.Errorf("--since: %q %w", o.since, err)
		}
	}
	if o.until != "" {
		if w.Until, err = scan.ParseTime(o.until, now); err != nil {
			return w, fmt.Errorf("--until: %q %w", o.until, err)
		}
	}
	if o.cursor != "" {
		if w.Cursor, err = pump.ParsePosition(o.cursor); err != nil {
			return w, advise(fmt.Errorf("--cursor: %w", err), "`journalctl -o export` and dead letters show cursors; put it in quotes, as it has semicolons")
		}
	}
	w.Units = scan.Units(o.units...)
	if o.grep != "" {
		w.Grep, err = scan.Grep(o.grep)
	}
	return w, err
}

func explainCommand(ctx context.Context, out io.Writer, path string, opts explainOptions) error {
	wanted, err := opts.wanted(time.Now())
	if err != nil {
		return err
	}
	dry, err := opts.dryRun(path)
	if err != nil {
		return err
	}
	known, err := lookAtState(dry.config)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	show := showEntries(out, opts.json)
	found := 0
	for _, r := range dry.readers {
		e, err := explain.New(dry.config, r.Reader, r.spec, r.has, known)
		if err != nil {
			return err
		}
		e.All = opts.all
		n, err := explainReader(ctx, r.Reader, &wanted, func(c *pump.Chunk, i int) error { return show(e.Entry(c, i)) })
		if err != nil {
			return fmt.Errorf("reader %s: %w", r.Name, err)
		}
		found += n
	}
	if found == 0 {
		return advise(errors.New("no entry is like that in the journals of the readers"),
			"`journalctl` with the same --since, --until, -u and --grep shows whether there is one at all; it may have been vacuumed, or be in a journal that no reader reads")
	}
	return nil
}

// explainReader reads all that is in a reader's journal, also what its filters would leave out.
func explainReader(ctx context.Context, r *config.Reader, wanted *scan.Choice, fn func(c *pump.Chunk, i int) error) (found int, err error) {
	settings := r.Journal
	settings.Units = nil
	log, err := readers.OpenJournal(ctx, &settings, nil, quietLogger())
	if err != nil {
		return 0, err
	}
	found, err = wanted.Each(ctx, log, fn)
	return found, errors.Join(err, log.Close())
}

func showEntries(out io.Writer, asJSON bool) func(explain.Entry) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return func(e explain.Entry) error { return enc.Encode(&e) }
	}
	colours := coloured(out)
	return func(e explain.Entry) error { return e.Write(out, colours) }
}

// lookAtState reads what the agent has saved; that there is nothing, or that it may not be read, is no error.
func lookAtState(c *config.Config) (explain.State, error) {
	if c.StateFile == "" {
		return explain.State{Missing: "no state is kept: json_state_file_path is empty"}, nil
	}
	s, err := state.Look(c.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return explain.State{Missing: "there is no state file " + c.StateFile + " yet: the agent was not started"}, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return explain.State{Missing: "the state file " + c.StateFile + " may not be read: permission denied"}, nil
	}
	return explain.State{Snapshot: s}, err
}
