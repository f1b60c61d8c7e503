package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

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
	rounds = int(number("FOLLOW_ROUNDS", 40))
	seed = number("FOLLOW_SEED", uint64(time.Now().UnixNano()&0xffffff))
	t.Logf("FOLLOW_SEED=%d FOLLOW_ROUNDS=%d", seed, rounds)
	return rounds, seed
}

// TestFollow follows a journald of several users while all sorts of things happen to its files. Nothing that exists is
// missed, nothing comes twice, and what went unread is in a gap.
func TestFollow(t *testing.T) {
	t.Parallel()
	rounds, seed := followSettings(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	j := torture.NewJournal(t, seed, "a", 2000, 0, 4242, 4243)
	l := openLog(t, namespace(j.Instance))
	followers := []*follower{
		startFollower(t, l, followOptions{}),
		startFollower(t, l, followOptions{replaced: rand.New(rand.NewPCG(seed, 3))}),
		startFollower(t, l, followOptions{replaced: rand.New(rand.NewPCG(seed, 4)), back: true}),
	}
	caughtUp := func() { awaitAll(t, followers, "a", j.Writer.Mark(t, j.Instance)) }
	acts := torture.Acts()
	growth := newGrowth(rounds)
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
	growth.check(t)
	j.Settle(t)
	last := j.Writer.Sent()
	awaitAll(t, followers, "a", last)
	present := torture.Present(t, j.Files(t)...)
	for i, f := range followers {
		f.stop(t)
		f.check(t, fmt.Sprintf("follower %d", i), j.Stored, present)
	}
	t.Logf("%d messages, %d stored; %v", last, j.Stored.Count("a"), j.Done)
	t.Logf("from sending to delivery: %v", followers[0].sent)
	t.Logf("from journald's timestamp to delivery: %v", followers[0].stamped)
}

// growth compares what the process holds early and late in a run.
type growth struct {
	early      int // rounds
	before     torture.Usage
	goroutines int
}

func newGrowth(rounds int) *growth { return &growth{early: rounds / 5} }

func (g *growth) due(round int) bool { return round == g.early }

func (g *growth) measure(t *testing.T) {
	t.Helper()
	runtime.GC()
	g.before, g.goroutines = torture.Measure(t, os.Getpid()), runtime.NumGoroutine()
}

// The bounds allow for what comes and goes: files that are just being read, and what the test itself remembers.
const (
	moreDescriptors = 12
	moreGoroutines  = 4
	moreBytes       = 96 << 20
)

func (g *growth) check(t *testing.T) {
	t.Helper()
	late := time.Now().Add(2 * orphanTime) // files that were deleted stay open for a while
	now := torture.Measure(t, os.Getpid())
	for now.Descriptors > g.before.Descriptors+moreDescriptors && time.Now().Before(late) {
		program.Pause(t, 100*time.Millisecond)
		now = torture.Measure(t, os.Getpid())
	}
	runtime.GC()
	goroutines := runtime.NumGoroutine()
	t.Logf("after a fifth of the rounds %v, %d goroutines; in the end %v, %d goroutines", g.before, g.goroutines, now, goroutines)
	if now.Descriptors > g.before.Descriptors+moreDescriptors {
		t.Errorf("%d descriptors, %d before", now.Descriptors, g.before.Descriptors)
	}
	if goroutines > g.goroutines+moreGoroutines {
		t.Errorf("%d goroutines, %d before", goroutines, g.goroutines)
	}
	if now.Resident+now.Mapped > g.before.Resident+g.before.Mapped+moreBytes {
		t.Errorf("%d bytes resident, %d before", now.Resident+now.Mapped, g.before.Resident+g.before.Mapped)
	}
}

func awaitAll(t *testing.T, followers []*follower, source string, number int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i, f := range followers {
		if err := f.await(ctx, source, number); err != nil {
			t.Fatalf("follower %d: %v", i, err)
		}
	}
}
