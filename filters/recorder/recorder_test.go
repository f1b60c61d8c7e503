package recorder_test

import (
	"strings"
	"testing"
	"time"

	"journalpump/filters"
	"journalpump/filters/secret"
	"journalpump/pump"
)

func TestWhatLedToAFailureIsSentBeforeIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{}`,
		of("a.service", 7, "a1"), of("b.service", 7, "b1"), of("a.service", 4, "a2 is sent anyway"), of("a.service", 6, "a3"),
		fails("a.service"), of("a.service", 7, "a4"))
	r.wantSent("a2 is sent anyway", "begin _SYSTEMD_UNIT=a.service 2", "1 a1", "2 a3", "3 a.service failed", "end _SYSTEMD_UNIT=a.service 2")
	records, dumps, _ := r.sent(10)
	if dumps != 1 {
		t.Errorf("%d dumps", dumps)
	}
	begin := r.lines(records)[1]
	if begin.Reason != "untimely_death" || begin.Elapsed != 4000 || begin.Start != "2025-10-09T08:53:20.001000Z" ||
		begin.Message != "-----BEGIN UNTIMELY DEATH FORENSICS-----" {
		t.Errorf("it begins with %+v", begin)
	}
}

// Of two dumps of a key the second begins where the first one ended, whatever their reasons.
func TestDumpsDoNotRepeatEntries(t *testing.T) {
	t.Parallel()
	newRig(t, `{"cooldown": 0, "criteria": ["untimely_death", "priority_at_least(crit)"]}`,
		of("a.service", 7, "1"), of("a.service", 2, "critical"), of("a.service", 7, "2"), fails("a.service"), fails("a.service"),
	).wantSent(
		"begin _SYSTEMD_UNIT=a.service 1", "1 1", "2 critical", "end _SYSTEMD_UNIT=a.service 1",
		"begin _SYSTEMD_UNIT=a.service 1", "1 2", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1",
		"begin _SYSTEMD_UNIT=a.service 0", "1 a.service failed", "end _SYSTEMD_UNIT=a.service 0")
}

func TestCooldown(t *testing.T) {
	t.Parallel()
	newRig(t, `{"cooldown": "1m"}`,
		of("a.service", 7, "1"), fails("a.service"), of("a.service", 7, "2"), after(59*time.Second, fails("a.service")), fails("b.service"),
		of("a.service", 7, "3"), after(time.Second, fails("a.service")),
	).wantSent(
		"begin _SYSTEMD_UNIT=a.service 1", "1 1", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1",
		"a.service failed",
		"begin _SYSTEMD_UNIT=b.service 0", "1 b.service failed", "end _SYSTEMD_UNIT=b.service 0",
		"begin _SYSTEMD_UNIT=a.service 2", "1 2", "2 3", "3 a.service failed", "end _SYSTEMD_UNIT=a.service 2")
}

func TestMaxPerHour(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"cooldown": 0, "max_per_hour": 2, "window": 0}`,
		of("a.service", 7, "1"), fails("a.service"), after(30*time.Minute, fails("b.service")), of("a.service", 7, "2"), fails("a.service"),
		after(31*time.Minute, fails("a.service")))
	r.wantSent(
		"begin _SYSTEMD_UNIT=a.service 1", "1 1", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1",
		"begin _SYSTEMD_UNIT=b.service 0", "1 b.service failed", "end _SYSTEMD_UNIT=b.service 0",
		"a.service failed",
		"begin _SYSTEMD_UNIT=a.service 1", "1 2", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1")
	if _, dumps, suppressed := r.sent(2); dumps != 3 || suppressed != 1 {
		t.Errorf("%d dumps, %d suppressed", dumps, suppressed)
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	entries := []entry{
		fails("a.service"), of("a.service", 7, "1"), of("b.service", 7, "b"), of("a.service", 3, "2"), after(time.Minute, of("a.service", 7, "3")),
		of("a.service", 7, "4"),
	}
	dump := []string{"begin _SYSTEMD_UNIT=a.service 0", "1 a.service failed", "end _SYSTEMD_UNIT=a.service 0"}
	for config, want := range map[string][]string{
		`{}`:              {"2"},
		`{"after": 3}`:    {"3 1", "4 2", "5 3"},
		`{"after": "1m"}`: {"3 1", "4 2"},
		`{"after": {"entries": 1, "time": "1h"}}`: {"3 1", "2"},
		`{"after": {"entries": 9, "time": "1h"}}`: {"3 1", "4 2", "5 3", "6 4"},
	} {
		newRig(t, config, entries...).wantSent(append(dump[:3:3], want...)...)
	}
	// What followed one dump is not in the next one.
	newRig(t, `{"after": 1, "cooldown": 0}`, fails("a.service"), of("a.service", 7, "1"), of("a.service", 7, "2"), fails("a.service")).wantSent(
		append(dump[:3:3], "3 1", "begin _SYSTEMD_UNIT=a.service 1", "1 2", "2 a.service failed", "end _SYSTEMD_UNIT=a.service 1")...)
}

// The marks have places in a dump as all else has: what follows goes on after the one at the end. It is the example of
// docs/flight-recorder.md.
func TestIndices(t *testing.T) {
	t.Parallel()
	sshd := func(priority int, message string) entry {
		return with(of("ssh.service", priority, message), "SYSLOG_FACILITY=10")
	}
	r := newRig(t, `{"key": "_PID", "after": 2}`,
		sshd(6, "Connection from 192.0.2.7 port 50022 on 192.0.2.1 port 22"), sshd(7, `debug1: PAM: initializing for "root"`),
		sshd(6, "Failed password for root from 192.0.2.7 port 50022 ssh2"),
		sshd(6, "Connection closed by authenticating user root 192.0.2.7 port 50022 [preauth]"), sshd(3, "it goes anyway"), sshd(7, "none follows"))
	for _, each := range []int{1, 10} {
		records, _, _ := r.sent(each)
		lines := r.lines(records)
		for i, l := range lines {
			if l.Index != i || l.ID != lines[0].ID || (l.Mark != "") != (i == 0 || i == 4) {
				t.Errorf("%d entries at a time: record %d is %+v", each, i, l)
			}
		}
		if len(lines) != 7 || lines[0].Client != "192.0.2.7" {
			t.Errorf("%d entries at a time: %+v", each, lines)
		}
	}
}

func TestHowFarItLooksBack(t *testing.T) {
	t.Parallel()
	entries := []entry{
		of("a.service", 7, "1"), after(time.Minute, of("a.service", 7, "2")), of("a.service", 7, "3"), with(of("a.service", 7, "4"), "_TRANSPORT=stdout"),
		of("a.service", 5, "5"), fails("a.service"),
	}
	for config, want := range map[string][]string{
		`{"window": "30s"}`:                               {"2", "3", "4", "5"},
		`{"window": 0}`:                                   {"1", "2", "3", "4", "5"},
		`{"buffer_size": 2}`:                              {"4", "5"},
		`{"capture": {"priority": "notice"}}`:             {"5"},
		`{"capture": {"transports": ["stdout"]}}`:         {"4"},
		`{"capture": {"units": ["other*", "b.*"]}}`:       {},
		`{"buffer_size": 3, "capture": {"units": "a.*"}}`: {"3", "4", "5"},
	} {
		r := newRig(t, config, entries...)
		var got []string
		records, _, _ := r.sent(10)
		for _, l := range r.lines(records) {
			if l.Mark == "" && l.Message != "a.service failed" {
				got = append(got, l.Message)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %q, want %q", config, got, want)
		}
	}
}

func TestWhatAnEntryIsAbout(t *testing.T) {
	t.Parallel()
	const coreDump = "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1"
	victim := func(unit, pid string) entry {
		e := of(unit, 7, "a line of it")
		e.fields = append(e.fields[:1:1], append([]string{"_PID=" + pid}, e.fields[2:]...)...)
		return e
	}
	for name, c := range map[string]struct {
		config, key string
		trigger     entry
	}{
		"what systemd says":                  {`{}`, "_SYSTEMD_UNIT=a.service", fails("a.service")},
		"what somebody else says of it":      {`{}`, "_SYSTEMD_UNIT=evil.service", entry{fields: []string{"_PID=7", "_UID=0", "_SYSTEMD_UNIT=evil.service", "UNIT=a.service", "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c", "MESSAGE=x"}}},
		"a core dump":                        {`{}`, "_SYSTEMD_UNIT=a.service", entry{fields: []string{"_PID=7", "_UID=0", "_SYSTEMD_UNIT=systemd-coredump@1.service", "COREDUMP_UNIT=a.service", coreDump, "MESSAGE=x"}}},
		"a core dump that somebody made up":  {`{}`, "_SYSTEMD_UNIT=evil.service", entry{fields: []string{"_PID=7", "_UID=5", "_SYSTEMD_UNIT=evil.service", "COREDUMP_UNIT=a.service", coreDump, "MESSAGE=x"}}},
		"its PID":                            {`{"key": "_PID"}`, "_PID=4711", entry{fields: []string{"_PID=7", "_UID=0", "COREDUMP_PID=4711", coreDump, "MESSAGE=x"}}},
		"several fields":                     {`{"key": ["_SYSTEMD_UNIT", "_PID"]}`, "_SYSTEMD_UNIT=a.service _PID=4711", entry{fields: []string{"_PID=7", "_UID=0", "COREDUMP_UNIT=a.service", "COREDUMP_PID=4711", coreDump, "MESSAGE=x"}}},
		"an out-of-memory kill, by cgroup":   {`{}`, "_SYSTEMD_UNIT=a.service", kernel("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/a.service,task_memcg=/system.slice/a.service,task=a,pid=4711,uid=0")},
		"one of an old kernel, by PID":       {`{}`, "_SYSTEMD_UNIT=a.service", kernel("Out of memory: Kill process 4711 (a) score 987 or sacrifice child")},
		"an out-of-memory kill, by PID":      {`{}`, "_SYSTEMD_UNIT=a.service", kernel("Out of memory: Killed process 4711 (a) total-vm:1kB")},
		"a segfault":                         {`{}`, "_SYSTEMD_UNIT=a.service", kernel("a[4711]: segfault at 0 ip 0000 sp 0000 error 4 in a[400000+1000]")},
		"a general protection fault":         {`{"key": "_PID"}`, "_PID=4711", kernel("traps: a[4711] general protection fault ip:0 sp:0 error:0 in a[0+1]")},
		"a segfault of nobody that is known": {`{}`, "_TRANSPORT=kernel", kernel("x[99]: segfault at 0 ip 0000 sp 0000 error 4 in x[400000+1000]")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.config, victim("a.service", "4711"), victim("b.service", "4712"), c.trigger)
			records, _, _ := r.sent(10)
			lines := r.lines(records)
			if len(lines) < 2 || lines[0].Key != c.key {
				t.Fatalf("%q, want a dump of %s", brief(lines), c.key)
			}
			if about := strings.Contains(c.key, "a.service") || strings.Contains(c.key, "4711"); about != (lines[1].Message == "a line of it") {
				t.Errorf("%q", brief(lines))
			}
		})
	}
}

// Entries without any of the key's fields belong to nothing.
func TestNoKey(t *testing.T) {
	t.Parallel()
	newRig(t, `{"criteria": "priority_at_least(err)"}`, entry{fields: []string{"PRIORITY=7", "MESSAGE=1"}}, entry{fields: []string{"PRIORITY=2", "MESSAGE=2"}}).
		wantSent("1", "2") // as unit log levels let pass what has no unit
}

func TestWhatIsSecretStaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"criteria": "failed_login"}`,
		of("sshd.service", 7, "token=abc from 192.0.2.7 port 22"), of("sshd.service", 6, "Failed password for root from 192.0.2.7 port 4711 ssh2"))
	r.secrets = []secret.Config{{Pattern: "token=[a-z]+", Replacement: "token=*"}, {Pattern: `192\.0\.2\.\d+`, Replacement: "x.x.x.x"}}
	records, _, _ := r.sent(10)
	if len(records) != 4 {
		t.Fatalf("%d records", len(records))
	}
	for i := range records {
		if body := string(records[i].Body); strings.Contains(body, "abc") || strings.Contains(body, "192.0.2") {
			t.Errorf("%s", body)
		}
	}
	if l := r.lines(records); l[0].Client != "" || l[1].Message != "token=* from x.x.x.x port 22" {
		t.Errorf("%+v", l)
	}
}

func TestFieldFiltersApply(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{}`, of("a.service", 7, "1"), fails("a.service"))
	r.view.FieldFilter = must(filters.NewFieldFilter(filters.FieldFilterConfig{Fields: []string{"message", "timestamp"}}))
	records, _, _ := r.sent(10)
	if len(records) != 4 {
		t.Fatalf("%d records", len(records))
	}
	for i := range records {
		if body := string(records[i].Body); strings.Contains(body, "a.service\"") || strings.Contains(body, `"PID"`) || strings.Contains(body, "FLIGHT_RECORDER_KEY") {
			t.Errorf("%s", body)
		}
	}
}

// Each record of a dump has an ID that is the same when the dump is made again, and no other record's.
func TestIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"cooldown": 0}`, of("a.service", 7, "1"), fails("a.service"), fails("a.service"), fails("b.service"))
	ids := func(each int) (all []string) {
		records, _, _ := r.sent(each)
		for i := range records {
			all = append(all, string(records[i].AppendID(nil)))
		}
		return all
	}
	first, second := ids(1), ids(4)
	if strings.Join(first, " ") != strings.Join(second, " ") {
		t.Errorf("%q and %q", first, second)
	}
	seen := map[string]bool{}
	for _, id := range first {
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
	}
}

// Looking back is bounded: by the window, by what was dumped before, and by the number of entries.
func TestWhatIsAskedOfTheLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"buffer_size": 10, "window": "1m", "cooldown": 0}`, fails("a.service"), after(time.Second, fails("a.service")))
	r.sent(2)
	if len(r.asked) != 2 {
		t.Fatalf("asked %d times", len(r.asked))
	}
	at := func(i int) time.Time { return time.UnixMicro(int64(r.all.Entries[i].Position.Realtime)) }
	if q := r.asked[0]; q.Limit != 10 || !q.Since.Equal(at(0).Add(-time.Minute)) || q.Before.Cursor != r.all.Entries[0].Position {
		t.Errorf("first %+v", q)
	}
	if q := r.asked[1]; !q.Since.Equal(at(0)) {
		t.Errorf("then since %v, want the first dump's %v", q.Since, at(0))
	}
}

func TestStateThatIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{}`, fails("a.service"))
	rec, view := r.recorder()
	for _, state := range []string{"", "x", "[]", `{"keys": [{"key": "_SYSTEMD_UNIT=a.service", "done": "nonsense"}]}`, `{"keys": 7}`} {
		c := r.chunk(0, 1)
		out, err := rec.Record(c, view.Render(c), state, func(pump.Recall) ([]pump.EntryRef, error) { return nil, nil })
		if err != nil || out.Dumps != 1 {
			t.Errorf("with state %q: %d dumps, %v", state, out.Dumps, err)
		}
	}
}
