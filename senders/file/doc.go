// Package file appends entries to files, one JSON object a line.
//
// An entry counts as accepted when it has been fsynced (group commit). What was written and not committed when something
// fails is taken back, so that sending it again doubles nothing. See docs/senders/file.md.
package file
