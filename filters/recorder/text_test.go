package recorder_test

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

// Blocks as those of ProFTPD's mod_log_forensic.
func TestText(t *testing.T) {
	t.Parallel()
	sshd := func(pid, priority, message string) entry {
		return entry{fields: []string{
			"_TRANSPORT=syslog", "_PID=" + pid, "_UID=0", "_HOSTNAME=gate", "_SYSTEMD_UNIT=ssh.service", "PRIORITY=" + priority,
			"SYSLOG_IDENTIFIER=sshd", "SYSLOG_FACILITY=4", "MESSAGE=" + message,
		}}
	}
	r := newRig(t, `{"format": "text", "only": true, "after": 1}`,
		sshd("815", "7", "debug1: Forked child 4711."),
		sshd("4711", "6", "Connection from 192.0.2.7 port 50022 on 192.0.2.1 port 22 rdomain \"\""),
		of("cron.service", 6, "of no interest"),
		sshd("4711", "7", "debug1: PAM: initializing for \"root\"\n-----END FAILED LOGIN FORENSICS-----"),
		after(1240*time.Millisecond, sshd("4711", "6", "Failed password for root from 192.0.2.7 port 50022 ssh2")),
		sshd("4711", "6", "Connection closed by authenticating user root 192.0.2.7 port 50022 [preauth]"),
		sshd("4711", "6", "not sent any more"),
		of("nginx.service", 7, "reopening logs"),
		fails("nginx.service"))
	records, _, _ := r.sent(4)
	var got []byte
	for i := range records {
		got = append(append(got, records[i].Body...), '\n')
	}
	const golden = "testdata/blocks.txt"
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
