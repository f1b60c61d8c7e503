package syslogmsg

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPartsOfAMessage(t *testing.T) {
	for _, test := range []struct {
		name, body            string
		pri                   int
		host, app, proc, text string
	}{
		{"all", `{"PRIORITY": 3, "SYSLOG_FACILITY": "4", "HOSTNAME": "h", "SYSLOG_IDENTIFIER": "sshd", "PID": 7, "MESSAGE": "m"}`, 35, "h", "sshd", "7", "m"},
		{"nothing", `{}`, 14, "", "", "", ""},
		{"nulls", `{"PRIORITY": null, "HOSTNAME": null, "MESSAGE": null, "SYSLOG_IDENTIFIER": null}`, 14, "", "", "", ""},
		{"unit", `{"SYSTEMD_UNIT": "a.service", "PROCESS_NAME": "p"}`, 14, "", "a.service", "", ""},
		{"process", `{"PROCESS_NAME": "p"}`, 14, "", "p", "", ""},
		{"empty identifier", `{"SYSLOG_IDENTIFIER": "", "SYSTEMD_UNIT": "a.service"}`, 14, "", "a.service", "", ""},
		{"repeated facility", `{"SYSLOG_FACILITY": ["3", "4"], "PRIORITY": [2, 3]}`, 26, "", "", "", ""},
		{"text priority", `{"PRIORITY": " 4 ", "SYSLOG_FACILITY": "auth"}`, 12, "", "", "", ""},
		{"no priority", `{"PRIORITY": "high"}`, 14, "", "", "", ""},
		{"out of range", `{"PRIORITY": 8}`, 13, "", "", "", ""},
		{"negative", `{"SYSLOG_FACILITY": "-1"}`, 13, "", "", "", ""},
		{"facility 23", `{"SYSLOG_FACILITY": "23", "PRIORITY": 7}`, 191, "", "", "", ""},
		{"repeated message", `{"MESSAGE": ["a", "b", 3]}`, 14, "", "", "", "a\nb\n3"},
		{"name twice", `{"MESSAGE": "a", "MESSAGE": "b"}`, 14, "", "", "", "b"},
		{"nested", `{"x": {"MESSAGE": "no", "y": ["}", "\""]}, "MESSAGE": "yes"}`, 14, "", "", "", "yes"},
		{"message that is an object", `{"MESSAGE": {"a": [1, "]"]}}`, 14, "", "", "", `{"a": [1, "]"]}`},
		{"too long", `{"error": "too large", "partial_data": "{\"MESSAGE\": \"x"}`, 14, "", "", "", `too large: {"MESSAGE": "x`},
		{"escapes", `{"MESSAGE": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\u0000"}`, 14, "", "", "", "\"\\/\b\f\n\r\té😀\ufffdx\x00"},
		{"spaces", " {\n\t\"MESSAGE\" :\r\"m\" ,\"PID\":1}", 14, "", "", "1", "m"},
		{"not JSON", `MESSAGE`, 14, "", "", "", ""},
		{"cut off", `{"PID": 1, "MESSAGE": "m`, 14, "", "", "1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Read([]byte(test.body))
			if got := m.Priority(1, 6); got != test.pri {
				t.Errorf("priority %d, want %d", got, test.pri)
			}
			for _, part := range []struct {
				name string
				got  []byte
				want string
			}{
				{"host", m.Host.Append(nil), test.host},
				{"app", m.App.Append(nil), test.app},
				{"procid", m.ProcID.Append(nil), test.proc},
				{"text", m.AppendText(nil), test.text},
			} {
				if string(part.got) != part.want {
					t.Errorf("%s is %q, want %q", part.name, part.got, part.want)
				}
			}
		})
	}
}

func TestHeaderFieldsArePrintable(t *testing.T) {
	for _, test := range []struct {
		value string
		most  int
		want  string
	}{
		{``, 48, "-"},
		{`""`, 48, "-"},
		{`"my app"`, 48, "my_app"},
		{`"a\tb\u0000c\u007f"`, 48, "a_b_c_"},
		{`"naïve☃"`, 48, "na_ve_"},
		{`"abcdef"`, 3, "abc"},
		{`"ab☃cd"`, 3, "ab_"},
		{`4711`, 48, "4711"},
	} {
		if got := AppendHeader([]byte("x "), Value(test.value), test.most); string(got) != "x "+test.want {
			t.Errorf("%s: %q, want %q", test.value, got, "x "+test.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, test := range []struct {
		text, all, nul string
	}{
		{"plain", "plain", "plain"},
		{"a\nb\x00c", "a#012b#000c", "a\nb#000c"},
		{"\n\n", "#012#012", "\n\n"},
		{"\x00", "#000", "#000"},
		{"", "", ""},
	} {
		if got := Escape([]byte("x\n"+test.text), 2, true); string(got) != "x\n"+test.all {
			t.Errorf("%q: %q, want %q", test.text, got, test.all)
		}
		if got := Escape([]byte("x\n"+test.text), 2, false); string(got) != "x\n"+test.nul {
			t.Errorf("%q: %q, want %q", test.text, got, test.nul)
		}
	}
}

func TestCutSplitsNoCharacter(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
		cut  bool
	}{
		{"abc", 3, "abc", false},
		{"abcd", 3, "abc", true},
		{"a☃b", 3, "a", true},
		{"a☃b", 4, "a☃", true},
		{"😀", 3, "", true},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80", true},
	} {
		got, cut := Cut([]byte("x"+test.text), 1, test.most)
		if string(got) != "x"+test.want || cut != test.cut {
			t.Errorf("%q at %d: %q, %v, want %q, %v", test.text, test.most, got[1:], cut, test.want, test.cut)
		}
	}
}

func TestClock(t *testing.T) {
	var c Clock
	for _, test := range []struct {
		realtime         uint64
		rfc3339, rfc3164 string
	}{
		{0, "1970-01-01T00:00:00Z", "Jan  1 00:00:00"},
		{1_763_600_461_000_000, "2025-11-20T01:01:01Z", "Nov 20 01:01:01"},
		{1_763_600_461_000_007, "2025-11-20T01:01:01.000007Z", "Nov 20 01:01:01"},
		{1_762_300_461_120_000, "2025-11-04T23:54:21.120000Z", "Nov  4 23:54:21"},
	} {
		if got := c.AppendRFC3339(nil, test.realtime); string(got) != test.rfc3339 {
			t.Errorf("%d: %s, want %s", test.realtime, got, test.rfc3339)
		}
		if got := c.AppendRFC3164(nil, test.realtime); string(got) != test.rfc3164 {
			t.Errorf("%d: %s, want %s", test.realtime, got, test.rfc3164)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`{"PRIORITY": 3, "SYSLOG_FACILITY": ["4"], "HOSTNAME": "h", "SYSLOG_IDENTIFIER": "sshd", "PID": 7, "MESSAGE": "m"}`,
		`{"MESSAGE": ["a", {"b": "]"}, null], "x": -1.5e300}`,
		`{"MESSAGE": "\ud83d\ude00 \u00", "PRIORITY": "--1"}`,
		`{"MESSAGE": "\`, `{"a":`, `[[[`, `{"MESSAGE": [`, `{"MESSAGE": "\\"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := Read(body)
		pri := m.Priority(1, 6)
		if pri < 0 || pri > 191 {
			t.Errorf("priority %d", pri)
		}
		for _, c := range AppendHeader(nil, m.App, MaxApp) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("a header with %q in it", c)
			}
		}
		text := Escape(m.AppendText(nil), 0, true)
		if bytes.ContainsAny(text, "\n\x00") {
			t.Errorf("not escaped: %q", text)
		}
		Cut(text, 0, 10)

		var object map[string]any
		if !utf8.Valid(body) || json.Unmarshal(body, &object) != nil {
			return
		}
		if want, ok := object["MESSAGE"].(string); ok && !strings.Contains(string(body), `\u`) && want != "" {
			if got := string(m.AppendText(nil)); got != want && strings.Count(string(body), "MESSAGE") == 1 {
				t.Errorf("message %q, want %q", got, want)
			}
		}
	})
}

func TestReadingDoesNotAllocate(t *testing.T) {
	body := []byte(`{"PRIORITY": 3, "SYSLOG_FACILITY": "4", "HOSTNAME": "h", "SYSLOG_IDENTIFIER": "s", "PID": 7, "MESSAGE": "a \"b\" \n c"}`)
	dst := make([]byte, 0, 1000)
	var c Clock
	c.set(1)
	if n := testing.AllocsPerRun(100, func() {
		m := Read(body)
		dst = c.AppendRFC3339(dst[:0], 1_000_001)
		dst = AppendHeader(dst, m.App, MaxApp)
		dst = Escape(m.AppendText(dst), 0, false)
	}); n > 0 {
		t.Errorf("%v allocations a message", n)
	}
}
