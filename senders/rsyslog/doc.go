// Package rsyslog sends entries as syslog messages: over TCP, TLS, UDP and UNIX sockets, and over RELP, where the server
// acknowledges each.
package rsyslog
