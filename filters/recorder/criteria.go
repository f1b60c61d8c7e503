package recorder

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"journalpump/filters/condition"
	"journalpump/internal/conf"
)

// The built-in criteria.
const (
	failedLogin     = "failed_login"
	untimelyDeath   = "untimely_death"
	unitFailed      = "unit_failed"
	priorityAtLeast = "priority_at_least"
)

// Message IDs of systemd, see sd-messages.h and journalctl --catalog.
const (
	messageUnitFailed  = "d9b373ed55a64feb8242e02dbe79a49c" // a unit has entered the state "failed"
	messageStartFailed = "be02cf6855d2428ba40df7e9d022f03d" // a job to start a unit has failed
	messageCoreDump    = "fc2e22bc6ee647b6b90729ab34a250b1"
	messageOutOfMemory = "fe6faa94e7774663a0da52717891d8ef" // the kernel's OOM killer has killed one of a unit's processes
	messageOomdKill    = "d989611b15e44c9dbf31e3c81256e4ed" // systemd-oomd has killed some
)

// builtin returns the condition of a built-in criterion.
func builtin(name string) (condition.Config, error) {
	switch name {
	case failedLogin:
		return failedLogins(), nil
	case untimelyDeath:
		return condition.Config{
			{MessageIDs: condition.MessageIDs{messageUnitFailed, messageCoreDump, messageOutOfMemory, messageOomdKill}},
			{Transports: conf.StringList{"kernel"}, Fields: message(
				`\[\d+\]: segfault at `,
				`^traps: .*\[\d+\] (general protection|trap )`,
				`^oom-kill:constraint=`,
				`^(Memory cgroup out|Out) of memory( \([a-z_]+\))?: Kill(ed)? process \d+`,
			)},
		}, nil
	case unitFailed:
		return condition.Config{{MessageIDs: condition.MessageIDs{messageUnitFailed, messageStartFailed}}}, nil
	}
	if rest, ok := strings.CutPrefix(name, priorityAtLeast); ok {
		return priorityOf(rest)
	}
	return nil, unknownCriterion(name, nil)
}

// AsksSystemd reports whether a built-in criterion holds for messages of systemd and the kernel alone.
func AsksSystemd(name string) bool { return name == untimelyDeath || name == unitFailed }

func isBuiltin(name string) bool {
	_, err := builtin(name)
	return err == nil
}

func unknownCriterion(name string, events []string) error {
	known := []string{failedLogin, untimelyDeath, unitFailed, priorityAtLeast + "(err)"}
	return fmt.Errorf("%q is no criterion; there are %s, events, and own ones as objects%s",
		name, conf.QuoteList(known), conf.DidYouMean(name, slices.Concat(known, events)))
}

// conditionsOf returns what criteria ask, in their order.
func conditionsOf(c Criteria) ([]condition.Named, error) {
	conditions := make([]condition.Named, 0, len(c)+1)
	for _, one := range c {
		when := one.When
		if when == nil {
			var err error
			if when, err = builtin(one.Name); err != nil {
				return nil, err
			}
		}
		conditions = append(conditions, condition.Named{Name: one.Name, When: when})
	}
	return conditions, nil
}

func message(patterns ...string) map[string]condition.FieldTest {
	return map[string]condition.FieldTest{"MESSAGE": {Patterns: patterns}}
}

// failedLogins holds for what says once for each attempt that somebody could not log in: of those who write to the syslog
// facilities for that (auth and authpriv), or are known to. Patterns that have to be searched for in the whole message are those of one
// program only, as most of what these facilities have is sessions that began and ended.
func failedLogins() condition.Config {
	return condition.Config{
		{
			Any: condition.Config{
				{Fields: map[string]condition.FieldTest{"SYSLOG_FACILITY": {Is: []string{"4", "10"}}}},
				{Identifiers: conf.StringList{"sshd", "sshd-session", "sshd-auth", "sudo", "su", "login", "proftpd", "vsftpd"}},
			},
			Fields: message(
				`^Failed (password|keyboard-interactive/pam|none) for `, // sshd
				`^(error: )?maximum authentication attempts exceeded `,  // sshd
				`^pam_\w+\([^:()]+:auth\): (authentication failure|conversation failed|auth could not identify password)`,
				`^FAILED (SU|su) `,     // su
				`^FAILED LOGIN `,       // login
				`^\[.*\] FAIL LOGIN: `, // vsftpd
			),
		},
		{
			Identifiers: conf.StringList{"sudo"},
			Fields:      message(`^\s*\S+ : (\d+ incorrect password attempts?|user NOT in sudoers|user NOT authorized on host|command not allowed) `),
		},
		{
			Identifiers: conf.StringList{"proftpd"},
			Fields:      message(`\((Login failed|User not authorized for login|No such user found)\)|: no such user found from `),
		},
	}
}

// priorityOf parses what follows priority_at_least: a level in brackets.
func priorityOf(rest string) (condition.Config, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")")
	names := []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	for level, name := range names {
		if rest != "("+text+")" || !strings.EqualFold(text, name) && text != strconv.Itoa(level) {
			continue
		}
		var p condition.Priority
		for l := range level + 1 {
			p = append(p, int8(l))
		}
		return condition.Config{{Priority: p}}, nil
	}
	return nil, fmt.Errorf("%q must have a level in brackets, one of %s, such as \"priority_at_least(err)\"%s",
		priorityAtLeast+rest, strings.Join(names, ", "), conf.DidYouMean(text, names))
}

// title is what a criterion is called at the head of a block.
func title(reason string) string {
	return strings.ToUpper(strings.Join(strings.FieldsFunc(reason, func(r rune) bool { return strings.ContainsRune("_-().", r) }), " "))
}
