package corpus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"journalpump/test/journalwriter"
)

// habits say what happens in a world, and how often: the numbers are times in 10,000 entries, and also in a world of fewer.
// However many entries there are, it is no more than twice that.
type habits struct {
	machines int // each with a journald; 0: one
	users    int // who have journals of their own
	// ownSequences: the journals of users have a seqnum_id each, as up to systemd 253; else all of a machine share one.
	ownSequences bool

	rotate, reboot, crash, vacuum int
	forward, back                 int  // the clock is set
	noClock                       bool // at each boot the clock begins anew where it once was
	coarse                        bool // clocks tick in milliseconds, so that machines write at one time
	volatile                      bool // each boot starts in /run, which is flushed to /var later
	copied                        bool // copies of files lie around, whole ones and earlier states
	manyFiles                     bool // it rotates so often that there are as many files as are wanted

	layout layout
}

// world is some machines and the directory that all their journals are in.
type world struct {
	habits
	rnd      *rand.Rand
	dir      string
	limit    int
	n        int    // entries written
	now      uint64 // as it is, in microseconds since 1970
	machines []*machine
	prose    *prose
	copies   int
}

// worldKind is the kind of set that worlds with these habits make.
func worldKind(name string, h habits) kind {
	return kind{
		name: name, sane: h.back == 0 && !h.noClock, growing: true, twice: h.volatile, crowded: h.manyFiles,
		build: func(_ context.Context, dir string, rnd *rand.Rand, want size, limit int) error {
			w := &world{habits: h, rnd: rnd, dir: dir, limit: want.entries, now: start, prose: newProse(rnd)}
			if limit > 0 {
				w.limit = limit
			}
			return w.run(want)
		},
	}
}

const start = 1_700_000_000_000_000

// errLimit ends a world.
var errLimit = errors.New("as many entries as were wanted")

func (w *world) run(want size) error {
	for range max(w.habits.machines, 1) {
		m, err := newMachine(w)
		if err != nil {
			return err
		}
		w.machines = append(w.machines, m)
	}
	often := min(want.entries, max(10_000, want.entries/2)) // of more entries there are larger files, not more
	if w.manyFiles {
		w.rotate = max(1, often*want.files/want.entries/(1+w.users)/len(w.machines))
	}
	for {
		m := w.machines[w.rnd.IntN(len(w.machines))]
		if err := w.happen(m, w.rnd.IntN(often)); err != nil {
			return err
		}
		switch err := m.log(); {
		case errors.Is(err, errLimit):
			return w.end()
		case err != nil:
			return err
		}
	}
}

// happen lets the thing happen that a throw of the dice stands for, if any.
func (w *world) happen(m *machine, dice int) error {
	for _, thing := range []struct {
		often int
		do    func() error
	}{
		{w.rotate, m.rotate},
		{w.reboot, m.reboot},
		{w.crash, m.crash},
		{w.vacuum, m.vacuum},
		{w.forward, func() error { m.offset += w.someTime(); return nil }},
		{w.back, func() error { m.offset -= min(w.someTime(), w.now+m.offset-start/2); return nil }},
	} {
		if dice < thing.often {
			return thing.do()
		}
		dice -= thing.often
	}
	return nil
}

// someTime is something between a moment and years.
func (w *world) someTime() uint64 {
	return 1 + w.rnd.Uint64N(1_000<<w.rnd.IntN(34))
}

// tick returns the time of the next entry.
func (w *world) tick() uint64 {
	w.now += 1 + w.rnd.Uint64N(2000)
	if w.coarse {
		return w.now / 1000 * 1000
	}
	return w.now
}

func (w *world) id() (id journalwriter.ID) {
	for i := range id {
		id[i] = byte(w.rnd.UintN(256))
	}
	return id
}

// end writes what is still open.
func (w *world) end() error {
	for _, m := range w.machines {
		if err := m.save(); err != nil {
			return err
		}
	}
	return nil
}

// copyOf writes another copy of a file, as it is now.
func (w *world) copyOf(j *journal) error {
	w.copies++
	return j.w.WriteFile(filepath.Join(j.dir, fmt.Sprintf("copy%d-%s.journal", w.copies, j.base)))
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rnd.IntN(n) == 0 }

func mkdir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a journal's directory: %w", err)
	}
	return nil
}
