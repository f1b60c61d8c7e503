package torture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// Journal is a journald whose files are mistreated.
type Journal struct {
	*journald.Instance
	Writer *Writer
	Stored *Stored
	Done   map[string]int // how often each act was done

	rnd    *rand.Rand
	made   []string // copies and links, the oldest first
	serial int
}

// NewJournal starts a journald and a writer of about perSecond messages as the users in turn.
func NewJournal(t *testing.T, seed uint64, source string, perSecond int, users ...int) *Journal {
	t.Helper()
	j := journald.Start(t, "SystemMaxFileSize=64M") // it is rotated when the test says so
	return &Journal{
		Instance: j,
		Writer:   Write(t, j, seed, source, perSecond, users...),
		Stored:   NewStored(),
		Done:     map[string]int{},
		rnd:      rand.New(rand.NewPCG(seed, 2)),
	}
}

// Files returns the journal's files.
func (j *Journal) Files(t *testing.T) []string { t.Helper(); return Files(t, j.Dir) }

// Files returns the journal files in a directory.
func Files(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	broken, err := filepath.Glob(filepath.Join(dir, "*.journal~"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, broken...)
}

// An Act is something that happens to a journal. CaughtUp waits until all that is stored has been read by everybody; acts
// that destroy what somebody may not have read call it first.
type Act struct {
	Name string
	Do   func(j *Journal, t *testing.T, caughtUp func())
}

// Acts is what may happen to a journal, all of which a reader has to take without missing anything.
func Acts() []Act {
	return []Act{
		{"rewritten", (*Journal).rewrite},
		{"linked", (*Journal).link},
		{"copied", (*Journal).copyArchived},
		{"copied while written", (*Journal).copyActive},
		{"copies removed", (*Journal).tidy},
		{"killed", (*Journal).kill},
		{"restarted", (*Journal).restart},
		{"directory removed", (*Journal).removeDir},
		{"directory removed under journald", (*Journal).removeDirInUse},
		{"directory moved away and back", (*Journal).moveDir},
		{"vacuumed", (*Journal).vacuum},
	}
}

// Act does one of the acts.
func (j *Journal) Act(t *testing.T, acts []Act, caughtUp func()) {
	t.Helper()
	act := acts[j.rnd.IntN(len(acts))]
	j.Done[act.Name]++
	act.Do(j, t, caughtUp)
}

// Settle stops the writer, waits until all is stored, and takes note of it.
func (j *Journal) Settle(t *testing.T) {
	t.Helper()
	j.Writer.Stop()
	j.Sync(t)
	j.Stored.Look(t, j.Files(t)...)
}

// Pause lets some time pass, at most d.
func (j *Journal) Pause(t *testing.T, d time.Duration) {
	t.Helper()
	program.Pause(t, time.Duration(j.rnd.Int64N(int64(d))))
}

// pick returns one of the files that are, or are not, being written; "" if there is none.
func (j *Journal) pick(t *testing.T, written bool) string {
	t.Helper()
	files := slices.DeleteFunc(j.Files(t), func(file string) bool {
		return active(file) != written || slices.Contains(j.made, file)
	})
	if len(files) == 0 {
		return ""
	}
	return files[j.rnd.IntN(len(files))]
}

// rewrite replaces an archived file by a copy under its name, as journald does on btrfs.
func (j *Journal) rewrite(t *testing.T, _ func()) {
	t.Helper()
	file := j.pick(t, false)
	if file == "" {
		return
	}
	next := filepath.Join(j.Dir, ".#rewritten")
	copyFile(t, file, next)
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

// link gives a file a second name.
func (j *Journal) link(t *testing.T, _ func()) {
	t.Helper()
	if file := j.pick(t, j.rnd.IntN(2) == 0); file != "" {
		if err := os.Link(file, j.name("link")); err != nil {
			t.Fatal(err)
		}
	}
}

func (j *Journal) copyArchived(t *testing.T, _ func()) {
	t.Helper()
	if file := j.pick(t, false); file != "" {
		copyFile(t, file, j.name("copy"))
	}
}

// copyActive copies a file while journald writes it: what comes out is of several moments.
func (j *Journal) copyActive(t *testing.T, _ func()) {
	t.Helper()
	if file := j.pick(t, true); file != "" {
		j.Writer.Boost(100)
		copyFile(t, file, j.name("copy"))
	}
}

func (j *Journal) name(kind string) string {
	j.serial++
	name := filepath.Join(j.Dir, fmt.Sprintf("%s-%d.journal", kind, j.serial))
	j.made = append(j.made, name)
	return name
}

// tidy removes copies and links, which vacuuming doesn't, except the last one.
func (j *Journal) tidy(t *testing.T, caughtUp func()) {
	t.Helper()
	if len(j.made) > 3 {
		j.take(t, caughtUp)
		j.removeMade(t, len(j.made)-1)
	}
}

func (j *Journal) removeMade(t *testing.T, n int) {
	t.Helper()
	for _, name := range j.made[:n] {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	j.made = slices.Clone(j.made[n:])
}

// Calm leaves only the files that are being written, all of which everybody has read.
func (j *Journal) Calm(t *testing.T, caughtUp func()) {
	t.Helper()
	j.take(t, caughtUp)
	j.removeMade(t, len(j.made))
	j.Vacuum(t, 1)
	caughtUp()
}

// take makes sure that nothing is lost by what comes next: everybody has read it, and it is known to have been stored.
func (j *Journal) take(t *testing.T, caughtUp func()) {
	t.Helper()
	caughtUp()
	j.Sync(t)
	j.Stored.Look(t, j.Files(t)...)
}

// kill kills journald while it is busy, and starts it again.
func (j *Journal) kill(t *testing.T, _ func()) {
	t.Helper()
	j.Writer.Boost(1000 + j.rnd.IntN(2000))
	j.Pause(t, 30*time.Millisecond)
	j.Kill(t)
	j.again(t)
}

func (j *Journal) again(t *testing.T) {
	t.Helper()
	j.Restart(t)
	j.Writer.Reconnect(t, j.Instance)
}

func (j *Journal) restart(t *testing.T, _ func()) {
	t.Helper()
	j.Stop(t)
	j.again(t)
}

// removeDir removes everything between two runs of journald.
func (j *Journal) removeDir(t *testing.T, caughtUp func()) {
	t.Helper()
	release := j.Writer.Hold()
	j.take(t, caughtUp)
	j.Stop(t)
	j.remove(t)
	release()
	j.again(t)
}

// removeDirInUse removes everything while journald runs. What it would log until it is restarted is lost for everybody who
// comes later, so nothing is logged.
func (j *Journal) removeDirInUse(t *testing.T, caughtUp func()) {
	t.Helper()
	release := j.Writer.Hold()
	j.take(t, caughtUp)
	j.remove(t)
	j.Pause(t, 50*time.Millisecond)
	j.Stop(t)
	release()
	j.again(t)
}

func (j *Journal) remove(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(j.Dir); err != nil {
		t.Fatal(err)
	}
	j.made = nil
}

// moveDir moves the directory away for a moment. journald goes on writing its files.
func (j *Journal) moveDir(t *testing.T, _ func()) {
	t.Helper()
	away := filepath.Join(filepath.Dir(j.Dir), ".away-"+filepath.Base(j.Dir))
	if err := os.Rename(j.Dir, away); err != nil {
		t.Fatal(err)
	}
	j.Pause(t, 50*time.Millisecond)
	if err := os.Rename(away, j.Dir); err != nil {
		t.Fatal(err)
	}
}

// vacuum deletes most archived files once everybody has read them: down to one file at times.
func (j *Journal) vacuum(t *testing.T, caughtUp func()) {
	t.Helper()
	j.take(t, caughtUp)
	j.Vacuum(t, 1+j.rnd.IntN(3))
}

// VacuumUnread deletes archived files whether anybody has read them or not.
func (j *Journal) VacuumUnread(t *testing.T) {
	t.Helper()
	j.Done["vacuumed unread"]++
	j.Sync(t)
	j.Stored.Look(t, j.Files(t)...)
	j.Vacuum(t, 1)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
