// Package format makes JSON objects of entries by a format: a list of keys and where their values come from. Formats are
// compiled once. Of an entry they see what its sender sees, redacted and after the field filter.
//
// A format may also be a line in the syntax of ProFTPD's LogFormat, whose variables are keys by the table of mod_kafka;
// docs/events.md has the table.
package format
