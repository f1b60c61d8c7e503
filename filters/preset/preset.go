// Package preset has events and formats that come with journalpump: for the messages of sshd, sudo, proftpd and nginx, for
// the kernel's killing of processes that take too much memory, and for units that fail. docs/events.md lists them.
package preset

import (
	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/format"
	"journalpump/internal/conf"
)

// Names of the events that mod_kafka has, too.
const (
	All        = "ALL" // every entry; it has no condition
	Connect    = "CONNECT"
	Disconnect = "DISCONNECT"
)

// Events returns the events by name.
func Events() map[string]filters.EventConfig {
	all := map[string]filters.EventConfig{
		All:        {},
		Connect:    {When: condition.Config{sshdOpened(), proftpdOpened()}, Session: filters.SessionStart},
		Disconnect: {When: condition.Config{sshdClosed(), proftpdClosed()}, Session: filters.SessionEnd},
	}
	for _, add := range []func(map[string]filters.EventConfig){sshd, sudo, proftpd, nginx, oom, unit} {
		add(all)
	}
	return all
}

func event(clauses ...condition.Clause) filters.EventConfig {
	return filters.EventConfig{When: clauses}
}

func session(s filters.Session, clauses ...condition.Clause) filters.EventConfig {
	return filters.EventConfig{When: clauses, Session: s}
}

// message is a condition on the message of a program.
func message(programs []string, patterns ...string) condition.Clause {
	c := condition.Clause{Identifiers: programs}
	if len(patterns) > 0 {
		c.Fields = map[string]condition.FieldTest{"MESSAGE": {Patterns: patterns}}
	}
	return c
}

// Since OpenSSH 9.8 a session's messages are those of a program of its own.
func sshdNames() []string { return []string{"sshd", "sshd-session", "sshd-auth"} }

func sshdOpened() condition.Clause {
	return message(sshdNames(), `^pam_unix\(sshd:session\): session opened`)
}

func sshdClosed() condition.Clause {
	return message(sshdNames(), `^pam_unix\(sshd:session\): session closed`)
}

func sshd(all map[string]filters.EventConfig) {
	all["sshd"] = event(message(sshdNames()))
	all["sshd.connect"] = session(filters.SessionStart, sshdOpened())
	all["sshd.disconnect"] = session(filters.SessionEnd, sshdClosed())
	all["sshd.login"] = event(message(sshdNames(), `^Accepted \S+ for `))
	all["sshd.failed"] = event(message(sshdNames(), `^Failed \S+ for `, `^Invalid user `, `^pam_\w+\(sshd:auth\): authentication failure`,
		`^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) (?:authenticating|invalid) user `,
		`^(?:error: )?maximum authentication attempts exceeded `, `^error: PAM: [A-Z][a-z ]* for .* from `, `^User \S+ (?:from \S+ )?not allowed because `,
		`^ROOT LOGIN REFUSED `, `^(?:fatal: )?Access denied for user `))
}

func sudo(all map[string]filters.EventConfig) {
	names := []string{"sudo"}
	all["sudo"] = event(message(names))
	// What was not run has the reason before the first KEY=.
	all["sudo.command"] = event(message(names, `^\s*\S+ :\s+[A-Z]+=.*COMMAND=`))
	all["sudo.failed"] = event(message(names,
		`^\s*\S+ : (?:\d+ incorrect password attempts?|a password is required|user NOT in sudoers|command not allowed|user NOT authorized on host|`+
			`no tty present|a terminal is required|sorry, |[Aa]ccount |[Pp]assword expired|PAM account )[^=]*;`,
		`^pam_\w+\(sudo(?:-i)?:auth\): (?:authentication failure|conversation failed|auth could not identify password)`))
}

func proftpdNames() []string { return []string{"proftpd"} }

func proftpdOpened() condition.Clause {
	return message(proftpdNames(), `(?: - |: )(?:FTP|SSH2|SFTP) session opened\.$`)
}

func proftpdClosed() condition.Clause {
	return message(proftpdNames(), `(?: - |: )(?:FTP|SSH2|SFTP) session closed\.$`)
}

func proftpd(all map[string]filters.EventConfig) {
	names := proftpdNames()
	all["proftpd"] = event(message(names))
	all["proftpd.connect"] = session(filters.SessionStart, proftpdOpened())
	all["proftpd.disconnect"] = session(filters.SessionEnd, proftpdClosed())
	all["proftpd.login"] = event(message(names, `(?:USER|ANON) .*: Login successful\.?$`))
	all["proftpd.failed"] = event(message(names, `\(Login failed\): `, `: no such user found from `, `Maximum login attempts `, `SECURITY VIOLATION: [Rr]oot login attempted`))
	all["proftpd.command"] = event(message(names, `^\S+ \S+ \S+ \[[^\]]+\] "[A-Za-z]+.*" (?:\d{3}|-) `))
}

func nginx(all map[string]filters.EventConfig) {
	names := []string{"nginx"}
	const access = `^\S+ - [^"]* \[[^\]"]+\] "[^"]*" `
	all["nginx.access"] = event(message(names, access+`\d{3} `))
	all["nginx.client_error"] = event(message(names, access+`4\d\d `))
	all["nginx.server_error"] = event(message(names, access+`5\d\d `))
}

// Message IDs of systemd, see its catalog: `journalctl --list-catalog`.
const (
	unitResult  = "d9b373ed55a64feb8242e02dbe79a49c" // the unit has entered the failed state
	jobFailed   = "be02cf6855d2428ba40df7e9d022f03d" // a start job has failed
	unitStarted = "39f53479d3a045ac8e11786248231fbf"
	unitStopped = "9d1aaa27d60140bd96365438aad20286"
	unitOOM     = "fe6faa94e7774663a0da52717891d8ef" // a process of the unit was killed by the OOM killer
)

func oom(all map[string]filters.EventConfig) {
	kernel := message(nil, `^(?:Out of memory(?: \([a-z_]+\))?|Memory cgroup out of memory): Kill(?:ed)? process \d+ `)
	kernel.Transports = conf.StringList{"kernel"}
	where := message(nil, `^oom-kill:constraint=`) // a line before, with the control group
	where.Transports = kernel.Transports
	all["oom"] = event(kernel, where, condition.Clause{MessageIDs: condition.MessageIDs{unitOOM}})
	all["oom.kill"] = event(kernel)
}

func unit(all map[string]filters.EventConfig) {
	id := func(ids ...string) condition.Clause { return condition.Clause{MessageIDs: ids} }
	all["unit.failed"] = event(id(unitResult, jobFailed, unitOOM))
	all["unit.start"] = session(filters.SessionStart, id(unitStarted))
	all["unit.stop"] = session(filters.SessionEnd, id(unitStopped))
}

// Formats returns the formats by name.
func Formats() map[string]format.Config {
	return map[string]format.Config{
		"sshd":    {Line: "%{iso8601} %V %P %u %h %a %{remote-port} %L %p %{protocol} %S %E", Keys: keys("auth_method", "key_type", "key_fingerprint")},
		"sudo":    {Line: "%{iso8601} %V %P %U %u %g %D %r %S", Keys: keys("tty")},
		"proftpd": {Line: "%{iso8601} %V %P %h %a %u %{protocol} %m %J %s %b %T %S %E"},
		"nginx":   {Line: "%{iso8601} %V %a %u %m %f %{protocol} %s %b", Keys: keys("referer", "user_agent")},
		"oom": {Line: "%{iso8601} %V", Keys: append(keys("scope", "process", "cgroup", "constraint"),
			number("pid"), number("uid"), number("total_vm_kb"), number("anon_rss_kb"), number("file_rss_kb"), number("oom_score_adj"),
			field("unit", "UNIT", "USER_UNIT"), field("message", "MESSAGE"))},
		"unit": {Line: "%{iso8601} %V", Keys: format.Keys{
			field("unit", "UNIT", "USER_UNIT"), field("invocation_id", "INVOCATION_ID", "USER_INVOCATION_ID"),
			field("result", "UNIT_RESULT", "JOB_RESULT"), field("job", "JOB_TYPE"), field("message_id", "MESSAGE_ID"),
			field("message", "MESSAGE")}},
	}
}

func keys(names ...string) (list format.Keys) {
	for _, name := range names {
		list = append(list, format.Key{Name: name, Group: name})
	}
	return list
}

func number(name string) format.Key { return format.Key{Name: name, Group: name, Type: format.Int} }

func field(name string, fields ...string) format.Key { return format.Key{Name: name, Field: fields} }
