package stdout

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

func record(body string) *pump.Record {
	at := time.Date(2026, 11, 20, 7, 8, 9, 120e6, time.UTC)
	b := sendertest.Batch(0, 1, sendertest.Bodies(func(int) []byte { return []byte(body) }), sendertest.Times(at, 0))
	return &b.Records[0]
}

func TestText(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"all": {
			`{"timestamp": "2026-11-20T06:00:00.123456", "HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "nginx", "PID": 42,
			  "SYSTEMD_UNIT": "nginx.service", "MESSAGE": "hello", "PRIORITY": 6}`,
			"Nov 20 06:00:00.123 web1 nginx[42]: hello\n",
		},
		"no timestamp":  {`{"MESSAGE": "m", "HOSTNAME": "h"}`, "Nov 20 07:08:09.120 h unknown: m\n"},
		"unit":          {`{"MESSAGE": "m", "SYSTEMD_UNIT": "a.service"}`, "Nov 20 07:08:09.120 a.service: m\n"},
		"command":       {`{"MESSAGE": "m", "COMM": "sh", "SYSLOG_PID": "7"}`, "Nov 20 07:08:09.120 sh[7]: m\n"},
		"no message":    {`{"A": 1}`, `Nov 20 07:08:09.120 unknown: {"A": 1}` + "\n"},
		"null message":  {`{"MESSAGE": null}`, "Nov 20 07:08:09.120 unknown: \n"},
		"number":        {`{"MESSAGE": 12.50}`, "Nov 20 07:08:09.120 unknown: 12.50\n"},
		"not an object": {`[1]`, "Nov 20 07:08:09.120 unknown: [1]\n"},
		"broken":        {`{"MESSAGE": "m", "PID"`, "Nov 20 07:08:09.120 unknown: m\n"},
		"several lines": {
			`{"MESSAGE": "a\r\nb\n\nc\n\n", "SYSLOG_IDENTIFIER": "x"}`,
			"Nov 20 07:08:09.120 x: a\n                       b\n                       \n                       c\n",
		},
		"given twice": {
			`{"MESSAGE": ["a", "b"], "SYSLOG_IDENTIFIER": "x"}`,
			"Nov 20 07:08:09.120 x: a\n                       b\n",
		},
		"other case counts not": {`{"MESSAGE": "m", "message": "n"}`, "Nov 20 07:08:09.120 unknown: m\n"},
		"control characters": {
			`{"MESSAGE": "\u001b[2J\u0007a\tb\u007f\u009b\r!", "SYSLOG_IDENTIFIER": "\u001b]0;x\n", "HOSTNAME": "\u0000", "PID": "\b"}`,
			"Nov 20 07:08:09.120 \\x00 \\x1b]0;x\\x0a[\\x08]: \\x1b[2J\\x07a\tb\\x7f\\x9b\\x0d!\n",
		},
		"direction": {
			`{"MESSAGE": "\u202eabc\u2066\u2028\u200d\ufeff é ☃ 👩‍💻"}`,
			"Nov 20 07:08:09.120 unknown: \\u202eabc\\u2066\\u2028\u200d\\ufeff é ☃ 👩‍💻\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := formatter{zone: time.UTC}
			if got := string(f.append(nil, record(test.body))); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestColors(t *testing.T) {
	f := formatter{zone: time.FixedZone("", 3600), color: true}
	got := string(f.append(nil, record(`{"MESSAGE": "a\nb", "SYSLOG_IDENTIFIER": "x", "PRIORITY": 3}`)))
	want := "\x1b[90mNov 20 08:08:09.120\x1b[0m \x1b[32mx\x1b[0m: \x1b[1;31ma\x1b[0m\n" +
		strings.Repeat(" ", 23) + "\x1b[1;31mb\x1b[0m\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for priority, color := range map[string]string{
		"0": red, "3": red, "4": yellow, "5": bold, `"5"`: bold, "6": "", "7": grey, "8": "", `"x"`: "",
	} {
		got := string(f.append(nil, record(`{"MESSAGE": "m", "PRIORITY": `+priority+`}`)))
		end := "m\n"
		if color != "" {
			end = color + "m" + reset + "\n"
		}
		if !strings.HasSuffix(got, ": "+end) {
			t.Errorf("priority %s: %q", priority, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[2J", "host\n", `{"MESSAGE": "x"}`)
	f.Add("\xff\xc2\x9b", "\u202e", `{"MESSAGE": [1, null, {"a": "\u001b"}]}`)
	f.Fuzz(func(t *testing.T, message, host, raw string) {
		fields, err := json.Marshal(map[string]string{"MESSAGE": message, "HOSTNAME": host, "SYSLOG_IDENTIFIER": message})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{string(fields), raw} {
			f := formatter{zone: time.UTC}
			got := string(f.append(nil, record(body)))
			if !strings.HasSuffix(got, "\n") || !utf8.ValidString(got) {
				t.Fatalf("%q", got)
			}
			for _, r := range got {
				if r != '\n' && r != '\t' && hidden(r) {
					t.Fatalf("%q holds %U", got, r)
				}
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	batch := sendertest.Batch(0, 1000, sendertest.Size(500))
	f := formatter{zone: time.UTC, color: true}
	var buf []byte
	sendertest.Measure(b, batch, func() error {
		buf = buf[:0]
		for i := range batch.Records {
			buf = f.append(buf, &batch.Records[i])
		}
		return nil
	})
}
