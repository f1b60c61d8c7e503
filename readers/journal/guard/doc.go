// Package guard looks after entries of the journal that journald is about to delete before every sender has got them: its
// vacuum takes the oldest files, whoever still needs them. Log wraps the journal's log, of whatever backend. See
// docs/adr/0005.
package guard
