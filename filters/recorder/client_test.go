package recorder_test

import (
	"encoding/json"
	"testing"
)

// Who could not log in, by what programs say; the names that they say are chosen by whoever that is.
func TestClient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ identifier, message, want string }{
		{"sshd", "Failed password for root from 192.0.2.7 port 50022 ssh2", "192.0.2.7"},
		{"sshd-session", "Failed password for invalid user x from 192.0.2.66 port 1 ssh2 from 192.0.2.7 port 50022 ssh2", "192.0.2.7"},
		{"sshd", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=fe80::1%eth0  user=root", "fe80::1%eth0"},
		{"sshd", "pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=a.example user=root", "a.example"},
		{"sshd", "Failed password for somebody else", ""},
		{"proftpd", "ftp (a.example[192.0.2.7]) - USER x (Login failed): Incorrect password", "192.0.2.7"},
		{"dovecot", "pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=x rhost=192.0.2.7", "192.0.2.7"},
		{"vsftpd", `[x] FAIL LOGIN: Client "192.0.2.7"`, "192.0.2.7"},
		{"login", "FAILED LOGIN (1) on '/dev/pts/1' from 'a.example' FOR 'root', Authentication failure", "a.example"},
		{"su", "FAILED SU (to root) anna on pts/0", ""},
	} {
		r := newRig(t, `{"criteria": {"name": "any", "when": {"fields": {"MESSAGE": true}}}}`, from(c.identifier, 10, c.message))
		records, _, _ := r.sent(1)
		if got := r.lines(records)[0].Client; got != c.want {
			t.Errorf("%s: %s: client %q, want %q", c.identifier, c.message, got, c.want)
		}
	}
}

// The marks have the process that the dump is about: the one that could not log in, and not another of the same unit.
func TestProcessOfTheMarks(t *testing.T) {
	t.Parallel()
	other := from("sshd", 4, "Connection from 192.0.2.8 port 1 on 192.0.2.1 port 22")
	other.fields[1] = "_PID=99"
	r := newRig(t, `{}`, other, from("sshd", 4, "Failed password for root from 192.0.2.7 port 50022 ssh2"))
	records, _, _ := r.sent(1)
	var mark struct{ PID int }
	if err := json.Unmarshal(records[0].Body, &mark); err != nil || mark.PID != 1234 {
		t.Errorf("%s: %v", records[0].Body, err)
	}
}
