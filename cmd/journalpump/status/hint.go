package status

import "strings"

// Hint says in plain words what a problem usually comes from and what to look at; "" for one that explains itself.
func Hint(problem string) string {
	for _, known := range []struct{ part, hint string }{
		{"not available yet", "There is no journal there yet: is journal_path right, and does journald keep one?"},
		{"connection refused", "Nothing listens at that address, or a firewall refuses: does the destination run?"},
		{"no such host", "The name cannot be looked up: is it spelt right, and does DNS work here?"},
		{"certificate signed by unknown authority", "The certificate of the destination is of nobody who is trusted here: name its CA in the configuration."},
		{"certificate has expired", "The certificate of the destination is too old, or the clock here is wrong."},
		{"x509:", "The certificate of the destination is not right for it."},
		{"no route to host", "The network does not reach the destination from here."},
		{"network is unreachable", "This machine has no network to the destination."},
		{"i/o timeout", "No answer in time: is the destination reachable from here, or does a firewall drop it?"},
		{"deadline exceeded", "No answer in time: is the destination reachable from here, and not overloaded?"},
		{"connection reset", "The destination broke the connection off: its own log may say why."},
		{"permission denied", "The user that journalpump runs as may not do that."},
		{"no space left on device", "The disk is full."},
		{"read-only file system", "The file system cannot be written; a unit's ProtectSystem= may be why."},
	} {
		if strings.Contains(problem, known.part) {
			return known.hint
		}
	}
	return ""
}
