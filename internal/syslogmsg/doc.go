// Package syslogmsg takes the parts of a syslog message out of a record's JSON and writes them as RFC 5424 and RFC 3164
// want them. What stands for what is as in journalpump 2.5. It allocates nothing per record.
package syslogmsg
