// Package filters turns the chunks of a log into what senders see: which entries, which fields, redacted and encoded as
// JSON objects. It is pure: no I/O, no clock, no goroutines. All its types may be used concurrently.
//
// A Stage is what all senders of a reader share (matches, searches, secrets, the JSON of every field); a View is one
// sender's settings on top of it (field filter, unit log levels, extra fields, size limit); an Inspector counts what is
// counted once a reader. Each works once a chunk, through pump.Chunk.Memo.
//
// Most fields of a journal occur in many entries, and what is made of a field depends on its name and value alone. So
// the Stage keeps a table beside every pump.Dict with the JSON of its fields, and what is left to do for an entry is to
// copy some 20 pieces of text one after the other.
//
// The objects are those that journalpump 2.5 in Python wrote, apart from the order of their keys, white space and the
// escaping of non-ASCII characters, which mean the same to every JSON parser.
package filters
