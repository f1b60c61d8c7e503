package filters

import (
	"strconv"

	"journalpump/pump"
)

// Self recognises the entries that this program wrote to the journal itself, so that they can be left out (exclude_self).
type Self struct {
	identifier string // SYSLOG_IDENTIFIER, which anybody can claim
	comm       string // _COMM, which journald finds out itself
	pid        string // _PID, likewise
}

// NewSelf returns what recognises entries with the identifier that came from a process called comm, or from the one with the
// number pid.
func NewSelf(identifier, comm string, pid int) *Self {
	return &Self{identifier: identifier, comm: comm, pid: strconv.Itoa(pid)}
}

// wrote reports whether entry i of c is one of ours.
func (s *Self) wrote(c *pump.Chunk, i int) bool {
	var identified, ours bool
	for _, r := range c.Fields(i) {
		switch f := c.Field(r); f.Name {
		case "SYSLOG_IDENTIFIER":
			identified = identified || string(f.Value) == s.identifier
		case "_COMM":
			ours = ours || string(f.Value) == s.comm
		case "_PID":
			ours = ours || string(f.Value) == s.pid
		}
	}
	return identified && ours
}
