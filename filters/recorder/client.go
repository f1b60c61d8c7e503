package recorder

import (
	"fmt"
	"regexp"
	"slices"

	"journalpump/filters/format"
	"journalpump/filters/pattern"
	"journalpump/pump"
)

// clientPattern finds in the messages of some programs who it was that wanted to log in.
type clientPattern struct {
	programs []string // SYSLOG_IDENTIFIERs
	pattern  *pattern.Pattern
	groups   []int // of which the first counts that has a value
}

// clientPatterns returns what formats know of that: nobody can pass for another by choosing a name.
func clientPatterns() (all []clientPattern, err error) {
	for _, known := range format.Known() {
		for _, expr := range known.Patterns {
			p, err := pattern.Compile(expr)
			if err != nil {
				return nil, fmt.Errorf("known patterns of %s: %w", known.Programs[0], err)
			}
			var groups []int
			for _, name := range []string{"remote_ip", "remote_dns"} {
				if g := slices.Index(p.Names(), name); g >= 0 {
					groups = append(groups, g)
				}
			}
			if groups != nil {
				all = append(all, clientPattern{known.Programs, p, groups})
			}
		}
	}
	return all, nil
}

// otherClient finds one in what other programs say, PAM in their names among them.
var otherClient = regexp.MustCompile(`\brhost=(\S+)|^.* from (\S+) port \d+|\bClient "([^"]+)"| from '([^']+)' FOR |\(\S*\[([0-9a-fA-F.:]+)\]\)`)

// clientOf returns who an entry with this message says that a log-in came from, "" if it doesn't.
func (r *Recorder) clientOf(entry *pump.Record, message string) string {
	program, _ := raw(entry.Chunk, entry.Index, "SYSLOG_IDENTIFIER")
	known := false
	for i := range r.clients {
		c := &r.clients[i]
		if !slices.Contains(c.programs, string(program)) {
			continue
		}
		known = true
		loc, err := c.pattern.FindSubmatchIndex(nil, []byte(message))
		if err != nil || loc == nil {
			continue
		}
		for _, g := range c.groups {
			if loc[2*g] >= 0 && loc[2*g] < loc[2*g+1] {
				return message[loc[2*g]:loc[2*g+1]]
			}
		}
	}
	if known {
		return ""
	}
	for n, text := range otherClient.FindStringSubmatch(message) {
		if n > 0 && text != "" {
			return text
		}
	}
	return ""
}
