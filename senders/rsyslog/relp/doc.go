// Package relp is the client's side of RELP, the Reliable Event Logging Protocol, version 0, as librelp's doc/relp.html
// specifies it and rsyslog's imrelp speaks it: each message is a transaction that the server answers when it has taken
// the message over.
package relp
