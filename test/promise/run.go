package promise

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"journalpump/test/program"
)

// run is a plan being carried out.
type run struct {
	t       *testing.T
	plan    *Plan
	rnd     *rand.Rand
	journal journal
	written int // the number of the last entry
	agent   *agent
	witness *witness

	faulty   []bool // by destination
	troubled []bool // by destination: something was wrong since its sender was last stopped
	stops    []int  // by destination: how often its sender was stopped when a batch may have been accepted in part
	again    int    // entries that came more than once
	missing  int    // entries that nobody could have delivered
	unseen   int    // of them, those that the agent need not have seen
	dead     int    // dead letters
}

// carryOut carries a plan out and holds the outcome against the promise.
func carryOut(t *testing.T, p *Plan) {
	t.Helper()
	r := prepare(t, p)
	w, stop := watch(r.agent.stateFile())
	t.Cleanup(stop)
	r.witness, r.agent.witness = w, w
	r.agent.start(t)
	for _, s := range p.Steps {
		program.Pause(t, s.Pause)
		r.step(s)
		r.notice()
	}
	r.finish()
	stop()
	w.look()
	for i, k := range p.Senders {
		if err := r.check(i, w); err != nil {
			t.Errorf("%s (%s): %v", sender(i), k, err)
		}
		if err := r.replay(i); err != nil {
			t.Errorf("%s (%s): replaying: %v", sender(i), k, err)
		}
	}
	for _, err := range w.faults {
		t.Error(err)
	}
	r.checkUsage()
	t.Logf("%d entries to %d senders, %d kills: %d came again, %d could not be had any more (%d of them unseen), %d were dead letters, at most %d in the spool; "+
		"%d state files; at most %d MiB, %d descriptors, %d threads",
		r.written, len(p.Senders), r.agent.kills, r.again, r.missing, r.unseen, r.dead, w.spooled, w.seen, r.agent.most.rss>>10, r.agent.most.descriptors, r.agent.most.threads)
}

func prepare(t *testing.T, p *Plan) *run {
	t.Helper()
	dir := t.TempDir()
	n := len(p.Senders)
	r := &run{t: t, plan: p, rnd: rand.New(rand.NewPCG(p.Seed, 3)), faulty: make([]bool, n), troubled: make([]bool, n), stops: make([]int, n)}
	path := filepath.Join(dir, "journal")
	if p.Live {
		l := newLive(t)
		r.journal, path = l, l.Dir
	} else {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		g := newGenerated(p.Seed, path)
		if p.Match {
			g.addNoise(p.Seed)
		}
		r.journal = g
	}
	r.agent = &agent{
		state:    newDisk(t, filepath.Join(dir, "state")),
		config:   filepath.Join(dir, "config.json"),
		journal:  path,
		gone:     make([]bool, len(p.Senders)),
		interval: make([]float64, len(p.Senders)),
	}
	if p.Match {
		r.agent.unit = unitName
	}
	if p.Spool {
		r.agent.guard = "spool"
	}
	if p.Poison {
		r.agent.letters = filepath.Join(r.agent.state.dir, "dead.jsonl")
	}
	r.agent.dataSize = uint64(p.DataSize) << 20
	if p.MemLimit > 0 {
		r.agent.env = append(r.agent.env, fmt.Sprintf("GOMEMLIMIT=%dMiB", p.MemLimit))
	}
	for i, k := range p.Senders {
		d := newDestination(t, k, dir)
		if d, ok := d.(picky); ok {
			d.setPicky(p.Poison)
		}
		r.agent.destinations = append(r.agent.destinations, d)
		r.agent.interval[i] = 0.05
	}
	r.agent.write(t)
	return r
}

func (r *run) step(s Step) {
	t, a := r.t, r.agent
	switch s.Act {
	case Write:
		r.written = r.journal.write(t, r.plan.Each)
	case StartFault, EndFault:
		r.setFault(s.Which, s.Fault)
	case Kill:
		a.kill(t, func() robbery { return nothing })
	case StateCut, StateFuture, StateDeleted:
		a.kill(t, func() robbery { return a.rob(t, s.Act) })
	case Term:
		r.interrupt()
		a.stop(t)
		a.start(t)
	case Reload:
		a.awaitStart(t)
		a.process.Signal(t, syscall.SIGHUP)
	case Reconfigure:
		r.interrupt()
		a.interval[s.Which] = 0.05 + 0.05*float64(r.rnd.IntN(3))
		a.reload(t)
	case Unresolvable, Resolvable:
		r.interrupt()
		a.gone[s.Which] = s.Act == Unresolvable
		a.reload(t)
	case Freeze:
		a.process.Signal(t, syscall.SIGSTOP)
		program.Pause(t, time.Duration(r.rnd.IntN(300))*time.Millisecond)
		a.process.Signal(t, syscall.SIGCONT)
	case StateBlocked, StateFree:
		a.blockState(t, s.Act == StateBlocked)
		a.state.free(t)
	case StateFull:
		if a.state.small {
			a.state.fill(t)
			a.blocked = true
		}
	case FewFiles, ManyFiles:
		a.awaitStart(t) // Go itself cannot start without
		a.limitFiles(t, s.Act == FewFiles)
	case Dwell:
		program.Pause(t, 1200*time.Millisecond)
	case Vacuum, Corrupt:
		r.attest()
		r.journal.mistreat(t, s.Act)
	case Rotate, Restart, Reboot, SetClock, Others:
		r.journal.mistreat(t, s.Act)
	case Notice:
		r.awaitNotice()
	case Stutter, StutterLog, TakeTurns:
		r.stutter(s.Act)
	}
}

// stutter logs and rotates while the agent, or journald, or both stand still most of the time.
func (r *run) stutter(act Act) {
	end := func() {}
	l, _ := r.journal.(*live)
	switch act {
	case Stutter:
		end = r.agent.process.Stutter(r.t, r.fork())
	case StutterLog:
		end = l.Stutter(r.t, r.fork())
	case TakeTurns:
		end = l.TakeTurns(r.t, r.fork(), r.agent.process)
	}
	defer end()
	rounds := 4 + r.rnd.IntN(13)
	if act == TakeTurns { // which is faster
		rounds *= 4
	}
	for range rounds {
		r.written = r.journal.write(r.t, 1+r.rnd.IntN(4))
		r.journal.mistreat(r.t, Rotate)
	}
}

// fork returns another source of chance.
func (r *run) fork() *rand.Rand { return rand.New(rand.NewPCG(r.rnd.Uint64(), 0)) }

// awaitNotice waits until the agent's state says that its reader has come to the end, or for as long as that usually takes.
func (r *run) awaitNotice() {
	const tooLong = 3 * time.Second
	_, end := r.journal.places(r.t)
	for limit := time.Now().Add(tooLong); time.Now().Before(limit); program.Pause(r.t, 20*time.Millisecond) {
		if r.witness.look(); r.witness.reached().notBefore(end) {
			return
		}
	}
}

// notice notes what is wrong: with the destinations, or where dead letters are written.
func (r *run) notice() {
	a := r.agent
	for i := range r.troubled {
		r.troubled[i] = r.troubled[i] || a.starved || a.blocked || a.gone[i] || r.faulty[i]
	}
}

// interrupt notes that senders are about to be stopped. A batch that is accepted in part is settled up to the first entry that is
// neither accepted nor a dead letter that is written. Where something was wrong there may be one, and what was accepted behind it comes again.
func (r *run) interrupt() {
	for i, k := range r.plan.Senders {
		if r.troubled[i] && k.acceptsInPart() {
			r.stops[i]++
		}
	}
	clear(r.troubled)
	r.notice()
}

func (r *run) setFault(i int, f Fault) {
	r.faulty[i] = f != None
	r.agent.destinations[i].set(r.t, f)
}

// reload makes the agent take a changed configuration.
func (a *agent) reload(t *testing.T) {
	t.Helper()
	a.write(t)
	a.awaitStart(t)
	a.process.Signal(t, syscall.SIGHUP)
}

// finish ends all that is wrong, stops the agent and has it deliver what is left.
func (r *run) finish() {
	t, a := r.t, r.agent
	r.interrupt()
	if r.rnd.IntN(2) == 0 { // otherwise it has to stop while all is still wrong
		r.mend()
		a.limitFiles(t, false)
		a.reload(t)
	}
	a.stop(t)
	r.mend()
	a.write(t)
	if result := program.Start(t, a.env, "--once", a.config).Wait(t); result.Code != 0 {
		t.Errorf("exit status %d of --once; it said:\n%s", result.Code, result.Output)
	}
}

func (r *run) mend() {
	a := r.agent
	for i, d := range a.destinations {
		d.set(r.t, None)
		a.gone[i], r.faulty[i] = false, false
	}
	a.blockState(r.t, false)
	a.state.free(r.t)
}

// checkUsage holds the agent to bounds that it may not reach however long it runs.
func (r *run) checkUsage() {
	const mostRSS, mostDescriptors, mostThreads = 200 << 10, 200, 60
	if u := r.agent.most; u.rss > mostRSS || u.descriptors > mostDescriptors || u.threads > mostThreads {
		r.t.Errorf("the agent has taken %d MiB, %d descriptors, %d threads", u.rss>>10, u.descriptors, u.threads)
	}
}
