// Package logging is where the program's own messages go: natively to the journal when systemd started it, else as one
// line of text each to standard error. Repeated messages are counted instead of written, so that an agent that pumps
// the journal it logs to cannot feed on itself.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/term"
)

// Our own entries in a journal are those with SYSLOG_IDENTIFIER=journalpump that journald saw come from a process
// called journalpump (_COMM), or from this very process (_PID). SYSLOG_IDENTIFIER alone is what anybody may claim; _COMM
// and _PID are journald's own findings. Entries of an earlier run, which a reader that lags still meets, have another
// _PID, so exclude_self asks for either.
const (
	IdentifierField = "SYSLOG_IDENTIFIER"
	Identifier      = "journalpump"
	CommField       = "_COMM"
	PIDField        = "_PID"
)

// FieldPrefix precedes the names of a message's attributes in the journal: reader=main becomes JOURNALPUMP_READER=main.
const FieldPrefix = "JOURNALPUMP_"

// LevelCritical is Python's CRITICAL, which slog has no name for.
const LevelCritical = slog.LevelError + 4

// New returns a logger for messages of at least the level. Close writes the counts of repeated messages that are due
// later; what is logged afterwards is still written.
func New(level slog.Leveler) (*slog.Logger, io.Closer) {
	limit := newLimiter(standardSink(os.Stderr))
	return slog.New(&handler{level: level, sink: limit}), limit
}

// standardSink logs natively to the journal if stderr leads there anyway, as systemd.exec(5) describes JOURNAL_STREAM.
func standardSink(stderr *os.File) sink {
	toJournal, err := journal.StderrIsJournalStream()
	if err == nil && toJournal && journal.Enabled() {
		return &journalSink{send: journal.Send, fallback: &textSink{out: stderr, style: journalStream}}
	}
	style := plain
	switch {
	case err == nil && toJournal:
		style = journalStream
	case term.IsTerminal(int(stderr.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb":
		style = coloured
	}
	return &textSink{out: stderr, style: style}
}

// ParseLevel takes the names of Python's logging, in any case, and its numbers (10 is DEBUG, 50 is CRITICAL).
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToUpper(s) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING", "WARN":
		return slog.LevelWarn, nil
	case "ERROR":
		return slog.LevelError, nil
	case "CRITICAL", "FATAL":
		return LevelCritical, nil
	case "NOTSET": // everything
		return slog.LevelDebug - 4, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 1000 {
		return slog.Level((n - 20) * 4 / 10), nil // 10 apart there, 4 apart here; INFO is 20 there, 0 here
	}
	return 0, fmt.Errorf("unknown log level %q: want DEBUG, INFO, WARNING, ERROR or CRITICAL", s)
}

// Priority returns the syslog priority for a level.
func Priority(level slog.Level) journal.Priority {
	switch {
	case level >= LevelCritical:
		return journal.PriCrit
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level > slog.LevelInfo:
		return journal.PriNotice
	case level == slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}
