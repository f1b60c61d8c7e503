package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseLevel(t *testing.T) {
	tests := []struct {
		in      string
		want    slog.Level
		wantErr bool
	}{
		{"DEBUG", slog.LevelDebug, false},
		{"info", slog.LevelInfo, false},
		{"WARNING", slog.LevelWarn, false},
		{"WARN", slog.LevelWarn, false},
		{"ERROR", slog.LevelError, false},
		{"CRITICAL", LevelCritical, false},
		{"FATAL", LevelCritical, false},
		{"10", slog.LevelDebug, false},
		{"20", slog.LevelInfo, false},
		{"50", LevelCritical, false},
		{"0", slog.LevelDebug - 4, false},
		{"NOTSET", slog.LevelDebug - 4, false},
		{"-1", 0, true},
		{"", 0, true},
		{"loud", 0, true},
	}
	for _, tt := range tests {
		got, err := ParseLevel(tt.in)
		if got != tt.want || (err != nil) != tt.wantErr {
			t.Errorf("ParseLevel(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestPriority(t *testing.T) {
	for level, want := range map[slog.Level]journal.Priority{
		slog.LevelDebug: journal.PriDebug, slog.LevelInfo: journal.PriInfo, slog.LevelInfo + 1: journal.PriNotice,
		slog.LevelWarn: journal.PriWarning, slog.LevelError: journal.PriErr, LevelCritical: journal.PriCrit,
	} {
		if got := Priority(level); got != want {
			t.Errorf("Priority(%v) = %d, want %d", level, got, want)
		}
	}
}

func TestText(t *testing.T) {
	at := time.Date(2026, 11, 21, 8, 54, 1, 23e6, time.UTC)
	e := event{time: at, level: slog.LevelWarn, message: "cannot\nsend \"it\"", fields: []field{
		{"reader", "main"}, {"error", "connection refused"}, {"empty", ""}, {"bytes", "a\x1b[31m\xff"},
	}}
	const text = `cannot\nsend "it" reader=main error="connection refused" empty="" bytes=a\x1b[31m\xff`
	for style, want := range map[style]string{
		plain:         "2026-11-21 08:54:01.023 WARNING  " + text + "\n",
		journalStream: "<4>" + text + "\n",
		coloured: "\x1b[2m2026-11-21 08:54:01.023\x1b[0m \x1b[33mWARNING \x1b[0m cannot\\nsend \"it\"" +
			" \x1b[2mreader=\x1b[0mmain \x1b[2merror=\x1b[0m\"connection refused\" \x1b[2mempty=\x1b[0m\"\" \x1b[2mbytes=\x1b[0ma\\x1b[31m\\xff\n",
	} {
		var out bytes.Buffer
		if err := (&textSink{out: &out, style: style}).write(e); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("style %d:\n got %q\nwant %q", style, out.String(), want)
		}
	}
}

func TestJournal(t *testing.T) {
	type sent struct {
		Message  string
		Priority journal.Priority
		Fields   map[string]string
	}
	var got []sent
	var fail error
	var text bytes.Buffer
	s := &journalSink{fallback: &textSink{out: &text, style: journalStream}}
	s.send = func(message string, p journal.Priority, fields map[string]string) error {
		got = append(got, sent{message, p, fields})
		return fail
	}
	log := slog.New(&handler{level: slog.LevelInfo, sink: s})
	log.Debug("not this")
	log.With("reader", "main").WithGroup("kafka").Error("cannot send", "last-try", 3, strings.Repeat("long", 20), true)

	long := FieldPrefix + "KAFKA_" + strings.Repeat("LONG", 20)
	want := []sent{{
		Message:  "cannot send reader=main kafka.last-try=3 kafka." + strings.Repeat("long", 20) + "=true",
		Priority: journal.PriErr,
		Fields: map[string]string{
			"SYSLOG_IDENTIFIER": "journalpump", "JOURNALPUMP_READER": "main", "JOURNALPUMP_KAFKA_LAST_TRY": "3",
			long[:maxFieldName]: "true",
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text.Len() != 0 {
		t.Errorf("the fallback got %q", text.String())
	}
	fail = errors.New("no journald")
	log.Info("still heard")
	if text.String() != "<6>still heard\n" {
		t.Errorf("the fallback got %q", text.String())
	}
}

// What JOURNAL_STREAM names must be what stderr is.
func TestStandardSink(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Fstat(2, &st); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	tests := []struct {
		stream      string
		wantJournal bool
	}{
		{"", false},
		{fmt.Sprintf("%d:%d", st.Dev, st.Ino), true},
		{fmt.Sprintf("%d:%d", st.Dev, st.Ino+1), false},
		{"rubbish", false},
	}
	for _, tt := range tests {
		t.Setenv("JOURNAL_STREAM", tt.stream)
		switch s := standardSink(file).(type) {
		case *journalSink:
			if !tt.wantJournal {
				t.Errorf("JOURNAL_STREAM=%q: logs to the journal", tt.stream)
			}
		case *textSink: // without a journald to log to, its stream is what is left
			if (s.style == journalStream) != tt.wantJournal {
				t.Errorf("JOURNAL_STREAM=%q: style %d", tt.stream, s.style)
			}
		}
	}
}

// memory is a sink that keeps what it gets.
type memory struct {
	mu     sync.Mutex
	events []event
}

func (m *memory) write(e event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
	return nil
}

func (m *memory) take() (messages []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		messages = append(messages, e.message)
	}
	m.events = nil
	return messages
}

func TestHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var m *memory
	slogtest.Run(t, func(*testing.T) slog.Handler {
		m = new(memory)
		return &handler{level: slog.LevelInfo, sink: m}
	}, func(t *testing.T) map[string]any {
		t.Helper()
		if len(m.events) != 1 {
			t.Fatalf("%d events", len(m.events))
		}
		e := m.events[0]
		result := map[string]any{slog.MessageKey: e.message, slog.LevelKey: e.level}
		if !e.time.IsZero() {
			result[slog.TimeKey] = e.time
		}
		for _, f := range e.fields {
			at := result
			groups := strings.Split(f.name, ".")
			for _, g := range groups[:len(groups)-1] {
				if at[g] == nil {
					at[g] = map[string]any{}
				}
				at = at[g].(map[string]any)
			}
			at[groups[len(groups)-1]] = f.value
		}
		return result
	})
}

func repeat(message string, n int) []string {
	var all []string
	for range n {
		all = append(all, message)
	}
	return all
}

func TestRepeatsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(memory)
		l := newLimiter(m)
		log := slog.New(&handler{level: slog.LevelInfo, sink: l})
		expect := func(what string, want ...string) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff(want, m.take()); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}

		for i := range 100 {
			log.Error("cannot send", "error", i) // other attributes make no other kind
		}
		expect("a flood", repeat("cannot send", limitBurst)...)
		log.With("sender", "other").Error("cannot send")
		log.Warn("cannot send")
		log.Error("cannot read")
		expect("other kinds", "cannot send", "cannot send", "cannot read")
		time.Sleep(limitWindow - time.Millisecond)
		expect("before the window closes")
		time.Sleep(time.Millisecond)
		expect("the window closes", "cannot send (95 more like it)")
		time.Sleep(limitWindow)
		expect("nothing is left")

		log.Error("cannot send")
		expect("a new window", "cannot send")
		for range limitBurst {
			time.Sleep(limitWindow / limitBurst)
			log.Error("cannot send")
		}
		expect("slow repeats", repeat("cannot send", limitBurst)...)

		for range limitBurst + 3 {
			log.Info("bye")
		}
		m.take()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		expect("close", "bye (3 more like it)")
		for range limitBurst + 3 {
			log.Info("bye")
		}
		expect("after close", repeat("bye", limitBurst+3)...)
		time.Sleep(2 * limitWindow)
		expect("no timer is left")
	})
}

func TestKindsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(memory)
		l := newLimiter(m)
		log := slog.New(&handler{level: slog.LevelInfo, sink: l})
		const n = 10 * limitKinds
		for i := range n {
			log.Info(fmt.Sprintf("new kind %d", i))
		}
		got := m.take()
		if want := limitKinds + limitBurst; len(got) != want {
			t.Errorf("%d messages written, want %d", len(got), want)
		}
		time.Sleep(limitWindow)
		synctest.Wait()
		want := []string{fmt.Sprintf("new kind %d (and %d more messages of various kinds)", n-1, n-limitKinds-limitBurst-1)}
		if diff := cmp.Diff(want, m.take()); diff != "" {
			t.Error(diff)
		}
		log.Info("forgotten kinds make room")
		if len(l.windows) > limitKinds {
			t.Errorf("%d windows", len(l.windows))
		}
		_ = l.Close()
	})
}
