// Peers measures how fast a journal becomes a file: this program beside journalctl, rsyslog and cat, with the same journal
// in the same run.
//
//	peers -binary bin/journalpump [-entries N] [-repeat N] [-write docs/performance.md]
//
// It prints a Markdown table; -write puts it, with the date and the machine, between the markers in that file.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"journalpump/test/sample"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	binary := flag.String("binary", "bin/journalpump", "the `program` to measure")
	entries := flag.Int("entries", 300_000, "how many `entries` the journal has")
	repeat := flag.Int("repeat", 3, "how `often` each is measured; the medians are shown")
	write := flag.String("write", "", "put the table between the markers of this Markdown `file`")
	disk := flag.String("disk", "build/peers", "a `directory` on a disk, for the journal and outputs")
	memory := flag.String("memory", "/dev/shm", "a `directory` on a tmpfs, for outputs")
	only := flag.String("only", "", "measure only what has this `text` in its name")
	flag.Parse()

	b := bench{entries: *entries}
	var err error
	if b.binary, err = filepath.Abs(*binary); err != nil {
		return fmt.Errorf("finding the program: %w", err)
	}
	if b.journal, err = makeJournal(ctx, *disk, *entries); err != nil {
		return err
	}
	var results []result
	for _, s := range b.subjects(*memory, *disk) {
		if strings.Contains(s.name, *only) {
			results = append(results, result{subject: s})
		}
	}
	for round := range *repeat {
		for i := range results {
			r := &results[i]
			fmt.Fprintf(os.Stderr, "round %d: %s\n", round+1, r.subject.name)
			r.add(b.measure(ctx, r.subject))
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	report := b.report(ctx, results, os.Args[1:])
	fmt.Print(report)
	if *write != "" {
		return replaceBetweenMarkers(*write, report)
	}
	return nil
}

// makeJournal makes the journal unless an earlier run has left it, and returns its directory. The directory above it can be
// mounted as /var/log/journal.
func makeJournal(ctx context.Context, disk string, entries int) (dir string, err error) {
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return "", fmt.Errorf("reading the machine's ID: %w", err)
	}
	root, err := filepath.Abs(filepath.Join(disk, fmt.Sprintf("journal-%d", entries)))
	if err != nil {
		return "", err
	}
	dir = filepath.Join(root, strings.TrimSpace(string(machine)))
	done := filepath.Join(root, "complete")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	fmt.Fprintf(os.Stderr, "making a journal of %d entries in %s\n", entries, dir)
	if err := os.RemoveAll(root); err != nil {
		return "", err
	}
	err = sample.BuildJournal(ctx, dir, func(w io.Writer) error { return sample.Write(w, sample.Options{Entries: entries, Seed: 1}) })
	if err != nil {
		return "", fmt.Errorf("making the journal: %w", err)
	}
	return dir, os.WriteFile(done, nil, 0o600)
}
