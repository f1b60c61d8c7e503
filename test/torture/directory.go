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

	"journalpump/test/program"
)

// An Act is something that happens to a journal. It calls caughtUp, which waits until everybody has read all that is
// stored, before it destroys what somebody may not have read.
type Act struct {
	Name string
	Do   func(t *testing.T, caughtUp func())
}

const movedAway = "directory moved away and back"

// Directory is where the files of a journal are.
type Directory struct {
	Path   string
	Stored *Stored
	Done   map[string]int // how often each act was done
	Rnd    *rand.Rand

	sync   func(t *testing.T) // returns when all that was sent is in files
	boost  func(n int)        // has n messages sent at once
	made   []string           // copies and links, the oldest first
	serial int
}

func newDirectory(path string, seed uint64) *Directory {
	return &Directory{Path: path, Stored: NewStored(), Done: map[string]int{}, Rnd: rand.New(rand.NewPCG(seed, 2))}
}

// acts is what may happen to the files of any journal.
func (d *Directory) acts() []Act {
	return []Act{
		{"rewritten", d.rewrite},
		{"linked", d.link},
		{"copied", d.copyArchived},
		{"copied while written", d.copyActive},
		{"copies removed", d.tidy},
		{movedAway, d.moveAway},
	}
}

// Act does one of the acts.
func (d *Directory) Act(t *testing.T, acts []Act, caughtUp func()) {
	t.Helper()
	act := acts[d.Rnd.IntN(len(acts))]
	d.Done[act.Name]++
	act.Do(t, caughtUp)
}

// Pause lets some time pass, at most most.
func (d *Directory) Pause(t *testing.T, most time.Duration) {
	t.Helper()
	program.Pause(t, time.Duration(d.Rnd.Int64N(int64(most))))
}

// Files returns the journal files.
func (d *Directory) Files(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.Path, "*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	broken, err := filepath.Glob(filepath.Join(d.Path, "*.journal~"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, broken...)
}

// take makes sure that nothing is lost by what comes next: everybody has read it, and it is known to have been stored.
func (d *Directory) take(t *testing.T, caughtUp func()) {
	t.Helper()
	caughtUp()
	d.Look(t)
}

// Look takes note of what is stored now.
func (d *Directory) Look(t *testing.T) {
	t.Helper()
	d.sync(t)
	d.Stored.Look(t, d.Files(t)...)
}

// pick returns one of the files that are, or are not, being written; "" if there is none.
func (d *Directory) pick(t *testing.T, written bool) string {
	t.Helper()
	files := slices.DeleteFunc(d.Files(t), func(file string) bool {
		return active(file) != written || slices.Contains(d.made, file)
	})
	if len(files) == 0 {
		return ""
	}
	return files[d.Rnd.IntN(len(files))]
}

// rewrite replaces an archived file by a copy under its name, as journald does on btrfs.
func (d *Directory) rewrite(t *testing.T, _ func()) {
	t.Helper()
	file := d.pick(t, false)
	if file == "" {
		return
	}
	next := filepath.Join(d.Path, ".#rewritten")
	copyFile(t, file, next)
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
}

// link gives a file a second name.
func (d *Directory) link(t *testing.T, _ func()) {
	t.Helper()
	if file := d.pick(t, d.Rnd.IntN(2) == 0); file != "" {
		if err := os.Link(file, d.name("link")); err != nil && !errors.Is(err, fs.ErrNotExist) { // renamed since it was picked
			t.Fatal(err)
		}
	}
}

func (d *Directory) copyArchived(t *testing.T, _ func()) {
	t.Helper()
	if file := d.pick(t, false); file != "" {
		copyFile(t, file, d.name("copy"))
	}
}

// copyActive copies a file while it is being written: what comes out is of several moments.
func (d *Directory) copyActive(t *testing.T, _ func()) {
	t.Helper()
	if file := d.pick(t, true); file != "" {
		d.boost(100)
		copyFile(t, file, d.name("copy"))
	}
}

func (d *Directory) name(kind string) string {
	d.serial++
	name := filepath.Join(d.Path, fmt.Sprintf("%s-%d.journal", kind, d.serial))
	d.made = append(d.made, name)
	return name
}

// tidy removes copies and links, except the last one.
func (d *Directory) tidy(t *testing.T, caughtUp func()) {
	t.Helper()
	if len(d.made) > 3 {
		d.take(t, caughtUp)
		d.removeMade(t, len(d.made)-1)
	}
}

func (d *Directory) removeMade(t *testing.T, n int) {
	t.Helper()
	for _, name := range d.made[:n] {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	d.made = slices.Clone(d.made[n:])
}

// moveAway moves the directory away for a moment. Who writes goes on.
func (d *Directory) moveAway(t *testing.T, _ func()) {
	t.Helper()
	away := filepath.Join(filepath.Dir(d.Path), ".away-"+filepath.Base(d.Path))
	if err := os.Rename(d.Path, away); err != nil {
		t.Fatal(err)
	}
	d.Pause(t, 50*time.Millisecond)
	if err := os.Rename(away, d.Path); err != nil {
		t.Fatal(err)
	}
}

func (d *Directory) removeAll(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(d.Path); err != nil {
		t.Fatal(err)
	}
	d.made = nil
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return // renamed since it was picked
	}
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
