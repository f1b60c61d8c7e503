// Package deadletter keeps what destinations refuse for good: in a file of JSON lines that people can read, and that
// `journalpump replay` sends again. docs/dead-letters.md describes the file.
package deadletter
