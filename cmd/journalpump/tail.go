package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/scan"
	"journalpump/pump"
)

// tailOptions are the flags of the tail command.
type tailOptions struct {
	choice
	lines  int
	follow bool
}

func newTailCommand() *cobra.Command {
	var opts tailOptions
	cmd := &cobra.Command{
		Use:   "tail CONFIG",
		Short: "Show what senders would get, live, and send it nowhere",
		Long: "tail prints the records that the senders of CONFIG get, after all filters, a line each: the newest few, and then what\n" +
			"comes, until it is interrupted. Nothing is sent, and no state is touched. With several senders each line begins\n" +
			"with READER/SENDER and a tab. What flight recorders would dump is not shown.",
		Example: "  journalpump tail /etc/journalpump/journalpump.json --sender kafka | jq .MESSAGE",
		Args:    configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return tailCommand(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], opts)
		},
	}
	cmd.Flags().IntVarP(&opts.lines, "lines", "n", 10, "begin with the newest so many of each sender")
	cmd.Flags().BoolVarP(&opts.follow, "follow", "f", true, "go on with what comes")
	opts.addFlags(cmd)
	return cmd
}

func tailCommand(ctx context.Context, out, notes io.Writer, path string, opts tailOptions) error {
	if opts.lines < 0 {
		return errors.New("--lines must not be negative")
	}
	dry, err := opts.dryRun(path)
	if err != nil {
		return err
	}
	ctx, stop := untilStopped(ctx)
	defer stop()
	senders := 0
	for i := range dry.readers {
		senders += len(dry.readers[i].senders)
	}
	if senders == 0 {
		return advise(errors.New("there is no sender, so there is nothing that one would get"), "`journalpump explain %s` shows the entries that readers without senders read", path)
	}
	ctx, cancel := context.WithCancelCause(ctx) // the first that fails ends all
	defer cancel(nil)
	for i := range dry.readers {
		for _, s := range dry.readers[i].senderSpecs() {
			if s.Recorder != nil {
				fmt.Fprintf(notes, "%s/%s has a flight recorder: what that would dump is not shown\n", dry.readers[i].Name, s.Name)
			}
		}
	}
	lines := &lineWriter{out: out, several: senders > 1, colours: coloured(out)}
	var running sync.WaitGroup
	for i := range dry.readers {
		r := &dry.readers[i]
		if len(r.senders) == 0 {
			continue
		}
		running.Go(func() {
			if err := tailReader(ctx, dry, r, lines, opts); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("reader %s: %w", r.Name, err))
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// tailReader prints what the chosen senders of a reader get.
func tailReader(ctx context.Context, dry *dryRun, r *dryReader, lines *lineWriter, opts tailOptions) error {
	log, err := dry.open(ctx, r)
	if err != nil {
		return err
	}
	senders := r.senderSpecs()
	views := make([]pump.View, len(senders))
	for i := range senders {
		views[i] = senders[i].View
	}
	show := func(sender int, records []pump.Record) error {
		return lines.write(r.Name+"/"+senders[sender].Name, records)
	}
	err = scan.Tail(ctx, log, views, opts.lines, opts.follow, show)
	return errors.Join(err, log.Close())
}

// lineWriter writes records, of several readers at once, a line each.
type lineWriter struct {
	several, colours bool

	mu  sync.Mutex
	out io.Writer
	buf []byte
}

func (w *lineWriter) write(name string, records []pump.Record) error {
	if w.colours {
		name = "\x1b[36m" + name + "\x1b[0m"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = w.buf[:0]
	for i := range records {
		if w.several {
			w.buf = append(append(w.buf, name...), '\t')
		}
		w.buf = append(append(w.buf, records[i].Body...), '\n')
	}
	_, err := w.out.Write(w.buf)
	return err
}
