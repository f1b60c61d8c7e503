// Package libsystemd reads the journal through libsystemd, for files that the native reader does not know and for those
// who prefer systemd's own code. libsystemd maps the files it reads and trusts them more than one should: a file that is
// cut off while it is read kills the process. So it runs in a child process of the same program, which the agent talks to
// over pipes, and replaces when it crashes or hangs. See docs/adr/0004.
//
// libsystemd itself is loaded when the child starts: a program that was built with it starts without it.
package libsystemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"journalpump/internal/glob"
	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

// Defaults of Options.
const (
	DefaultExecutable = "/proc/self/exe" // what runs now, even if the file has been replaced since
	DefaultTimeout    = 30 * time.Second
)

// Options say what is read and how.
type Options struct {
	Selection journaldir.Selection
	// Units are the units whose entries are wanted, by _SYSTEMD_UNIT; none: all entries. Those with *, ? or [ are
	// patterns. libsystemd finds units by its index, but patterns are compared entry by entry.
	Units []string

	Executable string        // a program that calls ChildMain when its only argument is ChildCommand; "": DefaultExecutable
	Timeout    time.Duration // a child that does not answer for so long is replaced; 0: DefaultTimeout

	environment []string // more of it, for tests
}

var errNotBuilt = errors.New("this binary was built without cgo, and so without libsystemd")

// Log implements pump.Log and pump.Meter.
type Log struct {
	options Options
	exact   []string               // units for libsystemd to match; empty if there are patterns
	wants   func(unit []byte) bool // nil if libsystemd matches, or everything is wanted
	banned  *banned

	mu      sync.Mutex
	control *session // for Seek and Lag; nil until needed
}

var (
	_ pump.Log   = (*Log)(nil)
	_ pump.Meter = (*Log)(nil)
)

// Open makes sure that there is a libsystemd to read with. The journal need not exist yet.
func Open(ctx context.Context, o Options) (*Log, error) {
	if !builtIn {
		return nil, pump.Permanent(errNotBuilt)
	}
	if o.Executable == "" {
		o.Executable = DefaultExecutable
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	l := &Log{options: o, banned: newBanned()}
	l.exact, l.wants = unitMatch(o.Units)
	l.control = newSession(l)
	if err := l.control.start(ctx); err != nil {
		l.control.stop()
		return nil, fmt.Errorf("opening the journal with libsystemd: %w", err)
	}
	return l, nil
}

// unitMatch returns the units that libsystemd can match, or a function if there are patterns among them.
func unitMatch(units []string) (exact []string, wants func([]byte) bool) {
	if !slices.ContainsFunc(units, glob.IsPattern) {
		return units, nil
	}
	patterns := make([]*glob.Glob, len(units))
	for i, u := range units {
		patterns[i] = glob.Compile(u)
	}
	return nil, func(unit []byte) bool {
		return slices.ContainsFunc(patterns, func(g *glob.Glob) bool { return g.Match(unit) })
	}
}

// Seek implements pump.Log.
func (l *Log) Seek(ctx context.Context, start pump.Start) (pump.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.seek(ctx, start)
	if err != nil && !errors.Is(err, pump.ErrNotYet) {
		return pump.Position{}, fmt.Errorf("seeking in the journal: %w", err)
	}
	return p, err
}

func (l *Log) seek(ctx context.Context, start pump.Start) (pump.Position, error) {
	switch start.Kind {
	case pump.StartHead:
		return pump.Position{}, l.control.ready(ctx)
	case pump.StartTail:
		return l.control.place(ctx, askTail, nil)
	case pump.StartRealtime:
		r := placeRequest{usec: uint64(max(0, start.Time.UnixMicro()))}
		return l.control.place(ctx, askBefore, r.append)
	case pump.StartBoot:
		boot, err := currentBoot()
		if err != nil {
			return pump.Position{}, err
		}
		r := placeRequest{boot: boot, usec: uint64(max(0, start.Offset.Microseconds()))}
		return l.control.place(ctx, askBefore, r.append)
	}
	return pump.Position{}, fmt.Errorf("unknown kind of start %d", start.Kind)
}

func currentBoot() (pump.ID128, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return pump.ID128{}, fmt.Errorf("which boot this is: %w", err)
	}
	id, err := pump.ParseID128(strings.TrimSpace(string(text)))
	if err != nil {
		return pump.ID128{}, fmt.Errorf("which boot this is: %w", err)
	}
	return id, nil
}

// Open implements pump.Log.
func (l *Log) Open(ctx context.Context, after pump.Position) (pump.Iterator, error) {
	it := newIterator(l, after)
	if err := it.open(ctx, leap{}); err != nil {
		it.session.stop()
		if errors.Is(err, pump.ErrNotYet) {
			return nil, err
		}
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return it, nil
}

// Close implements pump.Log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.control.stop()
	return nil
}
