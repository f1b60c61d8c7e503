package recorder_test

import (
	"fmt"
	"testing"
)

// from returns what a program writes to syslog.
func from(identifier string, facility int, message string) entry {
	return entry{fields: []string{
		"_TRANSPORT=syslog", "_PID=1234", "_SYSTEMD_UNIT=x.service", "PRIORITY=6", "SYSLOG_IDENTIFIER=" + identifier,
		fmt.Sprint("SYSLOG_FACILITY=", facility), "MESSAGE=" + message,
	}}
}

func TestCriteria(t *testing.T) {
	t.Parallel()
	kernelLine := func(text string) entry { e := kernel(text); e.fields = append(e.fields, "_SYSTEMD_UNIT=k"); return e }
	id := func(id string) entry { return with(of("x.service", 6, "x"), "MESSAGE_ID="+id) }
	for _, c := range []struct {
		criterion string
		holds     bool
		entry     entry
	}{
		{"failed_login", true, from("sshd", 4, "Failed password for root from 192.0.2.1 port 22 ssh2")},
		{"failed_login", true, from("sshd-session", 3, "Failed password for invalid user x from 192.0.2.1 port 22 ssh2")},
		{"failed_login", true, from("sshd", 10, "error: maximum authentication attempts exceeded for root from 192.0.2.1 port 22 ssh2 [preauth]")},
		{"failed_login", true, from("sshd", 10, "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root")},
		{"failed_login", true, from("gdm-password]", 10, "pam_sss(gdm-password:auth): authentication failure; logname= uid=0")},
		{"failed_login", true, from("sudo", 10, "  tj : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")},
		{"failed_login", true, from("sudo", 10, "tj : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")},
		{"failed_login", true, from("su", 10, "FAILED SU (to root) tj on pts/0")},
		{"failed_login", true, from("login", 10, "FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure")},
		{"failed_login", true, from("proftpd", 3, "localhost (localhost[127.0.0.1]) - USER tj (Login failed): Incorrect password.")},
		{"failed_login", true, from("sshd-auth", 3, "Failed password for root from 192.0.2.1 port 22 ssh2")},
		{"failed_login", true, from("sudo", 3, "tj : user NOT authorized on host ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")},
		{"failed_login", true, from("proftpd", 3, "localhost (localhost[127.0.0.1]) - USER tj: no such user found from localhost [127.0.0.1] to 127.0.0.1:21")},
		{"failed_login", false, from("sshd", 4, "Accepted password for root from 192.0.2.1 port 22 ssh2")},
		{"failed_login", false, from("sshd", 4, "Failed publickey for root from 192.0.2.1 port 22 ssh2: RSA SHA256:x")},
		{"failed_login", false, from("sudo", 10, "tj : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id")},
		{"failed_login", false, from("sudo", 10, "pam_unix(sudo:session): session opened for user root(uid=0) by tj(uid=1000)")},
		{"failed_login", false, from("myapp", 3, "Failed password for the vault")},

		{"untimely_death", true, id("d9b373ed55a64feb8242e02dbe79a49c")},
		{"untimely_death", true, id("fc2e22bc6ee647b6b90729ab34a250b1")},
		{"untimely_death", true, id("fe6faa94e7774663a0da52717891d8ef")},
		{"untimely_death", true, id("d989611b15e44c9dbf31e3c81256e4ed")},
		{"untimely_death", false, id("be02cf6855d2428ba40df7e9d022f03d")},
		{"untimely_death", false, id("39f53479d3a045ac8e11786248231fbf")},
		{"untimely_death", true, kernelLine("nginx[4711]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so.6[7f+1000]")},
		{"untimely_death", true, kernelLine("traps: x[4711] general protection fault ip:7f sp:7f error:0 in libc.so.6[7f+1000]")},
		{"untimely_death", true, kernelLine("Out of memory: Killed process 4711 (mysqld) total-vm:1kB, anon-rss:1kB")},
		{"untimely_death", true, kernelLine("Out of memory (oom_kill_allocating_task): Killed process 4711 (mysqld) total-vm:1kB, anon-rss:1kB")},
		{"untimely_death", true, kernelLine("Out of memory: Kill process 4711 (mysqld) score 987 or sacrifice child")},
		{"untimely_death", true, kernelLine("Memory cgroup out of memory: Killed process 4711 (mysqld) total-vm:1kB")},
		{"untimely_death", true, kernelLine("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task_memcg=/,task=x,pid=1,uid=0")},
		{"untimely_death", false, kernelLine("usb 1-1: new high-speed USB device")},
		{"untimely_death", false, of("x.service", 6, "nginx[4711]: segfault at 0 ip")},

		{"unit_failed", true, id("be02cf6855d2428ba40df7e9d022f03d")},
		{"unit_failed", true, id("d9b373ed55a64feb8242e02dbe79a49c")},
		{"unit_failed", false, id("fc2e22bc6ee647b6b90729ab34a250b1")},

		{"priority_at_least(err)", true, of("x.service", 3, "x")},
		{"priority_at_least(err)", true, of("x.service", 0, "x")},
		{"priority_at_least(err)", false, of("x.service", 4, "x")},
		{"priority_at_least(2)", false, of("x.service", 3, "x")},
		{"priority_at_least(DEBUG)", true, of("x.service", 7, "x")},
	} {
		r := newRig(t, fmt.Sprintf(`{"criteria": %q, "only": true}`, c.criterion), c.entry)
		if _, dumps, _ := r.sent(1); dumps == 1 != c.holds {
			t.Errorf("%s of %q: %t", c.criterion, c.entry.fields, dumps == 1)
		}
	}
}

func TestOwnCriteria(t *testing.T) {
	t.Parallel()
	newRig(t, `{"criteria": [
			{"name": "gave_up", "when": {"units": "a*", "fields": {"MESSAGE": "giving up"}}},
			{"name": "late", "when": {"expression": "int(MESSAGE) > 100"}}
		]}`,
		of("b.service", 7, "giving up"), of("a.service", 7, "99"), of("a.service", 7, "giving up"), of("b.service", 6, "101"),
	).wantSent(
		"begin _SYSTEMD_UNIT=a.service 1", "1 99", "2 giving up", "end _SYSTEMD_UNIT=a.service 1",
		"begin _SYSTEMD_UNIT=b.service 1", "1 giving up", "2 101", "end _SYSTEMD_UNIT=b.service 1")
}
