// Package convert makes of field values what journalpump 2.5, in Python, made of them. Everything that sees values uses
// it: what senders get, what matches compare and what searches look at are the same.
//
// The functions append to memory of the caller's and allocate only for the rarest of spellings. One that takes text
// reports whether Python would have taken it, too; if not it returns dst as it was.
package convert

// Kind is what becomes of a field's value. It goes by the field's name with its leading underscores; a value that does
// not lend itself to it stays text.
type Kind uint8

// The kinds of values.
const (
	Text    Kind = iota
	Int          // see AppendInt
	UUID         // see AppendUUID
	Seconds      // see AppendSeconds
	Null         // whatever the value: null
)

// KindOf returns what becomes of the values of a field.
func KindOf(name string) Kind {
	switch name {
	case "PRIORITY", "CODE_LINE", "_PID", "_GID", "_AUDIT_ID", "_AUDIT_LOGINUID", "_AUDIT_SESSION", "_AUDIT_TYPE":
		return Int
	case "_BOOT_ID", "_MACHINE_ID", "MESSAGE_ID":
		return UUID
	case "_SOURCE_REALTIME_TIMESTAMP", "COREDUMP_TIMESTAMP", "__REALTIME_TIMESTAMP":
		return Seconds
	case "_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP":
		return Null
	}
	return Text
}
