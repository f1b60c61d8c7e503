package preset

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/pump"
)

func noEnvironment(string) (string, bool) { return "", false }

// line is an entry as the journal has it, and what becomes of it.
type line struct {
	fields []string // NAME=value
	events string   // those that hold, ALL left out, by name
	json   string   // by the preset's format
}

func identified(name, message string, more ...string) []string {
	return append([]string{"_HOSTNAME=web1", "_PID=4711", "_TRANSPORT=syslog", "PRIORITY=6", "SYSLOG_IDENTIFIER=" + name, "MESSAGE=" + message}, more...)
}

func systemd(id, message string, more ...string) []string {
	return append([]string{"_HOSTNAME=web1", "_PID=1", "_TRANSPORT=journal", "SYSLOG_IDENTIFIER=systemd", "MESSAGE_ID=" + id, "MESSAGE=" + message}, more...)
}

func kernel(message string) []string {
	return []string{"_HOSTNAME=web1", "_TRANSPORT=kernel", "PRIORITY=3", "SYSLOG_IDENTIFIER=kernel", "MESSAGE=" + message}
}

const at = `"timestamp":"2013-08-21 23:08:22,171","server_dns":"web1"`

func TestPresets(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]line{
		"sshd": {
			{identified("sshd", "Accepted publickey for anna from 192.0.2.7 port 52144 ssh2: ED25519 SHA256:mVPwvezndPv/ARoIadVY98vAC0g"), "sshd sshd.login",
				`{` + at + `,"pid":4711,"user":"anna","remote_ip":"192.0.2.7","remote_port":52144,"protocol":"ssh2","response_msg":"Accepted",` +
					`"auth_method":"publickey","key_type":"ED25519","key_fingerprint":"SHA256:mVPwvezndPv/ARoIadVY98vAC0g"}`},
			{identified("sshd-session", "Failed password for invalid user admin user from 2001:db8::9 port 40022 ssh2"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"admin user","remote_ip":"2001:db8::9","remote_port":40022,"protocol":"ssh2","response_msg":"Failed","auth_method":"password"}`},
			{identified("sshd", "Invalid user  from 192.0.2.9 port 40022"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.9","remote_port":40022,"response_msg":"Invalid"}`},
			{identified("sshd", "Connection from 192.0.2.7 port 52144 on 198.51.100.1 port 22 rdomain \"\""), "sshd",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.7","remote_port":52144,"local_ip":"198.51.100.1","local_port":22}`},
			{identified("sshd", "pam_unix(sshd:session): session opened for user anna(uid=1000) by anna(uid=0)"), "CONNECT sshd sshd.connect",
				`{"connecting":true,` + at + `,"pid":4711,"user":"anna"}`},
			{identified("sshd", "Received disconnect from 192.0.2.7 port 52144:11: disconnected by user"), "sshd",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.7","remote_port":52144,"session_end_reason":"disconnected by user"}`},
			{identified("sshd", "Disconnected from user anna 192.0.2.7 port 52144"), "sshd",
				`{` + at + `,"pid":4711,"user":"anna","remote_ip":"192.0.2.7","remote_port":52144,"session_end_reason":"Disconnected"}`},
			{identified("sshd", "pam_unix(sshd:session): session closed for user anna"), "DISCONNECT sshd sshd.disconnect",
				`{"disconnecting":true,` + at + `,"pid":4711,"user":"anna"}`},
			{identified("sshd", "Connection closed by authenticating user root 192.0.2.9 port 40022 [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"root","remote_ip":"192.0.2.9","remote_port":40022,"session_end_reason":"closed"}`},
			{identified("sshd", "Connection reset by 192.0.2.9 port 40022 [preauth]"), "sshd",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.9","remote_port":40022,"session_end_reason":"reset"}`},
			{identified("sshd", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  user=root"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"root","remote_ip":"192.0.2.9","response_msg":"authentication failure"}`},
			{identified("sshd-session", "pam_sss(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=client.example.net user=anna"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"anna","remote_dns":"client.example.net","response_msg":"authentication failure"}`},
			{identified("sshd", "Accepted publickey for anna from fe80::1%eth0 port 52144 ssh2: ECDSA-CERT SHA256:xyz ID anna from 192.0.2.1 port 1 (serial 42) CA ED25519 SHA256:cafe"), "sshd sshd.login",
				`{` + at + `,"pid":4711,"user":"anna","remote_ip":"fe80::1%eth0","remote_port":52144,"protocol":"ssh2","response_msg":"Accepted",` +
					`"auth_method":"publickey","key_type":"ECDSA-CERT","key_fingerprint":"SHA256:xyz"}`},
			{identified("sshd", "Invalid user admin from 192.0.2.9"), "sshd sshd.failed", // as older ones of OpenSSH say it
				`{` + at + `,"pid":4711,"user":"admin","remote_ip":"192.0.2.9","response_msg":"Invalid"}`},
			{identified("sshd", "Received disconnect from 192.0.2.7: 11: disconnected by user"), "sshd",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.7","session_end_reason":"disconnected by user"}`},
			{identified("sshd-session", "Disconnected from authenticating user root 192.0.2.9 port 40022 [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"root","remote_ip":"192.0.2.9","remote_port":40022,"session_end_reason":"Disconnected"}`},
			{identified("sshd-session", "Disconnecting invalid user admin 192.0.2.9 port 40022: Too many authentication failures [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"admin","remote_ip":"192.0.2.9","remote_port":40022,"session_end_reason":"Too many authentication failures"}`},
			{identified("sshd-session", "error: maximum authentication attempts exceeded for invalid user admin from 192.0.2.9 port 40022 ssh2 [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"admin","remote_ip":"192.0.2.9","remote_port":40022,"protocol":"ssh2","response_msg":"maximum authentication attempts exceeded"}`},
			{identified("sshd", "error: PAM: Authentication failure for illegal user admin from client.example.net"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"admin","remote_dns":"client.example.net","response_msg":"Authentication failure"}`},
			{identified("sshd", "User root from 192.0.2.9 not allowed because not listed in AllowUsers"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"root","remote_ip":"192.0.2.9","response_msg":"not allowed because not listed in AllowUsers"}`},
			{identified("sshd", "User bob not allowed because account is locked"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"bob","response_msg":"not allowed because account is locked"}`},
			{identified("sshd", "ROOT LOGIN REFUSED FROM 192.0.2.9 port 40022 [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"remote_ip":"192.0.2.9","remote_port":40022,"response_msg":"ROOT LOGIN REFUSED"}`},
			{identified("sshd", "fatal: Access denied for user anna by PAM account configuration [preauth]"), "sshd sshd.failed",
				`{` + at + `,"pid":4711,"user":"anna","response_msg":"Access denied"}`},
			{identified("sshd", "Server listening on 0.0.0.0 port 22."), "sshd", `{` + at + `,"pid":4711}`},
			{identified("other", "Accepted publickey for anna from 192.0.2.7 port 52144 ssh2"), "", `{` + at + `,"pid":4711}`},
		},
		"sudo": {
			{identified("sudo", "    anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/usr/bin/grep a;b /etc/passwd"), "sudo sudo.command",
				`{` + at + `,"pid":4711,"original_user":"anna","user":"root","dir_path":"/home/anna","raw_command":"/usr/bin/grep a;b /etc/passwd","tty":"pts/0"}`},
			{identified("sudo", "    anna : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/bin/ls"), "sudo sudo.failed",
				`{` + at + `,"pid":4711,"original_user":"anna","user":"root","dir_path":"/home/anna","raw_command":"/bin/ls","response_msg":"3 incorrect password attempts","tty":"pts/0"}`},
			{identified("sudo", "     bob : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id"), "sudo sudo.failed",
				`{` + at + `,"pid":4711,"original_user":"bob","user":"root","dir_path":"/","raw_command":"/usr/bin/id","response_msg":"user NOT in sudoers","tty":"pts/1"}`},
			{identified("sudo", "    anna : PWD=/srv ; USER=www-data ; GROUP=www-data ; ENV=A=1 ; COMMAND=/usr/bin/php cron.php"), "sudo sudo.command",
				`{` + at + `,"pid":4711,"original_user":"anna","user":"www-data","group":"www-data","dir_path":"/srv","raw_command":"/usr/bin/php cron.php"}`},
			{identified("sudo", "     bob : a terminal is required to read the password; either use the -S option or configure an askpass helper ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id"), "sudo sudo.failed",
				`{` + at + `,"pid":4711,"original_user":"bob","user":"root","dir_path":"/","raw_command":"/usr/bin/id",` +
					`"response_msg":"a terminal is required to read the password; either use the -S option or configure an askpass helper"}`},
			{identified("sudo", "     bob : unable to resolve host web1 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id"), "sudo", // a warning; whether it is run is said elsewhere
				`{` + at + `,"pid":4711,"original_user":"bob","user":"root","dir_path":"/","raw_command":"/usr/bin/id","response_msg":"unable to resolve host web1"}`},
			{identified("sudo", "    anna : HOST=web1 ; TTY=pts/0 ; CHROOT=/x ; PWD=/ ; USER=root ; TSID=000001 ; COMMAND=/usr/bin/id"), "sudo sudo.command",
				`{` + at + `,"pid":4711,"original_user":"anna","user":"root","dir_path":"/","raw_command":"/usr/bin/id","tty":"pts/0"}`},
			{identified("sudo", "anna :  PWD=/ ; USER=root ; COMMAND=/usr/bin/id"), "sudo sudo.command", // sudo-rs without a terminal
				`{` + at + `,"pid":4711,"original_user":"anna","user":"root","dir_path":"/","raw_command":"/usr/bin/id"}`},
			{identified("sudo", "pam_unix(sudo-i:auth): auth could not identify password for [bob]"), "sudo sudo.failed", `{` + at + `,"pid":4711}`},
			{identified("sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by anna(uid=1000)"), "sudo",
				`{` + at + `,"pid":4711,"original_user":"anna","user":"root"}`},
		},
		"proftpd": {
			{identified("proftpd", "a (b[192.0.2.7]) - USER x: Login successful: no such user found from 192.0.2.7 [192.0.2.7] to 198.51.100.1:21"), "proftpd proftpd.failed",
				`{"timestamp":"2013-08-21 23:08:22,171","server_dns":"a","pid":4711,"remote_dns":"b","remote_ip":"192.0.2.7","user":"x: Login successful","response_msg":"no such user found"}`},
			{identified("proftpd", "ftp.example.org (client.example.net[192.0.2.7]) - FTP session opened."), "CONNECT proftpd proftpd.connect",
				`{"connecting":true,"timestamp":"2013-08-21 23:08:22,171","server_dns":"ftp.example.org","pid":4711,"remote_dns":"client.example.net","remote_ip":"192.0.2.7","protocol":"FTP"}`},
			{identified("proftpd", "ftp.example.org (::ffff:192.0.2.7[::ffff:192.0.2.7]): USER anna: Login successful."), "proftpd proftpd.login",
				`{"timestamp":"2013-08-21 23:08:22,171","server_dns":"ftp.example.org","pid":4711,"remote_dns":"::ffff:192.0.2.7","remote_ip":"::ffff:192.0.2.7","user":"anna","response_msg":"Login successful"}`},
			{identified("proftpd", "127.0.0.1 (192.0.2.7[192.0.2.7]) - USER anna (Login failed): Incorrect password"), "proftpd proftpd.failed",
				`{"timestamp":"2013-08-21 23:08:22,171","server_dns":"127.0.0.1","pid":4711,"remote_dns":"192.0.2.7","remote_ip":"192.0.2.7","user":"anna","response_msg":"(Login failed): Incorrect password"}`},
			{identified("proftpd", "127.0.0.1 (192.0.2.7[192.0.2.7]) - USER eve: no such user found from 192.0.2.7 [192.0.2.7] to 198.51.100.1:21"), "proftpd proftpd.failed",
				`{"timestamp":"2013-08-21 23:08:22,171","server_dns":"127.0.0.1","pid":4711,"remote_dns":"192.0.2.7","remote_ip":"192.0.2.7","user":"eve","response_msg":"no such user found"}`},
			{identified("proftpd", "127.0.0.1 (192.0.2.7[192.0.2.7]) - FTP session idle timeout, disconnected"), "proftpd",
				`{"timestamp":"2013-08-21 23:08:22,171","server_dns":"127.0.0.1","pid":4711,"remote_dns":"192.0.2.7","remote_ip":"192.0.2.7","session_end_reason":"FTP session idle timeout"}`},
			{identified("proftpd", `client.example.net UNKNOWN anna [21/Aug/2013:23:08:22 +0000] "RETR a \"file\".txt" 226 432 0.211`), "proftpd proftpd.command",
				`{` + at + `,"pid":4711,"remote_dns":"client.example.net","user":"anna","command":"RETR","command_params":"a \\\"file\\\".txt","response_code":226,"bytes_sent":432,"transfer_secs":0.211}`},
			{identified("proftpd", `client.example.net UNKNOWN - [21/Aug/2013:23:08:22 +0000] "USER anna" 331 -`), "proftpd proftpd.command",
				`{` + at + `,"pid":4711,"remote_dns":"client.example.net","command":"USER","command_params":"anna","response_code":331}`},
			{identified("proftpd", "ftp.example.org (client.example.net[192.0.2.7]) - FTP session closed."), "DISCONNECT proftpd proftpd.disconnect",
				`{"disconnecting":true,"timestamp":"2013-08-21 23:08:22,171","server_dns":"ftp.example.org","pid":4711,"remote_dns":"client.example.net","remote_ip":"192.0.2.7","protocol":"FTP"}`},
		},
		"nginx": {
			{identified("nginx", `192.0.2.1 - anna [27/Nov/2026:12:30:00 +0000] "GET /a?b=1 HTTP/1.1" 200 612 "-" "curl/8.5.0"`), "nginx.access",
				`{` + at + `,"remote_ip":"192.0.2.1","user":"anna","command":"GET","file":"/a?b=1","protocol":"HTTP/1.1","response_code":200,"bytes_sent":612,"user_agent":"curl/8.5.0"}`},
			{identified("nginx", `192.0.2.1 - - [27/Nov/2026:12:30:00 +0000] "\x16\x03\x01" 400 150 "-" "-"`), "nginx.access nginx.client_error",
				`{` + at + `,"remote_ip":"192.0.2.1","response_code":400,"bytes_sent":150}`},
			{identified("nginx", `192.0.2.1 - a [b] [27/Nov/2026:12:30:00 +0000] "GET /a b HTTP/1.1" 401 150 "-" "a\x22b"`), "nginx.access nginx.client_error",
				`{` + at + `,"remote_ip":"192.0.2.1","user":"a [b]","command":"GET","file":"/a b","protocol":"HTTP/1.1","response_code":401,"bytes_sent":150,"user_agent":"a\\x22b"}`},
			{identified("nginx", `2001:db8::1 - - [27/Nov/2026:12:30:00 +0000] "POST /api HTTP/2.0" 502 559 "https://example.org/" "Mozilla/5.0 (X11)"`), "nginx.access nginx.server_error",
				`{` + at + `,"remote_ip":"2001:db8::1","command":"POST","file":"/api","protocol":"HTTP/2.0","response_code":502,"bytes_sent":559,"referer":"https://example.org/","user_agent":"Mozilla/5.0 (X11)"}`},
		},
		"oom": {
			{kernel("Out of memory (oom_kill_allocating_task): Killed process 12 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0"), "oom oom.kill",
				`{` + at + `,"scope":"Out of memory (oom_kill_allocating_task)","process":"a","pid":12,"uid":0,"total_vm_kb":1,"anon_rss_kb":2,"file_rss_kb":3,"oom_score_adj":0,` +
					`"message":"Out of memory (oom_kill_allocating_task): Killed process 12 (a) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0"}`},
			{kernel("Memory cgroup out of memory: Kill process 12 (a) score 987 or sacrifice child"), "oom oom.kill", // as older kernels say it
				`{` + at + `,"scope":"Memory cgroup out of memory","process":"a","pid":12,"message":"Memory cgroup out of memory: Kill process 12 (a) score 987 or sacrifice child"}`},
			{kernel("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x.scope,mems_allowed=0,oom_memcg=/k.slice,task_memcg=/k.slice/x.scope,task=Web Content,pid=12,uid=1000"), "oom",
				`{` + at + `,"process":"Web Content","cgroup":"/k.slice/x.scope","constraint":"CONSTRAINT_MEMCG","pid":12,"uid":1000,` +
					`"message":"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x.scope,mems_allowed=0,oom_memcg=/k.slice,task_memcg=/k.slice/x.scope,task=Web Content,pid=12,uid=1000"}`},
			{kernel("Out of memory: Killed process 4711 (java main) total-vm:8123456kB, anon-rss:4000000kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:8192kB oom_score_adj:-5"), "oom oom.kill",
				`{` + at + `,"scope":"Out of memory","process":"java main","pid":4711,"uid":1000,"total_vm_kb":8123456,"anon_rss_kb":4000000,"file_rss_kb":0,"oom_score_adj":-5,` +
					`"message":"Out of memory: Killed process 4711 (java main) total-vm:8123456kB, anon-rss:4000000kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:8192kB oom_score_adj:-5"}`},
			{kernel("Memory cgroup out of memory: Killed process 12 (a)"), "oom oom.kill",
				`{` + at + `,"scope":"Memory cgroup out of memory","process":"a","pid":12,"message":"Memory cgroup out of memory: Killed process 12 (a)"}`},
			{identified("kernel", "Out of memory: Killed process 12 (a)"), "", // anybody can write that
				`{` + at + `,"scope":"Out of memory","process":"a","pid":12,"message":"Out of memory: Killed process 12 (a)"}`},
			{systemd(unitOOM, "a.service: A process of this unit has been killed by the OOM killer.", "UNIT=a.service"), "oom unit.failed",
				`{` + at + `,"unit":"a.service","message":"a.service: A process of this unit has been killed by the OOM killer."}`},
		},
		"unit": {
			{systemd(unitResult, "a.service: Failed with result 'exit-code'.", "UNIT=a.service", "UNIT_RESULT=exit-code", "INVOCATION_ID=1e2feb89414c343c1027c4d1c386bbc4"), "unit.failed",
				`{` + at + `,"unit":"a.service","invocation_id":"1e2feb89414c343c1027c4d1c386bbc4","result":"exit-code","message_id":"d9b373ed-55a6-4feb-8242-e02dbe79a49c","message":"a.service: Failed with result 'exit-code'."}`},
			{systemd(jobFailed, "Failed to start a.service.", "UNIT=a.service", "JOB_TYPE=start", "JOB_RESULT=failed"), "unit.failed",
				`{` + at + `,"unit":"a.service","result":"failed","job":"start","message_id":"be02cf68-55d2-428b-a40d-f7e9d022f03d","message":"Failed to start a.service."}`},
			{systemd(unitStarted, "Started a.service.", "USER_UNIT=a.service"), "unit.start",
				`{"connecting":true,` + at + `,"unit":"a.service","message_id":"39f53479-d3a0-45ac-8e11-786248231fbf","message":"Started a.service."}`},
			{systemd(unitStopped, "Stopped a.service.", "UNIT=a.service"), "unit.stop",
				`{"disconnecting":true,` + at + `,"unit":"a.service","message_id":"9d1aaa27-d601-40bd-9636-5438aad20286","message":"Stopped a.service."}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			view, set := viewOf(t, name)
			for _, l := range lines {
				c := chunkOf(l.fields)
				var held []string
				for n, event := range set.Names() {
					if event != All && set.Decide(c).Holds(0, n) {
						held = append(held, event)
					}
				}
				if got := strings.Join(held, " "); got != l.events {
					t.Errorf("%s: events %q, want %q", l.fields[len(l.fields)-1], got, l.events)
				}
				if diff := cmp.Diff(l.json, string(view.Render(c).Records[0].Body)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", l.fields, diff)
				}
			}
		})
	}
}

// viewOf returns a view of all entries in a preset's format, and the set of all events.
func viewOf(t *testing.T, name string) (*filters.View, *condition.Set) {
	t.Helper()
	config := Formats()[name]
	f, err := format.New(&config, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	events := filters.Events{}
	var named []condition.Named
	all := Events()
	for n, event := range slices.Sorted(maps.Keys(all)) {
		named = append(named, condition.Named{Name: event, When: all[event].When})
		switch all[event].Session {
		case filters.SessionStart:
			events.Connect = append(events.Connect, n)
		case filters.SessionEnd:
			events.Disconnect = append(events.Disconnect, n)
		case filters.SessionNone:
		}
	}
	if events.Conditions, err = condition.New(named); err != nil {
		t.Fatal(err)
	}
	v, err := filters.NewView(filters.NewStage(filters.StageConfig{}), filters.ViewConfig{
		Events: events, Routes: []filters.RouteConfig{{Route: &pump.Route{Name: name}, Format: f}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, events.Conditions
}

func chunkOf(fields []string) *pump.Chunk {
	c := &pump.Chunk{Entries: []pump.Entry{{Position: pump.Cursor{Realtime: 1377126502171348}, Last: uint32(len(fields))}}}
	for i, text := range fields {
		name, value, _ := strings.Cut(text, "=")
		c.Refs = append(c.Refs, pump.OwnRef(i))
		c.Own = append(c.Own, pump.Field{Name: name, Value: []byte(value)})
	}
	return c
}

func TestEveryFormatOfThePresetsCompiles(t *testing.T) {
	t.Parallel()
	for name, config := range Formats() {
		if _, err := format.New(&config, noEnvironment); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who logs in chooses the name that is logged, and may choose one that looks like the rest of the message with another address.
func TestAddressesCannotBeForged(t *testing.T) {
	t.Parallel()
	view, _ := viewOf(t, "sshd")
	for _, message := range []string{
		"Failed password for invalid user x from 192.0.2.66 port 1 ssh2 from 192.0.2.7 port 50022 ssh2",
		"Failed password for invalid user x from 192.0.2.66 port 1 ssh2: RSA SHA256:y from 192.0.2.7 port 50022 ssh2",
		"Failed publickey for invalid user x from 192.0.2.66 port 1 ssh2: RSA SHA256:y from 192.0.2.7 port 50022 ssh2: RSA SHA256:z",
		"Failed publickey for root from 192.0.2.7 port 50022 ssh2: RSA-CERT SHA256:z ID x from 192.0.2.66 port 1 ssh2 (serial 0) CA RSA SHA256:y",
		"Invalid user x from 192.0.2.66 port 1 from 192.0.2.7 port 50022",
		"Connection closed by invalid user x 192.0.2.66 port 1 192.0.2.7 port 50022 [preauth]",
		"Connection reset by invalid user x 192.0.2.66 port 1 [preauth] 192.0.2.7 port 50022 [preauth]",
		"Disconnected from invalid user x 192.0.2.66 port 1 [preauth] 192.0.2.7 port 50022 [preauth]",
		"Disconnecting invalid user x 192.0.2.66 port 1: no 192.0.2.7 port 50022: Too many authentication failures [preauth]",
		"error: maximum authentication attempts exceeded for invalid user x from 192.0.2.66 port 1 ssh2 [preauth] from 192.0.2.7 port 50022 ssh2 [preauth]",
		"error: PAM: Authentication failure for illegal user x from 192.0.2.66 from 192.0.2.7",
	} {
		if got := string(view.Render(chunkOf(identified("sshd", message))).Records[0].Body); !strings.Contains(got, `"remote_ip":"192.0.2.7"`) {
			t.Errorf("%s: %s", message, got)
		}
	}
	// Here nothing tells the name from the certificate, so nothing is said.
	const both = "Failed publickey for invalid user x y from 192.0.2.7 port 50022 ssh2: RSA-CERT SHA256:z ID q from 192.0.2.66 port 1 ssh2: RSA (serial 0) CA RSA SHA256:y"
	if got := string(view.Render(chunkOf(identified("sshd", both))).Records[0].Body); strings.Contains(got, "remote_ip") {
		t.Errorf("%s: %s", both, got)
	}
}
