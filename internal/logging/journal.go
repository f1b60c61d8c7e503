package logging

import (
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
)

// journalSink logs with journald's native protocol, so that each attribute becomes a field. MESSAGE holds them too, since
// `journalctl` shows no other field.
type journalSink struct {
	send     func(message string, priority journal.Priority, fields map[string]string) error
	fallback sink // for what journald did not take
}

func (s *journalSink) write(e event) error {
	fields := make(map[string]string, len(e.fields)+1)
	for _, f := range e.fields {
		fields[fieldName(f.name)] = f.value
	}
	fields[IdentifierField] = Identifier
	if err := s.send(string(appendMessage(nil, e, "", "")), Priority(e.level), fields); err != nil {
		return s.fallback.write(e)
	}
	return nil
}

// maxFieldName is journald's limit; it drops fields with longer names.
const maxFieldName = 64

// fieldName makes a name that journald accepts: upper-case letters, digits and underscores.
func fieldName(name string) string {
	name = FieldPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
	return name[:min(len(name), maxFieldName)]
}
