package promise

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"journalpump/test/program"
)

// TestIsolation has one of three destinations swallow everything and answer nothing for a while. The others must not notice, and
// the one must have everything in the end. ISOLATION (default 3s) is for how long, ISOLATION_RATE (default 2000) how many entries
// a second there are. What is usual is shown by a fifth of that time before, and by another agent that reads the same journal at
// the same time for destinations of its own, all of which are well. How long entries take to arrive is reported, not judged: machines
// are noisy.
func TestIsolation(t *testing.T) {
	t.Parallel()
	long := 3 * time.Second
	if text := os.Getenv("ISOLATION"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	rate := int(fromEnv(t, "ISOLATION_RATE", 2000))
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	healthy, bulk, hole := newRELP(t), newBulk(t, nil), newRELP(t)
	a := isolated(t, dir, "a", path, healthy, bulk, hole)
	controlRELP, controlBulk := newRELP(t), newBulk(t, nil)
	control := isolated(t, dir, "control", path, controlRELP, controlBulk, newRELP(t))
	j := &timed{journal: newGenerated(1, path), each: max(rate/2, 1)}
	var seen []*stopwatch
	for _, arriving := range []*arrivals{&healthy.arrivals, &bulk.arrivals, &controlRELP.arrivals, &controlBulk.arrivals} {
		seen = append(seen, watchArrivals(t, arriving))
	}

	j.write(t, long/5)
	calm := a.usage()
	before := j.n
	hole.set(t, Hang)
	j.write(t, long/10)
	early := a.usage()
	j.write(t, long-long/10)
	held := a.usage()
	hole.set(t, None)
	freed := time.Now()
	program.Until(t, "all others have everything", func() bool {
		return !slices.ContainsFunc(seen, func(s *stopwatch) bool { return s.upTo() != j.n })
	})
	program.UntilWithin(t, program.Patience+long, "the one has everything, too", func() bool {
		hole.arrivals.mu.Lock()
		defer hole.arrivals.mu.Unlock()
		return hole.newest == j.n
	})
	caughtUp := time.Since(freed)
	a.stop(t)
	control.stop(t)
	for i, d := range a.destinations {
		got := d.accepted(t)
		slices.Sort(got)
		if distinct := len(slices.Compact(got)); distinct != j.n {
			t.Errorf("%s has %d entries of %d", sender(i), distinct, j.n)
		}
	}
	t.Logf("%d entries/s for %v and then for %v with a black hole; resident %d MiB before, %d MiB after a tenth of it, %d MiB at its end; "+
		"the black-holed one had all %d entries %v later",
		rate, long/5, long, calm.rss>>10, early.rss>>10, held.rss>>10, j.n, caughtUp.Round(time.Second/10))
	for i, name := range []string{"relp", "elasticsearch"} {
		was, is, other := seen[i].delays(j, 0, before), seen[i].delays(j, before, j.n), seen[i+2].delays(j, before, j.n)
		t.Logf("%s: from file to destination p50 %v, p99 %v; with a black hole beside p50 %v, p99 %v; at that time without one p50 %v, p99 %v",
			name, quantile(was, 50), quantile(was, 99), quantile(is, 50), quantile(is, 99), quantile(other, 50), quantile(other, 99))
	}
	const mostRSS = 150 << 10
	if held.rss > mostRSS {
		t.Errorf("the agent has taken %d MiB", held.rss>>10)
	}
}

// isolated starts an agent for some destinations.
func isolated(t *testing.T, dir, name, journal string, to ...destination) *agent {
	t.Helper()
	a := &agent{
		state: disk{dir: filepath.Join(dir, name)}, config: filepath.Join(dir, name+".json"), journal: journal,
		destinations: to, gone: make([]bool, len(to)), interval: slices.Repeat([]float64{0.05}, len(to)), batch: 1 << 20,
	}
	if err := os.Mkdir(a.state.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a.write(t)
	a.start(t)
	return a
}

// timed is a journal that knows when its files appeared.
type timed struct {
	journal *generated
	each    int // entries a file
	n       int
	ends    []int // the last entry of each file
	at      []time.Time
}

// write writes two files a second for so long.
func (j *timed) write(t *testing.T, d time.Duration) {
	t.Helper()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal("the test was ended")
		}
		j.n = j.journal.write(t, j.each)
		j.ends = append(j.ends, j.n)
		j.at = append(j.at, time.Now())
	}
}

// stopwatch notes when entries arrived at a destination.
type stopwatch struct {
	mu   sync.Mutex
	upto []int
	at   []time.Time
}

func watchArrivals(t *testing.T, a *arrivals) *stopwatch {
	t.Helper()
	s := &stopwatch{}
	passed, done := make(chan int, 1<<16), make(chan struct{})
	a.mu.Lock()
	a.passed = passed
	a.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case n := <-passed:
				s.mu.Lock()
				s.upto, s.at = append(s.upto, n), append(s.at, time.Now())
				s.mu.Unlock()
			case <-done:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		wg.Wait()
	})
	return s
}

func (s *stopwatch) upTo() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.upto) == 0 {
		return 0
	}
	return s.upto[len(s.upto)-1]
}

// delays returns how long it took, from when the files were there, until the last entry of each file had arrived, for the files
// with entries after the number first up to the number last. They are sorted.
func (s *stopwatch) delays(j *timed, first, last int) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d []time.Duration
	for i, end := range j.ends {
		if end <= first || end > last {
			continue
		}
		at, _ := slices.BinarySearch(s.upto, end)
		d = append(d, s.at[at].Sub(j.at[i]))
	}
	slices.Sort(d)
	return d
}

func quantile(sorted []time.Duration, percent int) string {
	if len(sorted) == 0 {
		return strconv.Itoa(0)
	}
	return sorted[(len(sorted)-1)*percent/100].Round(time.Millisecond / 10).String()
}
