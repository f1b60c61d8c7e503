package promise

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Act is what is done to the agent, its journal or its destinations.
type Act string

// The acts.
const (
	Write        Act = "write"             // entries are logged; in a generated journal a file appears
	StartFault   Act = "fault"             // a destination gets a fault
	EndFault     Act = "fault ends"        //
	Kill         Act = "kill -9"           // and start again, as all that end the agent
	Term         Act = "SIGTERM"           //
	Reload       Act = "SIGHUP"            // with nothing changed
	Reconfigure  Act = "changed config"    // a sender's settings are changed
	Unresolvable Act = "name gone"         // a sender's destination gets a name that does not resolve
	Resolvable   Act = "name back"         //
	Freeze       Act = "SIGSTOP"           // for the step's pause
	StateCut     Act = "state cut"         // after kill -9 the state file is truncated
	StateFuture  Act = "state from future" // its format is one that is not known yet
	StateDeleted Act = "state deleted"     //
	StateBlocked Act = "state read-only"   // it cannot be written
	StateFree    Act = "state writable"    //
	StateFull    Act = "state's disk full" //
	FewFiles     Act = "no descriptors"    // the agent may open no more files
	ManyFiles    Act = "descriptors"       //
	Vacuum       Act = "vacuum"            // the oldest files are deleted
	Corrupt      Act = "corruption"        // entries of a finished file become unreadable
	Rotate       Act = "rotate"            // live journals only
	Restart      Act = "journald restarts" // live journals only
	Reboot       Act = "reboot"            // generated ones: another boot ID, and the clock is another one
	SetClock     Act = "clock set"         // generated ones: by up to a day, back or forward
	Dwell        Act = "a while"           // so long that the vacuum guard takes a look
	Others       Act = "others write"      // entries that nobody wants, and nothing else
	Notice       Act = "all is seen"       // until the agent's state says so, or it takes too long
	Stutter      Act = "agent stutters"    // while entries are logged, and rotated where that can be
	StutterLog   Act = "journald stutters" // live journals only; the same
	TakeTurns    Act = "they take turns"   // live journals only; the same, while either the agent runs or journald
)

// Step is an act and the time that is let pass before it.
type Step struct {
	Pause time.Duration
	Act   Act
	Which int   // of the destinations; what else it means depends on the act
	Fault Fault // of StartFault
}

// Plan is what is done in a run. It follows from its seed.
type Plan struct {
	Seed     uint64
	Live     bool // a systemd-journald writes the journal
	Senders  []Kind
	MemLimit int  // GOMEMLIMIT in MiB, 0: none
	DataSize int  // RLIMIT_DATA in MiB, 0: none
	Spool    bool // vacuum_guard
	Match    bool // the reader wants one unit's entries only, and there are others; generated journals only
	Poison   bool // some entries are refused for good, and are dead letters
	Writes   int  // how often entries are written
	Each     int  // how many at a time
	Steps    []Step
}

// Draw draws a plan.
func Draw(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &Plan{
		Seed:   seed,
		Live:   r.IntN(4) == 0,
		Writes: 6 + r.IntN(15),
		Each:   20 + r.IntN(200),
	}
	ks := kinds()
	r.Shuffle(len(ks), func(i, j int) { ks[i], ks[j] = ks[j], ks[i] })
	p.Senders = ks[:1+r.IntN(4)]
	if r.IntN(4) == 0 {
		p.MemLimit = 32
		p.DataSize = r.IntN(2) * 256
	}
	p.Spool, p.Poison = r.IntN(3) == 0, r.IntN(2) == 0
	p.Match = !p.Live && rand.New(rand.NewPCG(seed, 13)).IntN(3) == 0 // a source of its own, so that the rest of the plan is what it was
	// Who deletes the state takes the record of gaps with it, so in such a run no entries vanish.
	robbed := r.IntN(3) == 0
	d := drawer{Rand: r, plan: p, acts: p.acts(robbed), faulty: make([]bool, len(p.Senders))}
	for written := 0; written < p.Writes; {
		if r.IntN(2) == 0 {
			written++
			d.step(Step{Act: Write})
			continue
		}
		d.draw()
	}
	p.addBeginning(robbed)
	p.addOthers()
	p.addStutter()
	return p
}

// acts are those that may be drawn, some more often than others.
func (p *Plan) acts(robbed bool) []Act {
	acts := []Act{
		StartFault, StartFault, StartFault, StartFault, EndFault, EndFault,
		Kill, Kill, Kill, Term, Reload, Reconfigure, Unresolvable, Resolvable, Freeze,
		StateCut, StateFuture, StateBlocked, StateFull, StateFree, FewFiles, ManyFiles,
	}
	if robbed {
		acts = append(acts, StateDeleted)
	} else {
		acts = append(acts, Vacuum, Vacuum)
	}
	switch {
	case p.Live:
		acts = append(acts, Rotate, Rotate, Restart)
	case !robbed:
		acts = append(acts, Corrupt, Corrupt)
	}
	if !p.Live {
		acts = append(acts, Reboot, SetClock)
	}
	if p.Spool {
		acts = append(acts, Dwell)
	}
	return acts
}

type drawer struct {
	*rand.Rand
	plan   *Plan
	acts   []Act
	faulty []bool // destinations
}

func (d *drawer) step(s Step) {
	s.Pause = time.Duration(d.IntN(120)) * time.Millisecond
	d.plan.Steps = append(d.plan.Steps, s)
}

func (d *drawer) draw() {
	s := Step{Act: d.acts[d.IntN(len(d.acts))], Which: d.IntN(len(d.plan.Senders))}
	switch s.Act {
	case StartFault:
		faults := d.plan.Senders[s.Which].faults()
		s.Fault = faults[d.IntN(len(faults))]
		d.faulty[s.Which] = true
	case EndFault:
		if !d.faulty[s.Which] {
			return
		}
		d.faulty[s.Which] = false
	default:
	}
	d.step(s)
}

// String describes a plan, a step a line.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: live=%t senders=%q memory limit=%d MiB, data size=%d MiB, spool=%t match=%t poison=%t, %d times %d entries\n",
		p.Seed, p.Live, p.Senders, p.MemLimit, p.DataSize, p.Spool, p.Match, p.Poison, p.Writes, p.Each)
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%3d. after %3d ms: %s", i, s.Pause.Milliseconds(), s.Act)
		switch s.Act {
		case StartFault:
			fmt.Fprintf(&b, " %q of %s", s.Fault, p.Senders[s.Which])
		case EndFault, Unresolvable, Resolvable, Reconfigure:
			fmt.Fprintf(&b, " of %s", p.Senders[s.Which])
		default:
		}
		b.WriteByte('\n')
	}
	return b.String()
}
