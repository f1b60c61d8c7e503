package filters

import (
	"errors"
	"fmt"
	"strings"
)

// FieldFilterConfig is one of the configuration's field_filters.
type FieldFilterConfig struct {
	// "whitelist": only the listed fields; "blacklist": all others. By default "whitelist".
	Type string `json:"type"`
	// Names of fields, in which leading underscores and case don't matter.
	Fields []string `json:"fields"`
}

// FieldFilter says which fields of an entry a sender sees. Names are compared without leading underscores and ignoring
// case. It also applies to extra fields, REALTIME_TIMESTAMP and timestamp.
type FieldFilter struct {
	whitelist bool
	fields    map[string]struct{}
}

// NewFieldFilter returns the filter that c describes.
func NewFieldFilter(c FieldFilterConfig) (*FieldFilter, error) {
	f := &FieldFilter{fields: make(map[string]struct{}, len(c.Fields))}
	switch c.Type {
	case "", "whitelist":
		f.whitelist = true
	case "blacklist":
	default:
		return nil, fmt.Errorf(`type %q: it must be "whitelist" or "blacklist"`, c.Type)
	}
	if c.Fields == nil {
		return nil, errors.New("fields is missing")
	}
	for _, name := range c.Fields {
		f.fields[foldName(name)] = struct{}{}
	}
	return f, nil
}

// keeps reports whether fields whose folded name is folded are seen. A nil filter keeps all.
func (f *FieldFilter) keeps(folded string) bool {
	if f == nil {
		return true
	}
	_, listed := f.fields[folded]
	return listed == f.whitelist
}

// Keeps reports whether the field called name is seen. A nil filter keeps all.
func (f *FieldFilter) Keeps(name string) bool { return f.keeps(foldName(name)) }

// plainName returns a field's name as senders see it.
func plainName(raw string) string { return strings.TrimLeft(raw, "_") }

// foldName returns a name as field filters compare it.
func foldName(name string) string { return strings.ToLower(plainName(name)) }
