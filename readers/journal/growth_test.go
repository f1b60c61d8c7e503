package journal

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"journalpump/test/program"
	"journalpump/test/torture"
)

// growth compares what is held early and late in a run: files of the journal and, where no other tests run beside this one,
// the whole process's memory and goroutines.
type growth struct {
	dir   string
	early int // round
	alone bool
	begin held
}

// held is what is held when nothing happens.
type held struct {
	files, goroutines int
	heap              uint64
	process           torture.Usage
}

func (h held) String() string {
	return fmt.Sprintf("%d files, %d goroutines, %.1f MiB in use; %v", h.files, h.goroutines, float64(h.heap)/(1<<20), h.process)
}

func newGrowth(dir string, rounds int) *growth {
	return &growth{dir: dir, early: rounds / 5, alone: os.Getenv("FOLLOW_ROUNDS") != ""}
}

func (g *growth) due(round int) bool { return round == g.early }

func (g *growth) measure(t *testing.T) {
	t.Helper()
	g.begin = g.atRest(t)
}

const (
	moreFiles      = 3 // copies and links aside, there are as many files as there were, or one a user more
	moreGoroutines = 2
	moreBytes      = 8 << 20
	messageBytes   = 200 // what the test itself remembers of each
)

func (g *growth) check(t *testing.T, messages int) {
	t.Helper()
	end := g.atRest(t)
	t.Logf("held after a fifth of the rounds: %s", g.begin)
	t.Logf("held in the end: %s", end)
	if end.files > g.begin.files+moreFiles {
		t.Errorf("%d files are open, %d before", end.files, g.begin.files)
	}
	if !g.alone {
		return
	}
	if end.process.Descriptors > g.begin.process.Descriptors+moreFiles {
		t.Errorf("%d descriptors, %d before", end.process.Descriptors, g.begin.process.Descriptors)
	}
	if end.goroutines > g.begin.goroutines+moreGoroutines {
		t.Errorf("%d goroutines, %d before", end.goroutines, g.begin.goroutines)
	}
	more := moreBytes + messages*messageBytes
	if end.heap > g.begin.heap+uint64(more) || end.process.Resident > g.begin.process.Resident+2*more {
		t.Errorf("%s, %s before", end, g.begin)
	}
}

// atRest measures when files that were deleted are no longer kept open.
func (g *growth) atRest(t *testing.T) held {
	t.Helper()
	late := time.Now().Add(program.Patience)
	for torture.Deleted(t, os.Getpid(), g.dir) > 0 && time.Now().Before(late) {
		program.Pause(t, 100*time.Millisecond)
	}
	debug.FreeOSMemory()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return held{
		heap:       memory.HeapAlloc,
		files:      torture.Open(t, os.Getpid(), g.dir),
		goroutines: runtime.NumGoroutine(),
		process:    torture.Measure(t, os.Getpid()),
	}
}
