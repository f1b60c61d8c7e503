package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"journalpump/readers/journal/journaldir"
	"journalpump/test/journald"
	"journalpump/test/program"
	"journalpump/test/torture"
)

// FOLLOW_ROUNDS is how often files are rotated in the tests that follow a journal, FOLLOW_SEED what they draw their random
// choices from: the same seed does the same to the files, though journald and the readers keep their own time.
// `make follow` sets the first to 1,000.
func followSettings(t *testing.T) (rounds int, seed uint64) {
	t.Helper()
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	rounds = int(number("FOLLOW_ROUNDS", 10))
	seed = number("FOLLOW_SEED", uint64(time.Now().UnixNano()&0xffffff))
	t.Logf("FOLLOW_SEED=%d FOLLOW_ROUNDS=%d", seed, rounds)
	return rounds, seed
}

// TestFollow follows a journald of several users while all sorts of things happen to its files. Nothing that exists is
// missed, nothing comes twice, all is in order, and what went unread is in a gap.
func TestFollow(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	j := torture.NewJournal(t, seed, "a", 2000, 0, 4242, 4243)
	followers := startFollowers(t, namespace(j.Instance).Selection, seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	caughtUp := func() { followers.await(t, "a", j.Mark(t)) }
	acts := j.Acts()
	growth := newGrowth(j.Path, rounds)
	for round := range rounds {
		j.Pause(t, 100*time.Millisecond)
		j.Act(t, acts, caughtUp)
		j.Rotate(t)
		if rnd.IntN(20) == 0 {
			j.VacuumUnread(t)
		}
		if growth.due(round) {
			j.Calm(t, caughtUp)
			growth.measure(t)
		}
		if t.Failed() {
			break
		}
	}
	j.Calm(t, caughtUp)
	growth.check(t, j.Writer.Sent())
	j.Settle(t)
	followers.check(t, j.Directory)
	t.Logf("%d messages, %d stored; %v", j.Writer.Sent(), j.Stored.Count("a"), j.Done)
}

// TestFollowRemote does the same to a systemd-journal-remote, which gives every file that it begins a sequence of its own.
func TestFollowRemote(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	dir := filepath.Join(t.TempDir(), "journal")
	r := torture.NewRemote(t, dir, seed, "a", 2000)
	followers := startFollowers(t, journaldir.Selection{Path: dir}, seed)
	caughtUp := func() { followers.await(t, "a", r.Writer.Mark(t)) }
	acts := r.Acts(t)
	growth := newGrowth(r.Path, rounds)
	for round := range rounds {
		r.Pause(t, 100*time.Millisecond)
		r.Act(t, acts, caughtUp)
		r.Rotate(t)
		if growth.due(round) {
			r.Calm(t, caughtUp)
			growth.measure(t)
		}
		if t.Failed() {
			break
		}
	}
	r.Calm(t, caughtUp)
	growth.check(t, r.Writer.Sent())
	r.Settle(t)
	followers.check(t, r.Directory)
	t.Logf("%d messages, %d stored; %v", r.Writer.Sent(), r.Stored.Count("a"), r.Done)
}

// TestFollowFullDisk lets the disk fill up again and again. What journald could not write was never there.
func TestFollowFullDisk(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	instance := journald.Start(t, "SystemMaxFileSize=4M")
	instance.Stop(t)
	if err := os.RemoveAll(instance.Dir); err != nil {
		t.Fatal(err)
	}
	journald.Tmpfs(t, instance.Dir, 24<<20)
	instance.Restart(t)
	j := torture.MistreatJournal(t, instance, seed, "a", 2000, 0, 4242)
	followers := startFollowers(t, namespace(instance).Selection, seed)
	caughtUp := func() { followers.await(t, "a", j.Mark(t)) }
	ballast := filepath.Join(j.Path, "ballast")
	for range max(rounds/30, 1) {
		j.Pause(t, 200*time.Millisecond)
		caughtUp() // what comes now may be vacuumed by journald itself
		j.Look(t)
		j.Vacuum(t, 2) // else its own files fill the disk in the end
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		program.Until(t, "journald stores nothing any more", func() bool {
			fill(f) // journald makes room by deleting files
			j.Writer.Boost(2000)
			return !stored(t, j)
		})
		j.Rotate(t)
		j.Look(t)
		if err := errors.Join(f.Close(), os.Remove(ballast)); err != nil {
			t.Fatal(err)
		}
		if !stored(t, j) { // journald may have lost its file for good
			j.Stop(t)
			j.Restart(t)
			j.Writer.Reconnect(j.Native(t))
		}
		program.Until(t, "messages are stored again", func() bool { return stored(t, j) })
		if t.Failed() {
			break
		}
	}
	j.Settle(t)
	followers.check(t, j.Directory)
	if len(followers[0].Holes) == 0 {
		t.Error("the disk was never full: journald has stored every message")
	}
	t.Logf("%d messages, %d known to have been stored", j.Writer.Sent(), j.Stored.Count("a"))
}

// fill makes a file so large that nothing else has room beside it.
func fill(f *os.File) {
	for size := 1 << 20; size >= 4096; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// stored reports whether a message that is logged now is stored.
func stored(t *testing.T, j *torture.Journal) bool {
	t.Helper()
	n := j.Mark(t)
	now := torture.NewStored()
	now.Look(t, j.Files(t)...)
	_, ok := now.Where("a", n)
	return ok
}

// TestFollowNamespaces follows three journalds as one log: the machine's own, which goes on in /var in the middle of it, and
// two of namespaces.
func TestFollowNamespaces(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	system := torture.MistreatJournal(t, journald.StartSystem(t), seed, "system", 700, 0, 4242)
	all := []*torture.Journal{system}
	for i, source := range []string{"b", "c"} {
		j := torture.NewJournal(t, seed+uint64(i), source, 700, 0, 4242)
		link := filepath.Join(system.Root, "var/log/journal", filepath.Base(j.Path))
		if err := os.Symlink(j.Path, link); err != nil {
			t.Fatal(err)
		}
		all = append(all, j)
	}
	// Who starts in a namespace's journal does not know which of the machine's own entries were in /run: see docs/adr/0003.
	followers := startFollowersOf(t, journaldir.Selection{
		Path: system.Root, Namespaces: []string{"*"}, Flags: journaldir.OSRoot,
	}, seed, "system")
	rounds = max(rounds/3, 6)
	for round := range rounds {
		for _, j := range all {
			j.Pause(t, 50*time.Millisecond)
			j.Rotate(t)
		}
		if round == rounds/2 {
			system.FlushToVar(t)
		}
		if t.Failed() {
			break
		}
	}
	for _, j := range all {
		j.Settle(t)
	}
	followers.check(t, system.Directory, all[1].Directory, all[2].Directory)
}

// TestFollowMoved moves the directory away while journald begins to write a file that was empty: what the file has by then
// comes when the directory is back, or when it stays away.
func TestFollowMoved(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	native := j.Native(t)
	log := func(text string) {
		t.Helper()
		if err := native.Message(text); err != nil {
			t.Fatal(err)
		}
		j.Sync(t)
	}
	log("one")
	j.Rotate(t)
	l := openLog(t, namespace(j))
	it, _ := followed(t, l)
	away := filepath.Join(filepath.Dir(j.Dir), ".away-"+filepath.Base(j.Dir))
	t.Cleanup(func() { os.RemoveAll(away) })
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}

	move(j.Dir, away)
	log("two")
	if c, err := it.Next(t.Context()); err == nil {
		t.Errorf("while the directory is away there is %v", recordsOf(c))
	}
	move(away, j.Dir)
	countUntil(t, it, "two")
	move(j.Dir, away)
	log("three")
	countUntil(t, it, "three")
	move(away, j.Dir)
	log("four")
	countUntil(t, it, "four")
}
