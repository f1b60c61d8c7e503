package config

import (
	"fmt"

	"journalpump/filters"
	"journalpump/internal/conf"
)

// Place is where in the file a setting is, for messages about what it does.
type Place struct {
	Path string `json:"path"`
	Line int    `json:"line,omitempty"` // from 1; 0 if the file does not have it
}

// String returns the path and the line.
func (p Place) String() string {
	if p.Line == 0 {
		return p.Path
	}
	return fmt.Sprintf("%s (line %d)", p.Path, p.Line)
}

func placeOf(v conf.Value) Place { return Place{Path: v.Path(), Line: v.Line()} }

// elementOf returns the place of an element of a list.
func elementOf(list conf.Value, i int) Place {
	if elems, ok := list.List(); ok && i < len(elems) {
		return placeOf(elems[i])
	}
	return placeOf(list)
}

// Setting returns the place of a key of the reader.
func (r *Reader) Setting(key string) Place { return placeOf(r.object.Get(key)) }

// Setting returns the place of a key of the sender.
func (s *Sender) Setting(key string) Place { return placeOf(s.object.Get(key)) }

// MatchPlace returns the place of match i of what the reader's stage is built with.
func (r *Reader) MatchPlace(c *Config, i int) Place {
	for _, m := range []struct {
		settings *MatchSettings
		object   *conf.Object
	}{{&c.MatchSettings, c.object}, {&r.MatchSettings, r.object}} {
		if m.settings.MatchKey == "" {
			continue
		}
		if i == 0 {
			return placeOf(m.object.Get("match_key"))
		}
		i--
	}
	return Place{}
}

// SecretPlace returns the place of secret filter i.
func (r *Reader) SecretPlace(i int) Place { return elementOf(r.object.Get("secret_filters"), i) }

// LevelRule returns rule i of the sender's unit log levels, and its place.
func (s *Sender) LevelRule(c *Config, r *Reader, i int) (filters.UnitLogLevelConfig, Place) {
	rules, _ := lookup(s.UnitLogLevel, r.UnitLogLevels, c.UnitLogLevels)
	if i < 0 || i >= len(rules) {
		return filters.UnitLogLevelConfig{}, Place{}
	}
	return rules[i], elementOf(named("unit_log_levels", s.UnitLogLevel, r.object, c.object), i)
}

// FieldFilterPlace returns the place of the sender's field filter.
func (s *Sender) FieldFilterPlace(c *Config, r *Reader) Place {
	return placeOf(named("field_filters", s.FieldFilter, r.object, c.object))
}

// ExtraPlace returns the place of an extra field.
func (s *Sender) ExtraPlace(name string) Place {
	if o, ok := s.ExtraFieldValues.Object(); ok && o.Has(name) {
		return placeOf(o.Get(name))
	}
	return placeOf(s.ExtraFieldValues)
}

// DeadLetterPath returns the sender's dead letter file, "" if it has none.
func (s *Sender) DeadLetterPath(c *Config) string { return s.deadLetterFile(c) }
