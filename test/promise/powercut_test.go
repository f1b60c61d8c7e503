package promise

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/test/lossyfs"
	"journalpump/test/program"
)

// TestPowerCut has the power fail again and again: the agent is killed, and of what it has written to its state, its spool, its dead
// letters and its output all that it has not synced is gone, or some of it. Nothing may be missing afterwards, no file be
// damaged, and nothing come again that the state on the disk said was accepted. POWER_RUNS (default 3) is how many runs there
// are, TORTURE_SEED the first one's seed.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	runs := fromEnv(t, "POWER_RUNS", 3)
	first := fromEnv(t, "TORTURE_SEED", 1)
	for seed := first; seed < first+runs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			p := newPower(t, seed)
			for range 4 + p.rnd.IntN(5) {
				p.live()
				p.fail()
			}
			p.finish()
		})
	}
}

// power is an agent all of whose files are on a disk that forgets.
type power struct {
	t       *testing.T
	rnd     *rand.Rand
	disk    *lossyfs.Disk
	journal *generated
	agent   *agent
	file    *file
	remote  *logplex // tells every entry that comes again
	picky   *bulk    // refuses some for good
	written int

	outages   []outage
	lost      lossyfs.Lost
	mayRepeat int // in the file: what it had after a power failure and the state did not know of
	spools    int
	spooled   int // entries that the journal lost and the spool kept
}

// outage is what a power failure has left.
type outage struct {
	keep     lossyfs.Keep
	position int // of the remote destination, as the state has it
	arrived  int // how much had come there
}

// Their places among the destinations.
const powerFile, powerRemote, powerPicky = 0, 1, 2

func newPower(t *testing.T, seed uint64) *power {
	t.Helper()
	dir := t.TempDir()
	p := &power{t: t, rnd: rand.New(rand.NewPCG(seed, 11))}
	p.disk = lossyfs.Mount(t, filepath.Join(dir, "disk"))
	path := filepath.Join(dir, "journal")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	p.journal = newGenerated(seed, path)
	home := filepath.Join(dir, "disk", "agent")
	for _, name := range []string{home, filepath.Join(home, "out")} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		syncDir(t, filepath.Dir(name)) // an administrator has made them long ago
	}
	p.file = &file{disk: disk{dir: filepath.Join(home, "out")}, fsync: 0.1 * float64(p.rnd.IntN(4))}
	p.remote, p.picky = newLogplex(t), newBulk(t, nil)
	p.picky.setPicky(true)
	p.agent = &agent{
		state: disk{dir: home}, config: filepath.Join(dir, "config.json"), journal: path,
		destinations: []destination{p.file, p.remote, p.picky}, gone: make([]bool, 3), interval: []float64{0.05, 0.05, 0.05},
		guard: "spool", letters: filepath.Join(home, "dead.jsonl"),
	}
	p.agent.write(t)
	p.agent.start(t)
	return p
}

func syncDir(t *testing.T, path string) {
	t.Helper()
	d, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		t.Fatal(err)
	}
}

// live lets the agent do its work for a while, and some of the time has the journal lose what only the spool holds then.
func (p *power) live() {
	for range 1 + p.rnd.IntN(4) {
		p.log()
		program.Pause(p.t, time.Duration(p.rnd.IntN(250))*time.Millisecond)
	}
	switch p.rnd.IntN(4) {
	case 0:
		if p.spools++; p.spools <= 2 { // the journal doubles with each
			p.spool()
		}
	case 1:
		p.await("something is saved", func(s *stateFile) bool { return p.position(s, powerFile) > p.written/2 })
	default:
	}
}

func (p *power) log() { p.written = p.journal.write(p.t, 1+p.rnd.IntN(150)) }

// spool has the journal lose what the remote destination, which is down, has not got, once the agent says that it keeps it.
func (p *power) spool() {
	t := p.t
	p.await("all is delivered and saved", func(s *stateFile) bool {
		return s.Readers[reader].Spooled.Entries == 0 && p.position(s, powerFile) == p.written && p.position(s, powerRemote) == p.written &&
			p.position(s, powerPicky) == p.written
	})
	p.remote.set(t, Refuse)
	defer p.remote.set(t, None)
	delivered := p.written
	gone := p.vacuum(delivered)
	p.written = p.journal.write(t, gone+100) // more than it was when something was deleted: now the journal seems to be full
	lacking := p.written
	p.log()
	p.await("what is in danger is in the spool", func(s *stateFile) bool {
		return s.Readers[reader].Spooled.Entries >= int64(lacking-delivered)
	})
	p.spooled += p.vacuum(lacking)
}

// vacuum deletes all files with nothing but entries up to one, and returns how many entries were in them.
func (p *power) vacuum(upTo int) (entries int) {
	for p.journal.files[0].last <= upTo {
		f := p.journal.files[0]
		if err := os.Remove(f.path); err != nil {
			p.t.Fatal(err)
		}
		entries += f.last - f.first + 1
		if p.journal.files = p.journal.files[1:]; len(p.journal.files) == 0 {
			break
		}
	}
	return entries
}

func (p *power) await(what string, condition func(*stateFile) bool) {
	p.t.Helper()
	program.Until(p.t, what, func() bool {
		s := p.state()
		return s != nil && condition(s)
	})
}

// state reads the state file, nil if there is none.
func (p *power) state() *stateFile {
	text, err := os.ReadFile(p.agent.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s stateFile
	if err := errors.Join(err, json.Unmarshal(text, &s)); err != nil {
		p.t.Fatalf("the state file: %v:\n%s", err, text)
	}
	return &s
}

// position returns the last entry that a sender has done with.
func (p *power) position(s *stateFile, i int) int {
	if s == nil {
		return 0
	}
	at, _ := parsePlace(s.Readers[reader].Senders[sender(i)].Sent.Cursor)
	return int(at.seqnum)
}

// fail is a power failure, after which the agent is started again.
func (p *power) fail() {
	t := p.t
	p.agent.process.Kill(t)
	p.checkOutput()
	keep := lossyfs.Any(p.rnd)
	lost := p.disk.Cut(t, p.rnd, keep)
	p.lost.Writes += lost.Writes
	p.lost.Names += lost.Names
	s := p.state()
	p.outages = append(p.outages, outage{keep, p.position(s, powerRemote), len(p.remote.accepted(t))})
	known := p.position(s, powerFile)
	for _, n := range p.file.accepted(t) {
		if n > known {
			p.mayRepeat++
		}
	}
	p.agent.start(t)
}

// checkOutput looks for what the agent may never have to say, whenever the power fails.
func (p *power) checkOutput() {
	p.t.Helper()
	out := p.agent.process.Output()
	for _, never := range []string{"level=ERROR", "state file " + p.agent.stateFile() + " is damaged", "entries are missing"} {
		if strings.Contains(out, never) {
			p.t.Errorf("the agent says %q:\n%s", never, out)
		}
	}
}

func (p *power) finish() {
	t := p.t
	p.agent.stop(t)
	p.checkOutput()
	if r := program.Start(t, nil, "--once", p.agent.config).Wait(t); r.Code != 0 {
		t.Errorf("exit status %d of --once; it said:\n%s", r.Code, r.Output)
	}
	repeated := p.check("the file", p.file.accepted(t), nil)
	if repeated > p.mayRepeat {
		t.Errorf("%d entries came to the file again, %d may", repeated, p.mayRepeat)
	}
	p.checkLines()
	all := p.remote.accepted(t)
	p.check("the remote destination", all, nil)
	for _, o := range p.outages {
		for _, n := range all[o.arrived:] {
			if n <= o.position {
				t.Errorf("keeping %v, the state said %d and entry %d came again", o.keep, o.position, n)
			}
		}
	}
	buried, _ := p.agent.buried(t, sender(powerPicky))
	p.check("the picky destination", p.picky.accepted(t), buried)
	for name, s := range p.state().Readers[reader].Senders {
		if s.Gaps.Count > 0 {
			t.Errorf("%s has gaps though nothing was lost: %+v", name, s.Gaps)
		}
	}
	t.Logf("%d entries, %d power failures, which took %d writes and %d names; %d entries came to the file again, %d at most; the spool had to give %d",
		p.written, len(p.outages), p.lost.Writes, p.lost.Names, repeated, p.mayRepeat, p.spooled)
}

// check reports entries that did not come, and returns how many came again. Those that were refused are elsewhere.
func (p *power) check(where string, got []int, refused map[int]bool) (again int) {
	p.t.Helper()
	times := make([]int, p.written+1)
	for _, n := range got {
		if times[n]++; times[n] > 1 {
			again++
		}
	}
	missing := 0
	for n := 1; n < len(times); n++ {
		if times[n] == 0 && !refused[n] {
			if missing++; missing <= 5 {
				p.t.Errorf("%s: entry %d is missing", where, n)
			}
		}
	}
	if missing > 5 {
		p.t.Errorf("%s: and so on, %d in all", where, missing)
	}
	return again
}

// checkLines holds the file to whole lines of JSON.
func (p *power) checkLines() {
	p.t.Helper()
	text, err := os.ReadFile(p.file.path())
	if err != nil {
		p.t.Fatal(err)
	}
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if !json.Valid(line) {
			p.t.Errorf("line %d of the file is %q", n+1, line[:min(len(line), 200)])
		}
	}
}
