// Package readers opens the logs that readers read: which kinds there are, and which backend reads them.
package readers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/guard"
	"journalpump/readers/journal/journalfile"
	"journalpump/readers/journal/libsystemd"
)

// OpenJournal opens the systemd journal with the backend that the settings ask for. match is a hint for the index, or
// nil, see journal.Options. With the backend "auto" the journal is read natively, unless a file of it asks for a newer reader and
// this program was built with libsystemd.
func OpenJournal(ctx context.Context, c *journal.Config, match *journal.Match, log *slog.Logger) (pump.Log, error) {
	options, err := c.Options()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	options.Match = match
	opening := c.Backend != journal.Native // what then becomes of files for a newer reader is said below
	options.Unreadable = func(p journal.Problem) {
		if !opening || !isUnsupported(p) {
			log.Warn("a journal file cannot be read; it is left out", "file", p.Path, "error", p.Err)
		}
	}
	defer func() { opening = false }()
	if c.Backend == journal.Libsystemd {
		return openLibsystemd(ctx, options)
	}
	native, err := journal.Open(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if c.Backend == journal.Native {
		return native, nil
	}
	if _, err := native.Lag(ctx, pump.Position{}); err != nil && !errors.Is(err, pump.ErrNotYet) { // looks at the files
		return nil, errors.Join(fmt.Errorf("opening the journal: %w", err), native.Close())
	}
	problem, ok := unsupported(native)
	if !ok {
		return native, nil
	}
	other, err := openLibsystemd(ctx, options)
	if err != nil {
		log.Error("a journal file needs a newer reader, and libsystemd cannot be used instead; it is left out", "file", problem.String(), "error", err)
		return native, nil
	}
	log.Warn("a journal file needs a newer reader, so libsystemd reads the journal", "file", problem.String())
	return other, native.Close()
}

// unsupported returns a file that only a newer reader understands.
func unsupported(l *journal.Log) (journal.Problem, bool) {
	for _, p := range l.Problems() {
		if isUnsupported(p) {
			return p, true
		}
	}
	return journal.Problem{}, false
}

// Guard looks after entries that a journal is about to delete, as the settings ask for. The log is closed with what it returns.
func Guard(ctx context.Context, l pump.Log, c *journal.Config, g guard.Options) (pump.Log, error) {
	options, err := c.Options()
	if err != nil {
		return nil, errors.Join(pump.Permanent(err), l.Close())
	}
	g.Selection = options.Selection
	return guard.Open(ctx, l, g), nil
}

func isUnsupported(p journal.Problem) bool {
	_, ok := errors.AsType[*journalfile.UnsupportedError](p.Err)
	return ok
}

func openLibsystemd(ctx context.Context, o journal.Options) (pump.Log, error) {
	return libsystemd.Open(ctx, libsystemd.Options{
		Selection: o.Selection,
		Units:     o.Units,
	})
}
