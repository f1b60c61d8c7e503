package promise

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/test/program"
)

// stopWithin is how long the agent may take to end when it is told to: its stop_timeout, and what a busy machine adds.
const stopWithin = 20 * time.Second

// agent is the program under test and its files.
type agent struct {
	state        disk
	config       string
	journal      string
	destinations []destination
	gone         []bool // by destination: its name does not resolve
	interval     []float64
	env          []string
	batch        int    // bytes; 0: batchBytes
	unit         string // what the reader wants; "": everything
	guard        string // vacuum_guard; "": the default
	letters      string // dead_letter_file
	dataSize     uint64 // RLIMIT_DATA; 0: none

	process *program.Process
	kills   int
	blocked bool      // its state cannot be saved now
	freed   time.Time // when that was over
	starved bool      // it may open no more files
	edited  bool      // its state was changed, so that what was noted of positions beside it does not count
	fresh   bool      // its state was deleted, or is an older one than it could have been
	most    usage

	witness   *witness
	forgetful bool // it has forgotten something before
}

// usage is what a process takes.
type usage struct{ rss, descriptors, threads int }

func (a *agent) stateFile() string { return filepath.Join(a.state.dir, "state.json") }

// write writes the configuration.
func (a *agent) write(t *testing.T) {
	t.Helper()
	senders := map[string]any{}
	for i, d := range a.destinations {
		host := here
		if a.gone[i] {
			host = nowhere
		}
		s := d.settings(host)
		s["max_send_interval"] = a.interval[i]
		senders[sender(i)] = s
	}
	from := map[string]any{
		"journal_path": a.journal, "journal_backend": "native", "initial_position": "head", "vacuum_guard": cmp.Or(a.guard, "warn"),
		"senders": senders,
	}
	if a.unit != "" {
		from["match_key"], from["match_value"] = "_SYSTEMD_UNIT", a.unit
	}
	text, err := json.Marshal(map[string]any{
		"json_state_file_path": a.stateFile(),
		"dead_letter_file":     a.letters,
		"msg_buffer_max_bytes": cmp.Or(a.batch, batchBytes),
		"readers":              map[string]any{reader: from},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.config+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(a.config+".new", a.config); err != nil {
		t.Fatal(err)
	}
}

const reader = "journal"

func sender(i int) string { return fmt.Sprintf("s%d", i) }

func (a *agent) start(t *testing.T) {
	t.Helper()
	a.process = program.Start(t, a.env, a.config)
	a.starved = false
	if a.dataSize > 0 {
		limit := unix.Rlimit{Cur: a.dataSize, Max: a.dataSize}
		if err := unix.Prlimit(a.process.PID(), unix.RLIMIT_DATA, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Errorf("limiting memory: %v", err)
		}
	}
}

// awaitStart waits until the agent handles signals. Before, they end it.
func (a *agent) awaitStart(t *testing.T) {
	t.Helper()
	program.Until(t, "the agent has started", func() bool { return a.process.Ended() || strings.Contains(a.process.Output(), " started ") })
	if a.process.Ended() {
		t.Errorf("the agent has ended by itself; it said:\n%s", a.process.Output())
	}
}

// kill kills the agent; between is done before it is started again, and returns what that does to its state.
func (a *agent) kill(t *testing.T, between func() robbery) {
	t.Helper()
	a.measure()
	a.process.Kill(t)
	a.kills++
	unsaved := a.unsaved()
	a.fresh = a.fresh || unsaved
	if robbed := between(); robbed != nothing || unsaved {
		a.forget(robbed == ofState)
	}
	a.start(t)
}

// robbery is what the agent is robbed of before it is started again.
type robbery int

const (
	nothing     robbery = iota
	ofPositions         // that were noted beside its state file: they do not go with that any more
	ofState             // and of that itself
)

// forget notes that the agent will start with nothing but what its state file says, or not even that.
func (a *agent) forget(robbed bool) {
	a.forgetful = true
	a.witness.forget(robbed)
}

// stop tells the agent to end and holds it to its time. One so young that it does not handle signals yet is ended by
// the signal itself, before it has done anything.
func (a *agent) stop(t *testing.T) {
	t.Helper()
	a.measure()
	began := time.Now()
	a.process.Signal(t, syscall.SIGTERM)
	r := a.process.Wait(t)
	if a.blocked {
		a.fresh = true
		a.forget(false)
	}
	if r.Code != 0 && !(r.Code == -1 && r.Output == "") && !(r.Code == 1 && a.blocked) {
		t.Errorf("exit status %d after SIGTERM; it said:\n%s", r.Code, r.Output)
	}
	if took := time.Since(began); took > stopWithin {
		t.Errorf("it took %v to stop", took)
	}
}

// unsaved reports whether what was accepted may not have been noted: that is tried again every second.
func (a *agent) unsaved() bool {
	info, err := os.Stat(a.stateFile())
	return a.blocked || err != nil || info.ModTime().Before(a.freed)
}

// measure notes what the process takes now.
func (a *agent) measure() {
	u := a.usage()
	a.most.rss, a.most.descriptors, a.most.threads = max(a.most.rss, u.rss), max(a.most.descriptors, u.descriptors), max(a.most.threads, u.threads)
}

func (a *agent) usage() (u usage) {
	proc := fmt.Sprintf("/proc/%d", a.process.PID())
	if open, err := os.ReadDir(proc + "/fd"); err == nil {
		u.descriptors = len(open)
	}
	text, err := os.ReadFile(proc + "/status")
	if err != nil {
		return u
	}
	for line := range strings.Lines(string(text)) {
		var n int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &n); err == nil {
			u.rss = n
		}
		if _, err := fmt.Sscanf(line, "Threads: %d", &n); err == nil {
			u.threads = n
		}
	}
	return u
}

// limitFiles lets the agent open no more files than it has, or as many as usual.
func (a *agent) limitFiles(t *testing.T, none bool) {
	t.Helper()
	a.starved = none
	limit := unix.Rlimit{Cur: 4096, Max: 4096}
	if none {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.process.PID()))
		if err != nil {
			return // it has just ended
		}
		limit.Cur = uint64(len(open))
	}
	if err := unix.Prlimit(a.process.PID(), unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Errorf("limiting descriptors: %v", err)
	}
}

// rob does what an act says to the state file, between two lives of the agent.
func (a *agent) rob(t *testing.T, act Act) robbery {
	t.Helper()
	text, err := os.ReadFile(a.stateFile())
	if err != nil {
		return nothing // there is none yet
	}
	switch act {
	case StateCut:
		a.fresh = true // what was sent since the one before is sent again, if there is one before
		text = text[:len(text)/2]
	case StateFuture:
		text = []byte(strings.Replace(string(text), `"format": 1`, `"format": 7, "hitherto unknown": [1, {}]`, 1))
	case StateDeleted:
		a.fresh = true
		if err := os.Remove(a.stateFile()); err != nil {
			t.Error(err)
		}
		return ofState
	default:
	}
	switch err := os.WriteFile(a.stateFile(), text, 0o600); {
	case errors.Is(err, unix.ENOSPC):
		a.fresh = true // the act before has filled the disk: so it is cut off, whatever was to become of it
	case err != nil:
		t.Error(err)
	case act == StateFuture:
		a.edited = true
		return ofPositions
	}
	return ofState
}

// blockState makes the state file impossible to save, or lets it be saved again. A directory in the way stops root, too.
func (a *agent) blockState(t *testing.T, block bool) {
	t.Helper()
	a.blocked = block
	if !block {
		a.freed = time.Now()
	}
	obstacle := a.stateFile() + ".new"
	if block {
		_ = os.Remove(obstacle)
		_ = os.MkdirAll(filepath.Join(obstacle, "in the way"), 0o755) // if it is just being saved it stays possible
		return
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Error(err)
	}
}
