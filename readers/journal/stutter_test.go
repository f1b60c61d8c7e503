package journal

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"journalpump/readers/journal/journaldir"
	"journalpump/test/journald"
	"journalpump/test/torture"
)

// Whoever writes a journal, and some of those who read it, run for microseconds at a time here and are stopped for milliseconds: a reader so
// meets a file that is half made, or renamed, deleted or gone on with between two of its own steps. Files last for a few messages.

const stutterRate = 300 // messages a second; more wait

// stutterSettings is followSettings: rounds take longer here.
func stutterSettings(t *testing.T) (rounds int, seed uint64) {
	t.Helper()
	rounds, seed = followSettings(t)
	return max(rounds/5, min(rounds, 6)), seed
}

// stutterers follow a log, some in this process and some in another one, which stutters.
type stutterers struct {
	here  followers
	apart *apart
}

// startStutterers starts them, and lets the writer's processes stutter, and those of them that do, once all have the first message.
func startStutterers(t *testing.T, s *torture.Stutter, v varied, w writer, mark func(*testing.T) int) *stutterers {
	t.Helper()
	f := &stutterers{here: v.start(t)}
	v.Seed++
	f.apart = startApart(t, v)
	f.await(t, "a", mark(t))
	s.Take(f.apart.process.Process())
	w.Each(s.Take)
	return f
}

// writer is who writes a journal.
type writer interface {
	// Each calls fn with the process that runs, and with each that is started later.
	Each(fn func(*os.Process))
}

func (f *stutterers) await(t *testing.T, source string, number int) {
	t.Helper()
	f.here.await(t, source, number)
	f.apart.ask(t, request{Await: map[string]int{source: number}})
}

// check is followers.check for all of them. whole says that all must have come to those that did not go back.
func (f *stutterers) check(t *testing.T, whole bool, dirs ...*torture.Directory) {
	t.Helper()
	stored, there := storedIn(t, dirs...)
	last := maps.Clone(there.Last())
	for source, number := range last {
		f.here.await(t, source, number)
	}
	accounts := append(f.here.stop(t), f.apart.ask(t, request{Await: last, End: true})...)
	for i := range accounts {
		a, name := &accounts[i], fmt.Sprintf("follower %d", i)
		a.check(t, name, stored, there)
		for _, g := range a.Gaps {
			if whole && !a.Back {
				t.Errorf("%s: nothing is missing, yet there is a gap: %+v", name, g)
			}
		}
	}
}

// TestFollowStutter has a journald of one user, where nothing is ever deleted.
func TestFollowStutter(t *testing.T) {
	t.Parallel()
	rounds, seed := stutterSettings(t)
	s := torture.NewStutter(t, seed)
	j := torture.NewJournal(t, seed, "a", stutterRate, 0)
	f := startStutterers(t, s, varied{Selection: namespace(j.Instance).Selection, Seed: seed}, j, j.Mark)
	for round := 0; round < rounds && !t.Failed(); round++ {
		j.Pause(t, 20*time.Millisecond)
		for range 1 + j.Rnd.IntN(3) {
			j.Rotate(t)
		}
	}
	j.Settle(t)
	f.check(t, true, j.Directory)
	t.Logf("%d messages, %d stored", j.Writer.Sent(), j.Stored.Count("a"))
}

// TestFollowStutterUsers has several users, and all sorts of things happen to their files.
func TestFollowStutterUsers(t *testing.T) {
	t.Parallel()
	rounds, seed := stutterSettings(t)
	s := torture.NewStutter(t, seed)
	j := torture.NewJournal(t, seed, "a", stutterRate, 0, 4242, 4243)
	f := startStutterers(t, s, varied{Selection: namespace(j.Instance).Selection, Seed: seed}, j, j.Mark)
	acts := j.Acts()
	caughtUp := func() { f.await(t, "a", j.Mark(t)) }
	for round := 0; round < rounds && !t.Failed(); round++ {
		j.Pause(t, 20*time.Millisecond)
		j.Rotate(t)
		if j.Rnd.IntN(4) == 0 {
			j.Act(t, acts, caughtUp)
		}
	}
	j.Settle(t)
	f.check(t, false, j.Directory)
	t.Logf("%d messages, %d stored; %v", j.Writer.Sent(), j.Stored.Count("a"), j.Done)
}

// TestFollowStutterVacuum has a journald that keeps three files, whether they were read or not.
func TestFollowStutterVacuum(t *testing.T) {
	t.Parallel()
	rounds, seed := stutterSettings(t)
	s := torture.NewStutter(t, seed)
	j := torture.MistreatJournal(t, journald.Start(t, "SystemMaxFiles=3"), seed, "a", stutterRate, 0)
	f := startStutterers(t, s, varied{Selection: namespace(j.Instance).Selection, Seed: seed}, j, j.Mark)
	for round := 0; round < rounds && !t.Failed(); round++ {
		j.Pause(t, 20*time.Millisecond)
		for range 1 + j.Rnd.IntN(3) {
			release := j.Writer.Hold() // what came after the look could be deleted unseen
			j.Look(t)
			j.Rotate(t)
			release()
		}
	}
	j.Settle(t)
	f.check(t, false, j.Directory)
	t.Logf("%d messages, %d stored", j.Writer.Sent(), j.Stored.Count("a"))
}

// TestFollowStutterFlush has a journald that begins in /run, goes on in /var and moves there what it has.
func TestFollowStutterFlush(t *testing.T) {
	t.Parallel()
	rounds, seed := stutterSettings(t)
	s := torture.NewStutter(t, seed)
	j := torture.MistreatJournal(t, journald.StartSystem(t), seed, "a", stutterRate, 0, 4242)
	selection := journaldir.Selection{Path: j.Root, Flags: journaldir.OSRoot}
	// From systemd 254 on the copies are of the same sequence, and who starts anew after the move cannot tell them from what is new.
	f := startStutterers(t, s, varied{Selection: selection, Seed: seed, Again: "a"}, j, j.Mark)
	for round := 0; round < rounds && !t.Failed(); round++ {
		j.Pause(t, 20*time.Millisecond)
		j.Rotate(t)
		if round == rounds/2 {
			j.FlushToVar(t)
		}
	}
	j.Settle(t)
	f.check(t, false, j.Directory)
}

// TestFollowStutterRemote has a systemd-journal-remote, which gives every file that it begins a sequence of its own.
func TestFollowStutterRemote(t *testing.T) {
	t.Parallel()
	rounds, seed := stutterSettings(t)
	s := torture.NewStutter(t, seed)
	dir := filepath.Join(t.TempDir(), "journal")
	r := torture.NewRemote(t, dir, seed, "a", stutterRate)
	f := startStutterers(t, s, varied{Selection: journaldir.Selection{Path: dir}, Seed: seed}, r, r.Writer.Mark)
	acts := r.Acts(t)
	caughtUp := func() { f.await(t, "a", r.Writer.Mark(t)) }
	for round := 0; round < rounds && !t.Failed(); round++ {
		r.Pause(t, 20*time.Millisecond)
		r.Rotate(t)
		if r.Rnd.IntN(4) == 0 {
			r.Act(t, acts, caughtUp)
		}
	}
	r.Settle(t)
	f.check(t, false, r.Directory)
	t.Logf("%d messages, %d stored; %v", r.Writer.Sent(), r.Stored.Count("a"), r.Done)
}
