package promise

import (
	"math/rand/v2"
	"slices"
	"time"
)

// What is added to a plan that is drawn. Each addition has a source of its own, so that the rest is the same with and without.

func (p *Plan) source(n uint64) *rand.Rand { return rand.New(rand.NewPCG(p.Seed, n)) }

// addBeginning has, in one plan of six, entries vanish that the agent has seen and a sender, whose destination was never there, has not
// sent.
func (p *Plan) addBeginning(robbed bool) {
	r := p.source(19)
	if robbed || r.IntN(4) > 0 {
		return
	}
	which := r.IntN(len(p.Senders))
	none := slices.DeleteFunc(p.Senders[which].faults(), func(f Fault) bool { return !f.total() })
	steps := []Step{{Act: StartFault, Which: which, Fault: none[r.IntN(len(none))]}}
	if p.Match {
		steps = append(steps, Step{Act: Others}, Step{Act: Notice})
	}
	steps = append(steps, Step{Act: Write}, Step{Act: Write}, Step{Act: Write}, Step{Act: Notice})
	if p.Live {
		steps = slices.Insert(steps, 2, Step{Act: Rotate}, Step{Act: Rotate}, Step{Act: Rotate})
	}
	if r.IntN(2) == 0 {
		steps = append(steps, Step{Act: Kill})
	}
	for range 1 + r.IntN(2) {
		steps = append(steps, Step{Act: Vacuum})
	}
	for i := range steps {
		steps[i].Pause = time.Duration(r.IntN(60)) * time.Millisecond
	}
	// A state file that is cut would take the record of it all.
	p.Steps = slices.Concat(steps, slices.DeleteFunc(p.Steps, func(s Step) bool { return s.Act == StateCut }))
}

// addOthers has whole files of what nobody wants appear.
func (p *Plan) addOthers() {
	if p.Match {
		p.insert(p.source(23), 3, Others)
	}
}

// addStutter has the agent or journald stutter, or one run while the other stands still, in one plan of three.
func (p *Plan) addStutter() {
	r := p.source(29)
	switch {
	case r.IntN(3) > 0:
	case p.Live:
		p.insert(r, 4, Stutter, StutterLog, TakeTurns, TakeTurns)
	default:
		p.insert(r, 4, Stutter)
	}
}

// insert inserts up to so many of the acts anywhere.
func (p *Plan) insert(r *rand.Rand, most int, acts ...Act) {
	for range 1 + r.IntN(most) {
		s := Step{Act: acts[r.IntN(len(acts))], Pause: time.Duration(r.IntN(120)) * time.Millisecond}
		p.Steps = slices.Insert(p.Steps, r.IntN(len(p.Steps)+1), s)
	}
}
