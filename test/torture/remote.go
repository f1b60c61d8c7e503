package torture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"journalpump/test/program"
	"journalpump/test/sample"
)

// Remote is a systemd-journal-remote that is fed through a pipe, and whose files are mistreated.
type Remote struct {
	*Directory
	Writer *Writer

	binary  string
	feed    *feed
	renamed int
	started func(*os.Process) // nil: nobody wants to know
}

// NewRemote starts a systemd-journal-remote that writes to remote.journal in dir, and a writer of about perSecond messages.
func NewRemote(t *testing.T, dir string, seed uint64, source string, perSecond int) *Remote {
	t.Helper()
	binary, err := sample.Remote()
	if err != nil {
		t.Skip(err)
	}
	r := &Remote{Directory: newDirectory(dir, seed), binary: binary}
	r.start(t)
	t.Cleanup(func() {
		if err := r.feed.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the last systemd-journal-remote said: %s", r.feed.said.Bytes())
		}
	})
	r.Writer = Write(t, r.feed, seed, source, perSecond, 0)
	r.sync, r.boost = func(t *testing.T) { t.Helper(); r.restart(t, nil) }, r.Writer.Boost
	return r
}

// Acts is what may happen to the journal, all of which a reader has to take without missing anything.
func (r *Remote) Acts(t *testing.T) []Act {
	t.Helper()
	acts := append(r.acts(), []Act{
		{"killed", r.kill},
		{"restarted", r.restart},
		{renamedWhileWritten, r.rename},
		{"deleted once read", r.deleteRead},
		{"directory removed", r.removeDir},
	}...)
	if version(t, r.binary) < firstToGiveUp {
		return acts
	}
	return slices.DeleteFunc(acts, func(a Act) bool { return a.Name == renamedWhileWritten || a.Name == movedAway })
}

const renamedWhileWritten = "renamed while written"

// firstToGiveUp is from which systemd on a systemd-journal-remote ends when it has to rotate a file that is not where it was.
const firstToGiveUp = 254

// version returns which systemd a program is of.
func version(t *testing.T, binary string) (n int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(out), "systemd %d", &n); err != nil {
		t.Fatalf("%s says %q: %v", binary, out, err)
	}
	return n
}

// Rotate makes systemd-journal-remote archive its file, which it does when that knows too many names of fields.
func (r *Remote) Rotate(t *testing.T) {
	t.Helper()
	r.Writer.Mark(t)
	before := r.written(t, nil)
	r.feed.fat.Store(true)
	r.Writer.Mark(t)
	r.Writer.Mark(t)
	r.written(t, before)
}

// written waits until systemd-journal-remote writes a file other than before: it may begin one of itself when it is started.
func (r *Remote) written(t *testing.T, before os.FileInfo) (now os.FileInfo) {
	t.Helper()
	path := filepath.Join(r.Path, "remote.journal")
	program.Until(t, "systemd-journal-remote writes a new file", func() bool {
		if !slices.Contains(opened(t, r.feed.cmd.Process.Pid, r.Path), path) {
			return false
		}
		var err error
		now, err = os.Stat(path)
		return err == nil && (before == nil || !os.SameFile(before, now))
	})
	return now
}

// Settle ends the writer, and takes note of what is stored.
func (r *Remote) Settle(t *testing.T) {
	t.Helper()
	r.Writer.Stop()
	r.Look(t)
}

// Calm leaves only the file that is being written, all of which everybody has read.
func (r *Remote) Calm(t *testing.T, caughtUp func()) {
	t.Helper()
	r.deleteRead(t, caughtUp)
	r.removeMade(t, len(r.made))
	caughtUp()
}

func (r *Remote) start(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(r.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := startFeed(r.binary, filepath.Join(r.Path, "remote.journal"))
	if err != nil {
		t.Fatal(err)
	}
	r.feed = f
	if r.started != nil {
		r.started(f.cmd.Process)
	}
}

// Each calls fn with the process that runs, and with each that is started later.
func (r *Remote) Each(fn func(*os.Process)) {
	r.started = fn
	fn(r.feed.cmd.Process)
}

// restart ends systemd-journal-remote when it has read all that it was sent, and starts it again.
func (r *Remote) restart(t *testing.T, _ func()) {
	t.Helper()
	release := r.Writer.Hold()
	defer release()
	if err := r.feed.Close(); err != nil {
		t.Fatal(err)
	}
	r.start(t)
	r.Writer.Reconnect(r.feed)
}

// kill kills it while it is busy. What is in the pipe then is lost.
func (r *Remote) kill(t *testing.T, _ func()) {
	t.Helper()
	r.boost(1000 + r.Rnd.IntN(2000))
	r.Pause(t, 30*time.Millisecond)
	r.feed.kill()
	r.start(t)
	r.Writer.Reconnect(r.feed)
}

// rename gives the file the name of an archived one. It is written on until systemd-journal-remote is restarted.
func (r *Remote) rename(t *testing.T, _ func()) {
	t.Helper()
	r.renamed++
	err := os.Rename(filepath.Join(r.Path, "remote.journal"), filepath.Join(r.Path, fmt.Sprintf("remote@%d.journal", r.renamed)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	r.boost(200)
	r.Pause(t, 50*time.Millisecond)
	r.restart(t, nil)
}

// removeDir removes everything between two runs of it.
func (r *Remote) removeDir(t *testing.T, caughtUp func()) {
	t.Helper()
	release := r.Writer.Hold()
	defer release()
	r.take(t, caughtUp)
	if err := r.feed.Close(); err != nil {
		t.Fatal(err)
	}
	r.removeAll(t)
	r.start(t)
	r.Writer.Reconnect(r.feed)
}

// deleteRead deletes all files but the one that is being written.
func (r *Remote) deleteRead(t *testing.T, caughtUp func()) {
	t.Helper()
	r.take(t, caughtUp) // restarts it: only remote.journal is being written after that
	for _, file := range r.Files(t) {
		if strings.Contains(filepath.Base(file), "@") {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}
