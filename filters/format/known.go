package format

import "journalpump/filters/pattern"

// Program is what is known of the messages of a program: patterns whose groups are called like the keys that mod_kafka has
// for the same things, where it has one.
type Program struct {
	Programs []string // SYSLOG_IDENTIFIERs
	Patterns []string // on MESSAGE
}

// groups returns the names of the groups.
func (p Program) groups() (names []string) {
	for _, expr := range p.Patterns {
		if compiled, err := pattern.Compile(expr); err == nil {
			names = append(names, compiled.Names()...)
		}
	}
	return names
}

// Known returns the programs whose messages are known: what formats without patterns of their own find groups with.
func Known() []Program {
	return []Program{sshd(), sudo(), proftpd(), nginx(), kernel()}
}

// Who logs in has a say in these messages: a client may call itself "root from 192.0.2.1 port 22". So a name that may have spaces in it
// is taken up to the last place where what must follow it does, to the end of the message; whatever a client puts there comes before that.
const (
	address = `(?P<remote_ip>[0-9A-Fa-f:.]+(?:%\S+)?|UNKNOWN)`
	// peer is an address as OpenSSH writes it.
	peer = address + ` port (?P<remote_port>\d+)`
	// host is a name, or the address of one that has none.
	host = `(?:(?P<remote_ip>\d+(?:\.\d+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\S+)?)|(?P<remote_dns>\S*))`
	// preauth is what OpenSSH adds before anybody has logged in.
	preauth = `(?: \[preauth\])?$`
)

func sshd() Program {
	const (
		attempt = `^(?P<response_msg>Accepted|Failed|Postponed|Partial) (?P<auth_method>\S+) for `
		key     = `: (?P<key_type>[A-Z][A-Z0-9-]*) (?P<key_fingerprint>\S+)`
		whose   = `(?: (?:(?:authenticating|invalid) )?user (?P<user>.*))? `
	)
	return Program{
		Programs: []string{"sshd", "sshd-session", "sshd-auth"},
		Patterns: []string{
			`^Connection from ` + peer + ` on (?P<local_ip>[0-9A-Fa-f:.]+(?:%\S+)?) port (?P<local_port>\d+)`,
			// A user that exists, whose name has no spaces. What follows may be a certificate's, which has a text of its owner's in it.
			attempt + `(?P<user>\S+) from ` + peer + `(?: (?P<protocol>ssh\d))?(?:` + key + `)?`,
			attempt + `invalid user (?P<user>.*) from ` + peer + `(?: (?P<protocol>ssh\d))?` +
				`(?:` + key + `(?: ID \S+ \(serial \d+\) CA \S+ \S+)?)?` + preauth,
			`^(?P<response_msg>Invalid) user (?P<user>.*) from ` + address + `(?: port (?P<remote_port>\d+))?$`,
			`^Received disconnect from ` + address + `(?: port (?P<remote_port>\d+))?: ?\d+: (?P<session_end_reason>.*?)` + preauth,
			`^(?P<session_end_reason>Disconnected) from` + whose + peer + preauth,
			`^Connection (?P<session_end_reason>closed|reset) by` + whose + peer + preauth,
			`^Disconnecting` + whose + peer + `: (?P<session_end_reason>[A-Za-z ]+?)` + preauth,
			`^(?:error: )?(?P<response_msg>maximum authentication attempts exceeded) for (?:invalid user )?(?P<user>.*) from ` + peer +
				`(?: (?P<protocol>ssh\d))?` + preauth,
			`^error: PAM: (?P<response_msg>[A-Z][a-z ]*?) for (?:illegal user )?(?P<user>.*) from ` + host + `$`,
			`^User (?P<user>\S+)(?: from ` + host + `)? (?P<response_msg>not allowed because .*)$`,
			`^(?P<response_msg>ROOT LOGIN REFUSED) FROM ` + peer + preauth,
			`^(?:fatal: )?(?P<response_msg>Access denied) for user (?P<user>\S+) by PAM account configuration` + preauth,
			pamSession("sshd"),
			pamFailure("sshd"),
		},
	}
}

// pamSession is what pam_unix says of a session of a service.
func pamSession(service string) string {
	return `^pam_unix\(` + service + `:session\): session (?:opened|closed) for user (?P<user>[^ (]+)(?:\(uid=(?P<uid>\d+)\))?` +
		`(?: by (?P<original_user>[^ (]*)(?:\(uid=\d+\))?)?`
}

// pamFailure is what modules of PAM (pam_unix, pam_sss and others) say of a failed log-in.
func pamFailure(service string) string {
	return `^pam_\w+\(` + service + `:auth\): (?P<response_msg>authentication failure); logname=(?P<original_user>\S*) uid=\d+ euid=\d+ ` +
		`tty=(?P<tty>\S*) ruser=\S* rhost=` + host + `(?:\s+user=(?P<user>\S+))?\s*$`
}

func sudo() Program {
	const service = `sudo(?:-i)?`
	return Program{
		Programs: []string{"sudo"},
		Patterns: []string{
			`^\s*(?P<original_user>\S+) :\s+(?:(?P<response_msg>[^=]+) ; )?(?:HOST=\S+ ; )?(?:TTY=(?P<tty>\S+) ; )?(?:CHROOT=.*? ; )?` +
				`(?:PWD=(?P<dir_path>.*?) ; )?USER=(?P<user>\S+)(?: ; GROUP=(?P<group>\S+))?(?: ; [A-Z]+=[^;]*?)*? ; COMMAND=(?P<raw_command>.*)$`,
			pamSession(service),
			pamFailure(service),
		},
	}
}

// client is how ProFTPD begins the messages of a session.
const client = `^(?P<server_dns>\S+) \((?P<remote_dns>[^\s\[]+)\[(?P<remote_ip>[^\s\]]+)\]\)(?: - |: )`

func proftpd() Program {
	return Program{
		Programs: []string{"proftpd"},
		Patterns: []string{
			client + `(?P<protocol>FTP|SSH2|SFTP) session (?:opened|closed)\.$`,
			client + `(?:USER|ANON) (?P<user>.*): (?P<response_msg>Login successful)\.?$`,
			client + `USER (?P<user>.*) (?P<response_msg>\(Login failed\): .*)$`,
			client + `USER (?P<user>.*): (?P<response_msg>no such user found) from \S+ \[\S+\] to (?P<local_ip>\S+):(?P<local_port>\d+)$`,
			client + `(?P<session_end_reason>FTP login timed out|FTP no transfer timeout|FTP session idle timeout|Maximum login attempts .*?), `,
			client,
			// An ExtendedLog to syslog with the default format "%h %l %u %t \"%r\" %s %b", and as many have it a %T after that.
			`^(?P<remote_dns>\S+) (?:UNKNOWN|(?P<identd_user>\S+)) (?P<user>\S+) (?P<local_time>\[[^\]]+\]) ` +
				`"(?P<raw_command>(?P<command>[A-Za-z]+)(?: (?P<command_params>.*?))?)" (?P<response_code>\d{3}|-) (?P<bytes_sent>\d+|-)` +
				`(?: (?P<transfer_secs>[0-9.]+|-))?$`,
		},
	}
}

func nginx() Program {
	return Program{
		Programs: []string{"nginx"},
		Patterns: []string{
			// nginx writes a quotation mark in what a client sends as \x22: the first one is its own.
			`^(?P<remote_ip>\S+) - (?P<user>[^"]*) (?P<local_time>\[[^\]"]+\]) ` +
				`"(?P<raw_command>(?P<command>[A-Z]+) (?P<file>[^"]*?)(?: (?P<protocol>HTTP/[0-9.]+))?|[^"]*)" (?P<response_code>\d{3}) (?P<bytes_sent>\d+)` +
				`(?: "(?P<referer>[^"]*)" "(?P<user_agent>[^"]*)")?`,
		},
	}
}

func kernel() Program {
	return Program{
		Programs: []string{"kernel"},
		Patterns: []string{
			`^(?P<scope>Out of memory(?: \([a-z_]+\))?|Memory cgroup out of memory): Kill(?:ed)? process (?P<pid>\d+) \((?P<process>.*?)\)` +
				`(?:,? total-vm:(?P<total_vm_kb>\d+)kB, anon-rss:(?P<anon_rss_kb>\d+)kB, file-rss:(?P<file_rss_kb>\d+)kB` +
				`(?:, shmem-rss:\d+kB)?(?:, UID:(?P<uid>\d+))?(?: pgtables:\d+kB)?(?: oom_score_adj:(?P<oom_score_adj>-?\d+))?)?`,
			`^oom-kill:constraint=(?P<constraint>\w+),.*?task_memcg=(?P<cgroup>[^,]*),task=(?P<process>.*),pid=(?P<pid>\d+),uid=(?P<uid>\d+)`,
			`^(?P<process>.*?) invoked oom-killer: .*oom_score_adj=(?P<oom_score_adj>-?\d+)`,
		},
	}
}
