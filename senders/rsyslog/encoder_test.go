package rsyslog

import (
	"strings"
	"testing"
	"time"

	"journalpump/internal/conf"
	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// entry makes a record of a body, of the 4th of November 2026, 5:06:07.000089.
func entry(body string) []pump.Record {
	at := time.Date(2026, 11, 4, 5, 6, 7, 89_000, time.UTC)
	return sendertest.Batch(0, 1, sendertest.Times(at, 0), sendertest.Bodies(func(int) []byte { return []byte(body) })).Records
}

const full = `{"PRIORITY": 3, "SYSLOG_FACILITY": "4", "HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "sshd", "PID": 4711, "MESSAGE": "a message"}`

func configure(t *testing.T, settings string) *Config {
	t.Helper()
	c := DefaultConfig()
	o, report := conf.Parse("f", []byte(settings))
	o.Decode(c)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMessages(t *testing.T) {
	for _, test := range []struct{ name, settings, body, want string }{
		{"default", `{}`, full, "<35>1 2026-11-04T05:06:07.000089Z web1 sshd 4711 - - a message\n"},
		{"nothing", `{}`, `{}`, "<14>1 2026-11-04T05:06:07.000089Z - - - - - -\n"},
		{"defaults", `{"default_facility": 16, "default_severity": 0}`, `{"MESSAGE": "m"}`, "<128>1 2026-11-04T05:06:07.000089Z - - - - - m\n"},
		{"defaults out of range", `{"default_facility": 24}`, `{"MESSAGE": "m"}`, "<13>1 2026-11-04T05:06:07.000089Z - - - - - m\n"},
		{"structured data", `{"structured_data": "token@41058 id=\"x\""}`, full, "<35>1 2026-11-04T05:06:07.000089Z web1 sshd 4711 - [token@41058 id=\"x\"] a message\n"},
		{"structured data in brackets", `{"structured_data": "[a][b]"}`, full, "<35>1 2026-11-04T05:06:07.000089Z web1 sshd 4711 - [a][b] a message\n"},
		{"3164", `{"format": "RFC3164", "structured_data": "x"}`, full, "<35>Nov  4 05:06:07 web1 sshd[4711]: a message\n"},
		{"3164 nothing", `{"format": "rfc3164"}`, `{}`, "<14>Nov  4 05:06:07 - -[-]: -\n"},
		{"custom all", `{"format": "custom", "structured_data": "a@1 b=\"c\"", "logline": "%pri% %protocol-version% %procotol-version% %timestamp% %timestamp:::date-rfc3339% %HOSTNAME% %app-name% %procid% %msgid% %msg% %structured-data% %% {%nonsense%}"}`, full,
			"35 1 1 Nov  4 05:06:07 2026-11-04T05:06:07.000089Z web1 sshd 4711 - a message a@1 b=\"c\" % {-}\n"},
		{"custom documented", `{"format": "Custom", "logline": "<%pri%>%timestamp% %HOSTNAME% %app-name%[%procid%]: %msg%"}`, full, "<35>Nov  4 05:06:07 web1 sshd[4711]: a message\n"},
		{"custom with its newline", `{"format": "custom", "logline": "%msg%\n"}`, full, "a message\n"},
		{"custom cut off", `{"format": "custom", "logline": "%msg% x%HOSTNAME"}`, full, "a message x\n"},
		{"custom leaves headers", `{"format": "custom", "logline": "%app-name%|%structured-data%|%msg%"}`, `{"SYSLOG_IDENTIFIER": "my äpp"}`, "my äpp|-|-\n"},
		{"headers", `{}`, `{"SYSLOG_IDENTIFIER": "my app", "HOSTNAME": "a\nb", "PID": "x y", "MESSAGE": "m"}`, "<14>1 2026-11-04T05:06:07.000089Z a_b my_app x_y - - m\n"},
		{"lines and NUL", `{}`, `{"MESSAGE": "a\nb\u0000c"}`, "<14>1 2026-11-04T05:06:07.000089Z - - - - - a#012b#000c\n"},
		{"octets", `{"framing": "octet-counted", "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "a\nb\u0000c☃"}`, "11 a\nb#000c☃"},
		{"octets of a short one", `{"framing": "octet-counted", "format": "custom", "logline": "x"}`, `{}`, "1 x"},
		{"cut", `{"max_message_size": 11, "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "123456789☃"}`, "123456789\n"},
		{"not cut", `{"max_message_size": 11, "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "1234567890"}`, "1234567890\n"},
		{"cut octets", `{"max_message_size": 11, "framing": "octet-counted", "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "1234567890x"}`, "10 1234567890"},
		{"datagram", `{"protocol": "udp", "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "a\nb"}`, "a\nb"},
		{"relp", `{"protocol": "relp", "framing": "octet-counted", "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "a\nb"}`, "a\nb"},
		{"default size", `{"max_message_size": 0, "format": "custom", "logline": "%msg%"}`, `{"MESSAGE": "` + strings.Repeat("x", 3000) + `"}`, strings.Repeat("x", 2047) + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEncoder(configure(t, test.settings))
			e.encode(entry(test.body))
			if string(e.out) != test.want {
				t.Errorf("%q, want %q", e.out, test.want)
			}
			if m := string(e.messages[0]); !strings.Contains(test.want, m) || strings.HasSuffix(m, "\n") {
				t.Errorf("the message alone is %q", m)
			}
			if want := strings.Contains(test.name, "cut") && !strings.Contains(test.name, "not") && !strings.Contains(test.name, "off") || test.name == "default size"; (e.cut == 1) != want {
				t.Errorf("%d messages were cut", e.cut)
			}
		})
	}
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	b := sendertest.Batch(0, 100)
	for _, settings := range []string{`{}`, `{"framing": "octet-counted"}`, `{"format": "rfc3164"}`} {
		e := newEncoder(configure(t, settings))
		e.encode(b.Records)
		if n := testing.AllocsPerRun(10, func() { e.encode(b.Records) }); n > 0 {
			t.Errorf("%s: %v allocations a batch", settings, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	batch := sendertest.Batch(0, 1000, sendertest.Size(800))
	e := newEncoder(DefaultConfig())
	b.ReportAllocs()
	b.SetBytes(int64(batch.Bytes))
	for b.Loop() {
		e.encode(batch.Records)
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "entries/s")
}
