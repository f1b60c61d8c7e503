// Samplejournal writes sample log entries: to the standard output in the Journal Export Format, or as journal files.
//
//	samplejournal [-entries N] [-seed N] [-now] [-journal DIR]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"journalpump/test/sample"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "samplejournal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	entries := flag.Int("entries", 1000, "how many `entries` to write")
	seed := flag.Uint64("seed", 1, "the same `seed` gives the same entries")
	now := flag.Bool("now", false, "let the entries end now instead of at a fixed time")
	journal := flag.String("journal", "", "make journal files in this `directory`")
	flag.Parse()

	options := sample.Options{Entries: *entries, Seed: *seed}
	if *now {
		options = options.EndingAt(time.Now())
	}
	if *journal == "" {
		return sample.Write(os.Stdout, options)
	}
	return sample.BuildJournal(ctx, *journal, func(w io.Writer) error { return sample.Write(w, options) })
}
