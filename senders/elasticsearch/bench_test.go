package elasticsearch

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"journalpump/internal/conf"
	"journalpump/senders/sendertest"
)

// benchEntry is about what the journal has of a service's message.
func benchEntry(number int) []byte {
	return fmt.Appendf(nil, `{"BOOT_ID": "5e9d0000000000000000000000000000", "CAP_EFFECTIVE": "1ffffffffff", "CMDLINE": "/usr/sbin/sshd -D", "COMM": "sshd", `+
		`"EXE": "/usr/sbin/sshd", "GID": 0, "HOSTNAME": "host.example.com", "MACHINE_ID": "0123456789abcdef0123456789abcdef", `+
		`"MESSAGE": "Accepted publickey for user%d from 192.0.2.%d port %d ssh2: ED25519 SHA256:%x", "PID": %d, "PRIORITY": 6, `+
		`"SOURCE_REALTIME_TIMESTAMP": %d, "SYSLOG_FACILITY": 10, "SYSLOG_IDENTIFIER": "sshd", "SYSTEMD_CGROUP": "/system.slice/ssh.service", `+
		`"SYSTEMD_INVOCATION_ID": "fedcba98765432100123456789abcdef", "SYSTEMD_SLICE": "system.slice", "SYSTEMD_UNIT": "ssh.service", "TRANSPORT": "syslog", `+
		`"UID": 0, "timestamp": "2026-11-20T00:00:%02d.%06d"}`,
		number%97, number%250, 1024+number*7919%60000, uint64(number)*2654435761, number%32768, 1_760_000_000_000_000+int64(number)*1234, number/1000%60, number%1000000)
}

// The sink is a server in this process that takes requests and says that all is well; its part is measured too.
func BenchmarkSend(b *testing.B) {
	const entries = 2000
	answer := `{"errors":false,"items":[` + strings.TrimSuffix(strings.Repeat(`{"create":{"status":201}},`, entries), ",") + `]}`
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, _ = io.Copy(io.Discard, r.Body); {
		case r.URL.Path == "/":
			_, _ = io.WriteString(w, `{"cluster_name":"sink","version":{"number":"9.1.4"}}`)
		case strings.HasSuffix(r.URL.Path, "/_bulk"):
			_, _ = io.WriteString(w, answer)
		default:
			_, _ = io.WriteString(w, `{"acknowledged":true}`)
		}
	}))
	defer sink.Close()
	for _, compress := range []bool{true, false} {
		b.Run(fmt.Sprintf("gzip=%t", compress), func(b *testing.B) {
			c := DefaultConfig()
			c.URL, c.Gzip, c.IndexDaysMax = conf.NewSecret(sink.URL), compress, 0
			s, err := c.open(b.Context(), elasticsearch, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			batch := sendertest.Batch(0, entries, sendertest.Bodies(benchEntry))
			if n := len(split(batch.Records, maxRequest)); n != 1 {
				b.Fatalf("%d requests, the sink answers for one", n)
			}
			sendertest.Measure(b, batch, func() error { return s.Send(b.Context(), batch) })
		})
	}
}
