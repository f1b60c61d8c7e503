package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"journalpump/test/journald"
	"journalpump/test/program"
)

// journald's own vacuum deletes what a sender has not delivered because its destination is down. With the guard off, or only
// warning, that is one gap, exactly; the warning says when it will be.
func TestVacuumOfWhatWasNotDelivered(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"off", "warn"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			v := startVacuum(t, "4M", object{"vacuum_guard": mode})
			if mode == "warn" {
				v.fill(t, 100*time.Millisecond, v.warned) // time to see it coming
			} else {
				v.fill(t, 10*time.Millisecond, func(*testing.T) bool { return true })
			}
			if out := v.pump.Output(); mode == "off" && strings.Contains(out, "deleted from the journal") {
				t.Errorf("it warns though it is off:\n%s", out)
			}
			accepted, surviving := v.accepted(t), v.firstSeqnum(t)
			v.finish(t)
			gaps := v.state(t).Gaps
			want := gap{First: accepted + 1, Last: surviving - 1, Count: surviving - accepted - 1, Reason: "vacuumed"}
			if gaps.Count != 1 || len(gaps.Last) != 1 || gaps.Last[0] != want {
				t.Errorf("the gaps are %+v, want one of %+v", gaps, want)
			}
		})
	}
}

// With a spool nothing is missing, whatever journald deletes, though the agent is killed and started again while it copies. Once all
// is delivered nothing is kept.
func TestVacuumSpool(t *testing.T) {
	t.Parallel()
	v := startVacuum(t, "2M", object{"vacuum_guard": "spool", "vacuum_spool_bytes": "64MiB"})
	accepted := v.accepted(t)
	add := func(n int) { v.logToSpool(t, n) }
	for v.firstSeqnum(t) <= accepted+1 {
		add(700)
	}
	v.log(t, 400)
	program.Pause(t, time.Duration(v.rnd.IntN(1500))*time.Millisecond)
	v.pump.Kill(t) // while it copies, or so
	v.pump = program.Start(t, nil, v.s.config())
	first := v.firstSeqnum(t)
	add(100)
	for v.firstSeqnum(t) == first {
		add(700)
	}
	v.log(t, 100) // some that are in the journal only
	v.j.Sync(t)
	out := v.finish(t)
	out.exactly(t, map[string]int{"native": v.written})
	r := v.reader(t)
	if gaps := r.Senders["out"].Gaps; gaps.Count != 0 || r.Spooled.Entries != 0 {
		t.Errorf("gaps %+v, %d entries in the spool", gaps, r.Spooled.Entries)
	}
	left, err := filepath.Glob(filepath.Join(v.s.state()+".spool", "r", "*.spool"))
	if err != nil || len(left) != 1 {
		t.Errorf("segments that are left: %v, %v", left, err)
	}
}

// What led to a flight recorder's dump is in it though journald has deleted that meanwhile, as far as it is in the spool.
func TestFlightRecorderLooksIntoTheSpool(t *testing.T) {
	t.Parallel()
	v := startVacuum(t, "2M", object{
		"vacuum_guard": "spool", "vacuum_spool_bytes": "64MiB",
		"flight_recorder": object{
			"criteria": object{"name": "gave_up", "when": object{"fields": object{"MESSAGE": "^giving up"}}},
			"only":     true, "key": "_PID", "buffer_size": 100_000, "window": 0,
		},
	})
	accepted := v.accepted(t)
	for v.firstSeqnum(t) <= accepted+1 {
		v.logToSpool(t, 700)
	}
	v.log(t, 100) // some that are in the journal only
	if err := v.native.Message("giving up"); err != nil {
		t.Fatal(err)
	}
	v.j.Sync(t)
	v.deliver(t)
	program.Until(t, "the dump is whole", func() bool {
		text, err := os.ReadFile(v.dumps())
		return err == nil && bytes.Contains(text, []byte(`"end"`))
	})
	v.pump.Stop(t)
	var got []int
	for _, r := range readRecorded(t, v.dumps()) {
		if n, ok := parseNumber(r.Message); ok {
			got = append(got, n.n)
		}
	}
	if want := v.written - firstMessages; len(got) < want { // the first ones were accepted, and nobody keeps them
		t.Fatalf("%d messages are in the dump, want %d at least", len(got), want)
	}
	for i, n := range got {
		if want := v.written - len(got) + 1 + i; n != want {
			t.Fatalf("message %d follows %d of %d in the dump, want %d", n, i, len(got), want)
		}
	}
}

// vacuum is a journal that is nearly full, and a pump whose destination is down after the first entries.
type vacuum struct {
	s       setup
	j       *journald.Instance
	pump    *program.Process
	down    string // a file where the output's directory should be
	native  *journald.Native
	written int // messages
	rnd     *rand.Rand
}

const firstMessages = 50

// startVacuum starts it. A flight_recorder among the reader's settings is that of a second sender.
func startVacuum(t *testing.T, most string, reader object) *vacuum {
	t.Helper()
	v := &vacuum{s: newSetup(t), j: journald.Start(t, "SystemMaxUse="+most, "SystemMaxFileSize=512K"), rnd: newRand(t)}
	v.native = v.j.Native(t)
	v.down = filepath.Join(v.s.dir, "archive")
	reader["journal_namespace"] = v.j.Namespace
	senders := object{"out": object{"output_type": "file", "file_output": v.file()}}
	if recorder := reader["flight_recorder"]; recorder != nil {
		delete(reader, "flight_recorder")
		senders["dumps"] = object{"output_type": "file", "file_output": v.dumps(), "flight_recorder": recorder}
	}
	reader["senders"] = senders
	v.s.write(t, reader)
	if err := os.Mkdir(v.down, 0o700); err != nil {
		t.Fatal(err)
	}
	v.log(t, firstMessages)
	v.j.Sync(t)
	if r := program.Run(t, "--once", v.s.config()); r.Code != 0 {
		t.Fatalf("exit status %d: %s", r.Code, r.Output)
	}
	if err := os.Rename(v.down, v.down+".up"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.down, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	v.pump = program.Start(t, nil, v.s.config())
	return v
}

func (v *vacuum) file() string  { return filepath.Join(v.down, "out.ndjson") }
func (v *vacuum) dumps() string { return filepath.Join(v.down, "dumps.ndjson") }

// log logs messages of about a KiB that do not compress well.
func (v *vacuum) log(t *testing.T, n int) {
	t.Helper()
	for range n {
		v.written++
		text := number{"native", v.written}.String()
		for range 64 {
			text += fmt.Sprintf(" %016x", v.rnd.Uint64())
		}
		if err := v.native.Message(text); err != nil {
			t.Fatal(err)
		}
	}
}

// logToSpool logs messages, much less than the journal holds, and waits until they are in the spool.
func (v *vacuum) logToSpool(t *testing.T, n int) {
	t.Helper()
	v.log(t, n)
	v.j.Sync(t)
	program.Until(t, "what was logged is in the spool", func() bool {
		return v.reader(t).Spooled.Entries >= v.written-firstMessages
	})
}

// fill logs until journald has deleted what the sender has not got, and until something else has happened.
func (v *vacuum) fill(t *testing.T, pace time.Duration, happened func(*testing.T) bool) {
	t.Helper()
	accepted := v.accepted(t)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	program.Until(t, "journald has deleted what was not delivered", func() bool {
		<-tick.C
		v.log(t, 30)
		return v.firstSeqnum(t) > accepted+1 && happened(t)
	})
	v.j.Sync(t)
}

// firstSeqnum returns the sequence number of the oldest entry there is.
func (v *vacuum) firstSeqnum(t *testing.T) uint64 {
	t.Helper()
	var first uint64
	names, err := filepath.Glob(filepath.Join(v.j.Dir, "system@*.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // system@SEQNUM_ID-SEQNUM-REALTIME.journal
		parts := strings.Split(filepath.Base(name), "-")
		n, err := strconv.ParseUint(parts[1], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 || n < first {
			first = n
		}
	}
	return first
}

type gap struct {
	First, Last, Count uint64
	Reason             string
}

// senderState is what the state file says of the sender.
type senderState struct {
	Sent struct{ Cursor string }
	Gaps struct {
		Count int
		Last  []gap
	}
	Vacuum *struct{ Seconds float64 }
}

// readerState is what it says of the reader.
type readerState struct {
	Senders map[string]senderState
	Spooled struct{ Entries int }
}

func (v *vacuum) state(t *testing.T) senderState { t.Helper(); return v.reader(t).Senders["out"] }

func (v *vacuum) reader(t *testing.T) readerState {
	t.Helper()
	b, err := os.ReadFile(v.s.state())
	if err != nil {
		t.Fatal(err)
	}
	var state struct{ Readers map[string]readerState }
	if err := json.Unmarshal(b, &state); err != nil {
		t.Fatal(err)
	}
	return state.Readers["r"]
}

// accepted returns the sequence number up to which the sender has delivered.
func (v *vacuum) accepted(t *testing.T) uint64 {
	t.Helper()
	cursor := v.state(t).Sent.Cursor
	for part := range strings.SplitSeq(cursor, ";") {
		if text, ok := strings.CutPrefix(part, "i="); ok {
			n, err := strconv.ParseUint(text, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%q has no sequence number", cursor)
	return 0
}

var warning = regexp.MustCompile(`will soon be deleted.*sender=out in=([0-9hms]+)`)

// warned reports whether there was a warning, and the state file has it, too. Both must say that little time is left.
func (v *vacuum) warned(t *testing.T) bool {
	t.Helper()
	said, saved := warning.FindStringSubmatch(v.pump.Output()), v.state(t).Vacuum
	if said == nil || saved == nil { // it is saved a moment later
		return false
	}
	left, err := time.ParseDuration(said[1])
	if err != nil || left < 0 || left > program.Patience {
		t.Errorf("it warned when it was to take %v: %v", left, err)
	}
	if saved.Seconds < 0 || saved.Seconds > program.Patience.Seconds() {
		t.Errorf("the state file says %+v", saved)
	}
	return true
}

// finish lets the destination be up again, waits until it has the last message and nothing is kept, and stops.
func (v *vacuum) finish(t *testing.T) *output {
	t.Helper()
	out := v.deliver(t)
	v.pump.Stop(t)
	return out
}

// deliver is finish but for the stop.
func (v *vacuum) deliver(t *testing.T) *output {
	t.Helper()
	if err := os.Remove(v.down); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(v.down+".up", v.down); err != nil {
		t.Fatal(err)
	}
	out := newOutput(v.file())
	program.Until(t, "the last message is in the file", func() bool {
		w := out.read(t).ways["native"]
		return w != nil && len(w.seen) > v.written
	})
	program.Until(t, "nothing is kept any more", func() bool { return v.reader(t).Spooled.Entries == 0 })
	if r := out.repeated(); r != "" {
		t.Error(r)
	}
	return out
}
