// Package sample makes journals to test and measure with: entries as journald itself writes them, always the same
// ones for the same options.
package sample

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Options says what to write.
type Options struct {
	Entries int
	Seed    uint64
	Start   time.Time // of the first entry; the zero time stands for a fixed one
}

// meanStep is the mean time between two entries.
const meanStep = time.Millisecond

// EndingAt returns o with a Start that lets the last entry be about at t.
func (o Options) EndingAt(t time.Time) Options {
	o.Start = t.Add(-time.Duration(o.Entries) * meanStep)
	return o
}

// Each calls fn with every entry, one after the other. An entry is valid until fn returns.
func Each(o Options, fn func(e *Entry) error) error {
	if o.Start.IsZero() {
		o.Start = time.Unix(1_760_000_000, 0)
	}
	g := newGenerator(o)
	var e Entry
	for i := range o.Entries {
		g.next(&e, i)
		if err := fn(&e); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return nil
}

// Write writes the entries in the Journal Export Format, see
// https://systemd.io/JOURNAL_EXPORT_FORMATS/.
func Write(w io.Writer, o Options) error {
	b := bufio.NewWriterSize(w, 1<<16)
	var text []byte
	err := Each(o, func(e *Entry) error {
		text = e.appendExport(text[:0])
		_, err := b.Write(text)
		return err
	})
	return errors.Join(err, b.Flush())
}

// ErrNoRemote says that systemd-journal-remote, which writes the journal files, is not installed.
var ErrNoRemote = errors.New("systemd-journal-remote is not installed (Debian: package systemd-journal-remote)")

// Remote returns the path of systemd-journal-remote.
func Remote() (string, error) {
	for _, dir := range []string{"/usr/lib/systemd", "/lib/systemd"} {
		path := filepath.Join(dir, "systemd-journal-remote")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNoRemote
}

// BuildJournal makes journal files in dir, which is created, from what write writes in the Journal Export Format. Env is
// added to systemd-journal-remote's environment (SYSTEMD_JOURNAL_COMPACT=0 and the like).
func BuildJournal(ctx context.Context, dir string, write func(io.Writer) error, env ...string) error {
	remote, err := Remote()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the journal's directory: %w", err)
	}
	cmd := exec.CommandContext(ctx, remote, "--output="+filepath.Join(dir, "system.journal"), "--split-mode=none", "-")
	cmd.Env = append(os.Environ(), env...)
	var said tail
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting systemd-journal-remote: %w", err)
	}
	writeErr := errors.Join(write(in), in.Close())
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("systemd-journal-remote: %w: %s", err, said)
	}
	return writeErr
}

// tail keeps the end of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if over := len(*t) - 1024; over > 0 {
		*t = (*t)[over:]
	}
	return len(p), nil
}
