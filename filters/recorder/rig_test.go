package recorder_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"journalpump/filters"
	"journalpump/filters/recorder"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/pump"
)

// start is when the first entry of a rig's log is.
const start = 1_760_000_000_000_000

// entry is an entry of a rig's log: so long after the one before, with these fields.
type entry struct {
	pause  time.Duration
	fields []string
}

// rig is a log, and what a lane does with it.
type rig struct {
	t       testing.TB
	entries []entry
	view    filters.ViewConfig
	config  string // flight_recorder
	secrets []secret.Config
	asked   []pump.Recall

	all *pump.Chunk // the log
}

func newRig(tb testing.TB, config string, entries ...entry) *rig {
	tb.Helper()
	levels, err := filters.NewUnitLogLevels([]filters.UnitLogLevelConfig{{ServiceGlob: "*", LogLevel: "WARNING"}})
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{t: tb, entries: entries, config: config, view: filters.ViewConfig{UnitLogLevels: levels}}
	r.all = r.chunk(0, len(entries))
	return r
}

// chunk returns some of the entries, with the fields that several may have in a Dict.
func (r *rig) chunk(from, to int) *pump.Chunk {
	c, dict := &pump.Chunk{}, pump.NewDict()
	shared := map[string]pump.Ref{}
	at := uint64(start)
	for i, e := range r.entries[:to] {
		at += uint64(max(e.pause, time.Millisecond).Microseconds())
		if i < from {
			continue
		}
		first := len(c.Refs)
		for _, text := range append([]string{"_BOOT_ID=" + pump.ID128{7}.String()}, e.fields...) {
			name, value, _ := strings.Cut(text, "=")
			ref, ok := shared[text]
			switch {
			case name == "MESSAGE":
				c.Own = append(c.Own, pump.Field{Name: name, Value: []byte(value)})
				ref = pump.OwnRef(len(c.Own) - 1)
			case !ok:
				ref = dict.Add(pump.Field{Name: name, Value: []byte(value)})
				shared[text] = ref
			}
			c.Refs = append(c.Refs, ref)
		}
		c.Entries = append(c.Entries, pump.Entry{
			Position: pump.Cursor{
				SeqnumID: pump.ID128{1}, Seqnum: uint64(i + 1), BootID: pump.ID128{7}, Monotonic: at - start, Realtime: at,
				XorHash: uint64(i), Parts: pump.HasAll,
			},
			First: uint32(first), Last: uint32(len(c.Refs)),
		})
	}
	c.Dict = dict.Snapshot()
	return c
}

func (r *rig) recorder() (*recorder.Recorder, pump.View) {
	r.t.Helper()
	var c struct {
		FlightRecorder *recorder.Config `json:"flight_recorder"`
	}
	o, report := conf.Parse("f", []byte(`{"flight_recorder": `+r.config+`}`))
	if o.Decode(&c); report.HasErrors() {
		r.t.Fatal(report.Err())
	}
	stage := filters.StageConfig{}
	if len(r.secrets) > 0 {
		stage.Secrets = must(secret.New(r.secrets))
	}
	stage.Watch = must(recorder.Watch(c.FlightRecorder))
	shared := filters.NewStage(stage)
	lifted := r.view
	lifted.Match, lifted.UnitLogLevels = nil, nil
	var routed pump.View
	if len(r.view.Routes) > 0 {
		routed = must(filters.NewView(shared, lifted))
	}
	lifted.Routes = slices.Clone(lifted.Routes)
	for i := range lifted.Routes {
		lifted.Routes[i].On = nil
	}
	opts := recorder.Options{
		Config: *c.FlightRecorder,
		View:   must(filters.NewView(shared, r.view)),
		Lifted: must(filters.NewView(shared, lifted)),
		Marks:  must(filters.NewView(filters.NewStage(stage), lifted)),
		Shows:  r.view.FieldFilter.Keeps,

		Routed:  routed,
		Watched: shared.Watched,
	}
	if opts.Only {
		opts.View = recorder.Nothing{}
	}
	return must(recorder.New(opts)), opts.View
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// lookBack answers as a log with an index does.
func (r *rig) lookBack(what pump.Recall) ([]pump.EntryRef, error) {
	r.asked = append(r.asked, what)
	var found []pump.EntryRef
	for i := range r.all.Entries {
		p := &r.all.Entries[i].Position
		if p.Seqnum >= what.Before.Seqnum || time.UnixMicro(int64(p.Realtime)).Before(what.Since) {
			continue
		}
		if slices.ContainsFunc(what.Any, func(all []pump.Field) bool { return r.has(i, all) }) {
			found = append(found, pump.EntryRef{Chunk: r.all, Index: i})
		}
	}
	return found[max(0, len(found)-what.Limit):], nil
}

func (r *rig) has(i int, all []pump.Field) bool {
	for _, want := range all {
		if !slices.Contains(append([]string{}, r.entries[i].fields...), want.Name+"="+string(want.Value)) {
			return false
		}
	}
	return len(all) > 0
}

// sent returns what a sender gets when it reads so many entries at a time, and what the recorder counted. Each time it is as after a
// restart: nothing but the state is left of what was.
func (r *rig) sent(each int) (records []pump.Record, dumps, suppressed int64) {
	r.t.Helper()
	state := ""
	for from := 0; from < len(r.entries); from += each {
		rec, view := r.recorder()
		c := r.chunk(from, min(from+each, len(r.entries)))
		shown := view.Render(c)
		out, err := rec.Record(c, shown, state, r.lookBack)
		if err != nil {
			r.t.Fatal(err)
		}
		dumps += out.Dumps
		suppressed += out.Suppressed
		next := 0
		for _, x := range out.Additions {
			at, _ := shown.Find(x.Entry)
			records = append(append(records, shown.Records[next:at]...), x.Records...)
			next = at + len(shown.Of(x.Entry))
			if own := x.Records[x.Own]; own.Index != x.Entry || own.Chunk != c {
				r.t.Errorf("the entry's own record is that of entry %d", own.Index)
			}
			state = x.State
		}
		records = append(records, shown.Records[next:]...)
	}
	return records, dumps, suppressed
}

// line is what tests look at in a record.
type line struct {
	Message string `json:"MESSAGE"`
	ID      string `json:"FLIGHT_RECORDER_ID"`
	Index   int    `json:"FLIGHT_RECORDER_INDEX"`
	Key     string `json:"FLIGHT_RECORDER_KEY"`
	Reason  string `json:"FLIGHT_RECORDER_REASON"`
	Mark    string `json:"FLIGHT_RECORDER_MARK"`
	Client  string `json:"FLIGHT_RECORDER_CLIENT"`
	Start   string `json:"FLIGHT_RECORDER_START"`
	Elapsed int64  `json:"FLIGHT_RECORDER_ELAPSED_USEC"`
	Lines   int    `json:"FLIGHT_RECORDER_LINES"`
}

func (r *rig) lines(records []pump.Record) (all []line) {
	r.t.Helper()
	for i := range records {
		var l line
		if err := json.Unmarshal(records[i].Body, &l); err != nil {
			r.t.Fatalf("%v: %s", err, records[i].Body)
		}
		if whole := records[i].Body[:len(records[i].Body)+1]; whole[len(whole)-1] != '\n' {
			r.t.Errorf("no newline follows in memory: %s", whole)
		}
		all = append(all, l)
	}
	return all
}

// brief returns what was sent: messages, those of dumps with their places, of marks the key and the number of lines.
func brief(all []line) (texts []string) {
	for _, l := range all {
		switch {
		case l.Mark != "":
			texts = append(texts, fmt.Sprint(l.Mark, " ", l.Key, " ", l.Lines))
		case l.ID != "":
			texts = append(texts, fmt.Sprint(l.Index, " ", l.Message))
		default:
			texts = append(texts, l.Message)
		}
	}
	return texts
}

// wantSent fails unless that is sent, however many entries are read at a time.
func (r *rig) wantSent(want ...string) {
	r.t.Helper()
	for _, each := range []int{1, 3, len(r.entries)} {
		records, _, _ := r.sent(each)
		if got := brief(r.lines(records)); !slices.Equal(got, want) {
			r.t.Fatalf("%d entries at a time: got\n\t%s\nwant\n\t%s", each, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// of returns an entry of a unit.
func of(unit string, priority int, message string) entry {
	return entry{fields: []string{
		"_TRANSPORT=journal", "_PID=4711", "_UID=33", "_HOSTNAME=host", "_SYSTEMD_UNIT=" + unit, fmt.Sprint("PRIORITY=", priority), "SYSLOG_IDENTIFIER=" + strings.TrimSuffix(unit, ".service"), "MESSAGE=" + message,
	}}
}

// fails returns what systemd says when a unit fails.
func fails(unit string) entry {
	return entry{fields: []string{
		"_TRANSPORT=journal", "_PID=1", "_UID=0", "_HOSTNAME=host", "_SYSTEMD_UNIT=init.scope", "PRIORITY=4", "SYSLOG_IDENTIFIER=systemd",
		"MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c", "UNIT=" + unit, "MESSAGE=" + unit + " failed",
	}}
}

// kernel returns a line of the kernel.
func kernel(message string) entry {
	return entry{fields: []string{"_TRANSPORT=kernel", "PRIORITY=6", "SYSLOG_IDENTIFIER=kernel", "_HOSTNAME=host", "MESSAGE=" + message}}
}

func after(pause time.Duration, e entry) entry {
	e.pause = pause
	return e
}

func with(e entry, fields ...string) entry {
	e.fields = append(slices.Clone(e.fields), fields...)
	return e
}
