// Package stdout writes entries to standard output: as JSON, one object a line, or as lines for people to read. See
// docs/senders/stdout.md.
package stdout
