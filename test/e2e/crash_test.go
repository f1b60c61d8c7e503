package e2e

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// Stops, reloads and kills at random moments under load: nothing is ever missing, and nothing comes twice but what a
// killed process had not saved as delivered.
func TestCrash(t *testing.T) {
	t.Parallel()
	rounds, rnd, s, _, load := startCrashing(t)

	out := newOutput(s.file("out"))
	var ends []end
	for round := range rounds {
		pump := program.Start(t, nil, s.config())
		before := len(out.lines)
		if rnd.IntN(4) > 0 { // otherwise it may end before it has done anything
			program.Until(t, "the program writes", func() bool { return pump.Ended() || len(out.read(t).lines) > before })
		}
		for range rnd.IntN(3) {
			program.Pause(t, time.Duration(rnd.IntN(200))*time.Millisecond)
			pump.Signal(t, syscall.SIGHUP)
		}
		program.Pause(t, time.Duration(rnd.IntN(400))*time.Millisecond)
		killed := kill(t, rnd, pump)
		ends = append(ends, end{lines: len(out.read(t).lines), killed: killed})
		t.Logf("round %d: killed=%t, %d lines", round, killed, len(out.lines))
	}
	sent := load.stop(t)
	pump := program.Start(t, nil, s.config())
	program.Until(t, "all is in the file", func() bool { return out.read(t).hasAll(sent) })
	pump.Stop(t)

	ends = append(ends, end{lines: len(out.read(t).lines)})
	if m := out.missing(sent); m != "" {
		t.Error(m)
	}
	again, err := checkRuns(out.lines, ends)
	if err != nil {
		t.Error(err)
	}
	t.Logf("%v messages, %d of them sent again after a kill", sent, again)
}

// Stops and reloads alone: none missing, none twice.
func TestCrashNever(t *testing.T) {
	t.Parallel()
	rounds, rnd, s, j, load := startCrashing(t)
	for range rounds {
		pump := program.Start(t, nil, s.config())
		program.Pause(t, time.Duration(rnd.IntN(300))*time.Millisecond)
		if rnd.IntN(2) == 0 {
			pump.Signal(t, syscall.SIGHUP)
			program.Pause(t, time.Duration(rnd.IntN(100))*time.Millisecond)
		}
		stop(t, pump)
	}
	sent := load.stop(t)
	j.Sync(t) // what --once doesn't find in the journal it doesn't wait for
	if r := program.Run(t, "--once", s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	newOutput(s.file("out")).read(t).exactly(t, sent)
	t.Logf("%v messages", sent)
}

// startCrashing starts a journald with load, for a program to be stopped and started so many times.
func startCrashing(t *testing.T) (rounds int, rnd *rand.Rand, s setup, j *journald.Instance, l *load) {
	t.Helper()
	rounds = fromEnv(t, "CRASH_ROUNDS", 10, strconv.Atoi)
	rnd = newRand(t)
	j = journald.Start(t)
	s = newSetup(t)
	s.write(t, object{"journal_path": j.Dir})
	return rounds, rnd, s, j, startLoad(t, rnd, 4000, map[string]func(string) error{"native": j.Native(t).Message})
}

// kill ends the program one way or the other and reports whether it was killed.
func kill(t *testing.T, rnd *rand.Rand, pump *program.Process) (killed bool) {
	t.Helper()
	if rnd.IntN(3) == 0 {
		stop(t, pump)
		return false
	}
	pump.Kill(t)
	return true
}

// stop asks the program to stop. A process that is so young that it doesn't handle signals yet is ended by the signal
// itself; it has done nothing by then.
func stop(t *testing.T, pump *program.Process) {
	t.Helper()
	pump.Signal(t, syscall.SIGTERM)
	if r := pump.Wait(t); r.Code != 0 && !(r.Code == -1 && r.Output == "") {
		t.Errorf("exit status %d after SIGTERM; it said:\n%s", r.Code, r.Output)
	}
}

// end is where the output ended when a process did.
type end struct {
	lines  int // complete lines
	killed bool
}

// checkRuns holds the output of several processes, one after the other, against the promise. Messages are numbered in the
// order of the journal, so each process must write consecutive ones. The first of them is the one after the last of
// the process before; when that was killed, it may also be an earlier one, but none from before where that began.
// It returns how many messages were sent again after kills.
func checkRuns(lines []number, ends []end) (again int, err error) {
	from, earliest, latest := 0, 1, 1 // the next process starts with a number between earliest and latest
	for process, end := range ends {
		run := lines[from:end.lines]
		if len(run) == 0 {
			continue // it wrote nothing, so nothing has changed for the next one
		}
		first, last := run[0].n, run[len(run)-1].n
		if first < earliest || first > latest {
			return again, fmt.Errorf("process %d starts with message %d (line %d), want one from %d to %d", process, first, from+1, earliest, latest)
		}
		for i, n := range run {
			if n.n != first+i {
				return again, fmt.Errorf("process %d goes on with message %d (line %d), want %d", process, n.n, from+i+1, first+i)
			}
		}
		again += latest - first
		earliest, latest = last+1, last+1
		if end.killed {
			earliest = first
		}
		from = end.lines
	}
	return again, nil
}

func TestCheckRuns(t *testing.T) {
	t.Parallel()
	seq := func(ns ...int) (lines []number) {
		for _, n := range ns {
			lines = append(lines, number{"x", n})
		}
		return lines
	}
	const stopped, killed = false, true
	for name, tt := range map[string]struct {
		lines []number
		ends  []end
		again int
		ok    bool
	}{
		"stopped":                           {seq(1, 2, 3), []end{{2, stopped}, {3, stopped}}, 0, true},
		"killed":                            {seq(1, 2, 3), []end{{2, killed}, {3, stopped}}, 0, true},
		"nothing written":                   {seq(1, 2), []end{{0, killed}, {2, stopped}, {2, killed}, {2, stopped}}, 0, true},
		"again after a kill":                {seq(1, 2, 2, 3), []end{{2, killed}, {4, stopped}}, 1, true},
		"again after a stop":                {seq(1, 2, 2, 3), []end{{2, stopped}, {4, stopped}}, 0, false},
		"again within a process":            {seq(1, 2, 2, 3), []end{{4, stopped}}, 0, false},
		"missing after a kill":              {seq(1, 2, 4), []end{{2, killed}, {3, stopped}}, 0, false},
		"missing after a stop":              {seq(1, 2, 4), []end{{2, stopped}, {3, stopped}}, 0, false},
		"missing within a process":          {seq(1, 3), []end{{2, stopped}}, 0, false},
		"missing at the start":              {seq(2, 3), []end{{2, stopped}}, 0, false},
		"again after two kills":             {seq(1, 2, 1, 2, 3, 1, 2, 3, 4), []end{{2, killed}, {5, killed}, {9, stopped}}, 5, true},
		"again from before a stop":          {seq(1, 2, 3, 2, 3), []end{{2, stopped}, {3, killed}, {5, stopped}}, 0, false},
		"stopped while repeating":           {seq(1, 2, 3, 1, 2, 3, 4), []end{{3, killed}, {5, stopped}, {7, stopped}}, 3, true},
		"killed, then stopped with no line": {seq(1, 2, 1, 2), []end{{2, killed}, {2, stopped}, {4, stopped}}, 2, true},
	} {
		again, err := checkRuns(tt.lines, tt.ends)
		if (err == nil) != tt.ok || tt.ok && again != tt.again {
			t.Errorf("%s: %d again, %v; want %d, ok %t", name, again, err, tt.again, tt.ok)
		}
	}
}
