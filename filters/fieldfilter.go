package filters

import (
	"errors"
	"fmt"
	"strings"

	"journalpump/internal/conf"
)

// FieldFilterConfig is one of the configuration's field_filters.
type FieldFilterConfig struct {
	// "whitelist": only the listed fields; "blacklist": all others. By default "whitelist".
	Type FieldFilterType `json:"type"`
	// Names of fields, in which leading underscores and case don't matter.
	Fields []string `json:"fields"`
}

// FieldFilterType is what becomes of the fields that a field filter lists. "" is Whitelist.
type FieldFilterType string

// The types of field filters.
const (
	Whitelist FieldFilterType = "whitelist" // only they are sent
	Blacklist FieldFilterType = "blacklist" // all others are
)

// ConfValues implements conf.Enum.
func (FieldFilterType) ConfValues() []string { return []string{string(Whitelist), string(Blacklist)} }

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
	case "", Whitelist:
		f.whitelist = true
	case Blacklist:
	default:
		return nil, fmt.Errorf("type %q is not one of %s", c.Type, conf.QuoteList(c.Type.ConfValues()))
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
