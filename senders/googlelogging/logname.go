package googlelogging

import (
	"errors"
	"strings"

	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// maxLogID is how many characters a log's name may have, see LogEntry.log_name.
const maxLogID = 511

const maxFields = 8

// logName makes the names of logs.
type logName struct {
	prefix   string
	static   string // when it is the same for all entries
	expander *placeholder.Expander
	id       []byte            // reused
	names    map[string]string // by ID, so that each is made once
}

// newLogName returns what names the log that an entry goes to. Only {FIELD} is special in id; % begins an escape of a URL,
// as it always did.
func newLogName(project, id string) (*logName, error) {
	return (&logName{prefix: "projects/" + project + "/logs/"}).another(id)
}

// another returns what names another log of the project.
func (n *logName) another(id string) (*logName, error) {
	n = &logName{prefix: n.prefix}
	template, err := placeholder.Parse(strings.ReplaceAll(strings.ReplaceAll(id, "/", "%2F"), "%", "%%"))
	if err != nil {
		return nil, err
	}
	if template.Fields() > maxFields {
		return nil, errors.New("has more than 8 fields in it")
	}
	if template.Fields() == 0 {
		id = strings.NewReplacer("{{", "{", "}}", "}").Replace(id)
		n.static = n.prefix + strings.ReplaceAll(id, "/", "%2F")
		return n, nil
	}
	n.expander = template.Expander(appendValue)
	n.names = map[string]string{}
	return n, nil
}

// maxNames bounds the memory: anybody who may log can make up field values.
const maxNames = 1000

func (n *logName) of(r *pump.Record) string {
	if n.expander == nil {
		return n.static
	}
	n.id = n.expander.Append(n.id[:0], r)
	id := n.id[:min(len(n.id), maxLogID)]
	if name, ok := n.names[string(id)]; ok {
		return name
	}
	if len(n.names) >= maxNames {
		clear(n.names)
	}
	name := n.prefix + string(id)
	n.names[string(id)] = name
	return name
}

// appendValue appends a field's value with what a log's name cannot have replaced by _.
func appendValue(b, value []byte, ok bool) []byte {
	if !ok || len(value) == 0 {
		return append(b, "unknown"...)
	}
	for _, c := range value {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
			b = append(b, c)
		} else {
			b = append(b, '_')
		}
	}
	return b
}
