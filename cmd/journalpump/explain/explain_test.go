package explain

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"journalpump/cmd/journalpump/config"
	"journalpump/pump"
)

func cursorAt(seqnum uint64) pump.Cursor {
	return pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: seqnum, Realtime: 1_760_000_000_000_000 + seqnum*1_000_000, Parts: pump.HasSeqnum | pump.HasRealtime}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	sender := pump.SenderSnapshot{
		Started: true, Position: pump.Position{Cursor: cursorAt(20)}, Health: pump.Disconnected, LastError: "connection refused",
		Gaps:  pump.GapTotals{Last: []pump.Gap{{SeqnumID: pump.ID128{1}, First: 12, Last: 13, Reason: "corrupted"}}},
		Marks: []pump.Mark{{Position: pump.Position{Cursor: cursorAt(5)}}},
	}
	h := history{sender: sender}
	for _, c := range []struct {
		seqnum uint64
		gets   bool
		want   Status
		why    string
	}{
		{3, true, Before, "before where the sender began"},
		{6, true, Delivered, ""},
		{6, false, Passed, ""},
		{12, true, InGap, "corrupted"},
		{20, true, Delivered, ""},
		{23, true, ToCome, "which is 3s earlier; the destination fails: connection refused"},
	} {
		at := cursorAt(c.seqnum)
		if d := h.of(&at, c.gets); d.Status != c.want || !strings.Contains(d.Why, c.why) {
			t.Errorf("%d: %+v", c.seqnum, d)
		}
	}
	at := cursorAt(3)
	unknown := history{unknown: "there is no state"}
	if d := unknown.of(&at, true); d.Status != Unknown || d.Why != "there is no state" {
		t.Errorf("%+v", d)
	}
}

// mute is a view that does not explain itself, as a sender of another kind may have.
type mute struct{ shows bool }

func (v mute) Render(c *pump.Chunk) *pump.Rendered {
	if !v.shows {
		return &pump.Rendered{}
	}
	return &pump.Rendered{Records: []pump.Record{{Chunk: c}}}
}

func TestViewsThatDoNotExplainThemselves(t *testing.T) {
	t.Parallel()
	c, report := config.Parse("c.json", []byte(`{"readers": {"r": {"senders": {"s": {"output_type": "stdout"}}}}}`))
	if report.HasErrors() {
		t.Fatal(report.Err())
	}
	dict := pump.NewDict()
	chunk := &pump.Chunk{Own: []pump.Field{{Name: "MESSAGE", Value: []byte("x")}}, Refs: []pump.Ref{pump.OwnRef(0)}, Entries: []pump.Entry{{Position: cursorAt(1), Last: 1}}, Dict: dict.Snapshot()}
	for _, shows := range []bool{true, false} {
		spec := pump.ReaderSpec{Senders: []pump.SenderSpec{{Name: "s", View: mute{shows}}}}
		e, err := New(c, c.Readers[0], spec, func(string) bool { return true }, State{Missing: "none"})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Entry(chunk, 0); got.Senders[0].Gets != shows || (got.Senders[0].LeftOut == nil) != shows || got.Message != "x" {
			t.Errorf("%t: %+v", shows, got)
		}
	}
}

// What an entry holds does nothing to a terminal.
func TestWriteIsSafe(t *testing.T) {
	t.Parallel()
	e := Entry{
		Reader: "r", Time: time.Unix(0, 0), Message: "a\x1b[2J\x9b31m\nb\u009b", Priority: "3", Unit: "u\x07.service",
		Senders: []Sender{{Name: "s", Gets: true, TooLong: true, Changes: []Change{
			{Field: "F\x1b", Kind: "left out", Before: "\u009bx", By: []config.Place{{Path: "p", Line: 3}, {Path: "p", Line: 3}}},
			{Field: "LONG", Kind: "added", After: strings.Repeat("é", 1000)},
		}}},
	}
	var plain, coloured strings.Builder
	if err := e.Write(&plain, false); err != nil {
		t.Fatal(err)
	}
	if err := e.Write(&coloured, true); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\u009b", "\x07"} {
		if strings.Contains(plain.String(), bad) {
			t.Errorf("it has %q:\n%q", bad, plain.String())
		}
	}
	for _, want := range []string{"u .service  err\n", "# left out by p (line 3)\n", "… (1000 characters)", "only its beginning is sent"} {
		if !strings.Contains(plain.String(), want) {
			t.Errorf("it does not have %q:\n%s", want, plain.String())
		}
	}
	stripped := coloured.String()
	for _, sgr := range []string{"0", "1", "2", "31", "32", "33"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+sgr+"m", "")
	}
	if stripped != plain.String() {
		t.Errorf("with colours it says something else:\n%s", stripped)
	}
}

// Of an entry that goes routes it is said which, and of one that is left out that a flight recorder may have sent it.
func TestRoutesAndFlightRecorders(t *testing.T) {
	t.Parallel()
	c, report := config.Parse("c.json", []byte(`{"formats": {"f": "%u"}, "readers": {"r": {"senders": {
		"routed": {"output_type": "kafka", "kafka_address": "k", "routes": [{"on": "sshd", "format": "f"}, {"name": "all", "topic": "t.{_PID}"}]},
		"warned": {"output_type": "stdout", "on": "sudo", "flight_recorder": {}},
		"dumps": {"output_type": "stdout", "flight_recorder": {"only": true}}
	}}}}`))
	if report.HasErrors() {
		t.Fatal(report.Err())
	}
	noLog := func(*config.Reader) func(context.Context) (pump.Log, error) { return nil }
	builder := config.Builder{Open: noLog, Logger: slog.New(slog.DiscardHandler)}
	specs, err := builder.Build(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(c, c.Readers[0], specs[0], func(string) bool { return true }, State{Missing: "none"})
	if err != nil {
		t.Fatal(err)
	}
	fields := []pump.Field{{Name: "SYSLOG_IDENTIFIER", Value: []byte("sshd")}, {Name: "MESSAGE", Value: []byte("x")}}
	chunk := &pump.Chunk{Own: fields, Refs: []pump.Ref{pump.OwnRef(0), pump.OwnRef(1)}, Entries: []pump.Entry{{Position: cursorAt(1), Last: 2}}, Dict: pump.NewDict().Snapshot()}
	got := e.Entry(chunk, 0)
	var out strings.Builder
	if err := got.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"r/routed gets it",
		"it goes the route f to f, in the format f\n      it goes the route all to t.{_PID}, as it is",
		"senders.warned.on (line 3): none of the events happens on which it would be sent; the flight recorder sends it nevertheless",
		"senders.dumps.flight_recorder (line 4): the sender gets only what its flight recorder dumps",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
