package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
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
			"with READER/SENDER and a tab.",
		Example: "  journalpump tail /etc/journalpump/journalpump.json --sender kafka | jq .MESSAGE",
		Args:    configArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return tailCommand(cmd.Context(), cmd.OutOrStdout(), args[0], opts)
		},
	}
	cmd.Flags().IntVarP(&opts.lines, "lines", "n", 10, "begin with the newest so many of each sender")
	cmd.Flags().BoolVarP(&opts.follow, "follow", "f", true, "go on with what comes")
	opts.addFlags(cmd)
	return cmd
}

func tailCommand(ctx context.Context, out io.Writer, path string, opts tailOptions) error {
	c, err := loadConfig(path)
	if err != nil {
		return err
	}
	if opts.lines < 0 {
		return errors.New("--lines must not be negative")
	}
	chosen, err := opts.of(c)
	if err != nil {
		return err
	}
	specs, err := dryBuild(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	senders := 0
	for i := range chosen {
		senders += len(chosen[i].senders)
	}
	if senders == 0 {
		return advise(errors.New("there is no sender, so there is nothing that one would get"), "`journalpump explain %s` shows the entries that readers without senders read", path)
	}
	ctx, cancel := context.WithCancelCause(ctx) // the first that fails ends all
	defer cancel(nil)
	lines := &lineWriter{out: out, several: senders > 1, colours: coloured(out)}
	var running sync.WaitGroup
	for _, r := range chosen {
		if len(r.senders) == 0 {
			continue
		}
		running.Go(func() {
			if err := tailReader(ctx, c, r, specs[r.Name], lines, opts); err != nil && ctx.Err() == nil {
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
func tailReader(ctx context.Context, c *config.Config, r chosenReader, spec pump.ReaderSpec, lines *lineWriter, opts tailOptions) error {
	log, err := openJournal(ctx, c, r.Reader, quietLogger())
	if err != nil {
		return err
	}
	var senders []pump.SenderSpec
	var views []pump.View
	for i := range spec.Senders {
		if r.has(spec.Senders[i].Name) {
			senders, views = append(senders, spec.Senders[i]), append(views, spec.Senders[i].View)
		}
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
