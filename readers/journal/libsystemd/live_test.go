//go:build cgo && linux

package libsystemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/readertest"
	"journalpump/test/journald"
)

// The suite that every log passes, on a journald's own files.
func TestConformanceLive(t *testing.T) {
	needTools(t)
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		t.Helper()
		j := journald.Start(t)
		native := j.Native(t)
		return readertest.Harness{
			Open: func(t *testing.T) pump.Log { t.Helper(); return newLog(t, inDir(j.Dir)) },
			Append: func(t *testing.T, first, n int) {
				t.Helper()
				for i := first; i < first+n; i++ {
					if err := native.Send([]int{0, 1000}[i%2], "MESSAGE="+readertest.Message(i)); err != nil {
						t.Fatal(err)
					}
				}
				j.Sync(t)
			},
			Rotate:   j.Rotate,
			Vacuum:   func(t *testing.T) { t.Helper(); j.Vacuum(t, 1) },
			ThisBoot: true,
		}
	})
}

// And on files that systemd-journal-remote writes, which are not there at first.
func TestConformanceRemote(t *testing.T) {
	needTools(t)
	readertest.Run(t, func(t *testing.T) readertest.Harness {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "journal")
		files := 1
		return readertest.Harness{
			Open: func(t *testing.T) pump.Log { t.Helper(); return newLog(t, inDir(dir)) },
			Append: func(t *testing.T, first, n int) {
				t.Helper()
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				var export []byte
				for i := first; i < first+n; i++ {
					export = fmt.Appendf(export, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\nMESSAGE=%s\n\n",
						testStart+int64(i), 1+i, testBoot, readertest.Message(i))
				}
				remote(t, filepath.Join(dir, fmt.Sprintf("remote-%d.journal", files)), export)
			},
			Rotate:  func(*testing.T) { files++ },
			Missing: true,
		}
	})
}

// A live journald with three files that are rotated all the time: nothing is missing, nothing comes twice and all is in
// order, although the child is killed now and then.
func TestLive(t *testing.T) {
	needTools(t)
	j := journald.Start(t)
	native := j.Native(t)
	l := openLog(t, Options{Selection: journaldir.Selection{Namespaces: []string{j.Namespace}}})
	const messages = 12_000
	// However busy the machine is, there is some progress.
	const patience = time.Minute
	ctx, cancel := context.WithCancelCause(t.Context())
	stalled := time.AfterFunc(patience, func() { cancel(fmt.Errorf("nothing was read for %v", patience)) })
	defer stalled.Stop()
	written := make(chan error, 1)
	go func() { written <- writeAll(ctx, j, native, messages) }()
	defer func() {
		cancel(nil)
		if err := <-written; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()

	it, err := l.Open(ctx, pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = it.Close() }()
	last := 0
	for calls := 1; last < messages; calls++ {
		c, err := it.Next(ctx)
		if errors.Is(err, pump.ErrNoMore) && calls%10 != 0 {
			continue // asking all the time is what meets entries that are just being written
		}
		if errors.Is(err, pump.ErrNoMore) {
			err = it.Wait(ctx)
			c = &pump.Chunk{}
		}
		if err != nil {
			t.Fatalf("after %d of %d messages: %v (%v)", last, messages, err, context.Cause(ctx))
		}
		last = checkConsecutive(t, c, last)
		if len(c.Entries) > 0 {
			stalled.Reset(patience)
		}
		if p := it.(*iterator).session.process; p != nil && calls%500 == 0 {
			_ = p.cmd.Process.Kill()
		}
	}
}

// checkConsecutive checks that the messages of a chunk follow on the last one, and returns their last.
func checkConsecutive(t *testing.T, c *pump.Chunk, last int) int {
	t.Helper()
	if len(c.Gaps) > 0 || c.Corrupted > 0 {
		t.Errorf("gaps %v, corrupted %d", c.Gaps, c.Corrupted)
	}
	for i := range c.Entries {
		message, ok := c.Lookup(i, "MESSAGE")
		if !ok {
			t.Errorf("the entry at %v came without its message", c.Entries[i].Position)
		}
		if !strings.HasPrefix(string(message), "number ") {
			continue // journald's own
		}
		n := number(t, c, i)
		if n != last+1 {
			t.Errorf("%d came after %d", n, last)
		}
		last = n
	}
	return last
}

// writeAll logs as three users, each of whom has a file.
func writeAll(ctx context.Context, j *journald.Instance, native *journald.Native, messages int) error {
	for n := 1; n <= messages; n++ {
		if err := native.Send([]int{0, 1000, 1001}[n%3], fmt.Sprintf("MESSAGE=number %d", n)); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
		if n%1500 == 0 {
			if err := j.Ask(ctx, "Rotate"); err != nil {
				return errors.Join(ctx.Err(), err)
			}
		}
	}
	return nil
}
