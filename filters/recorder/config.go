package recorder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"journalpump/filters/condition"
	"journalpump/internal/conf"
)

// Config is the setting flight_recorder of a sender.
type Config struct {
	// What lets it dump: "failed_login", "untimely_death", "unit_failed", "priority_at_least(LEVEL)", names of events, and own ones, objects
	// with a name and the condition when. By default the first two; see docs/flight-recorder.md.
	Criteria Criteria `json:"criteria"`
	// The fields whose values entries that belong together share, at most four, with their leading underscores. By default
	// "_SYSTEMD_UNIT".
	Key conf.StringList `json:"key"`
	// How many entries of the key to look back at, 1 to 100,000.
	BufferSize int `json:"buffer_size"`
	// How far to look back; 0: as far as the journal goes.
	Window conf.Duration `json:"window"`
	// Which of the entries are recorded, such as those of some units or priorities; by default all.
	Capture Condition `json:"capture"`
	// What is sent of the entries of the key that follow a dump: so many, for so long, or both. By default none.
	After After `json:"after"`
	// How long after a dump there is no other one of the same key.
	Cooldown conf.Duration `json:"cooldown"`
	// How many dumps there are in an hour at most, of all keys; 1 to 3,600.
	MaxPerHour int `json:"max_per_hour"`
	// How dumps are written; "text" is blocks of lines, for senders that write lines ("file", "stdout").
	Format Format `json:"format"`
	// The sender gets nothing but dumps.
	Only bool `json:"only"`
}

// Condition is a condition on entries; the zero Condition holds for all.
type Condition struct{ config condition.Config }

// DecodeConf implements conf.Decoder.
func (c *Condition) DecodeConf(v conf.Value) error { return c.config.DecodeConf(v) }

// Defaults.
const (
	DefaultBufferSize = 1024 // as in mod_log_forensic
	DefaultWindow     = conf.Duration(3600e9)
	DefaultKey        = unitField
	DefaultCooldown   = conf.Duration(1e9)
	DefaultMaxPerHour = 60

	maxBufferSize = 100_000
	maxPerHour    = 3600
	maxKeyFields  = 4
)

// SetDefaults implements conf.Defaulter.
func (c *Config) SetDefaults() {
	*c = Config{
		BufferSize: DefaultBufferSize,
		Window:     DefaultWindow,
		Key:        conf.StringList{DefaultKey},
		Criteria:   Criteria{{Name: failedLogin}, {Name: untimelyDeath}},
		Cooldown:   DefaultCooldown,
		MaxPerHour: DefaultMaxPerHour,
		Format:     JSON,
	}
}

// Events are the conditions of the events that there are, by name.
type Events map[string]condition.Config

// Validate reports to o what is wrong beyond what the values report themselves.
func (c *Config) Validate(o *conf.Object, events Events) {
	events.validate(o.Get("criteria"))
	if c.BufferSize < 1 || c.BufferSize > maxBufferSize {
		o.Errorf("buffer_size", "must be between 1 and %d", maxBufferSize)
	}
	if c.MaxPerHour < 1 || c.MaxPerHour > maxPerHour {
		o.Errorf("max_per_hour", "must be between 1 and %d", maxPerHour)
	}
	if len(c.Criteria) == 0 {
		o.Errorf("criteria", "must have at least one criterion in it")
	}
	if n := len(c.Key); n == 0 || n > maxKeyFields {
		o.Errorf("key", "must be one to %d fields", maxKeyFields)
	}
	for i, name := range c.Key {
		if !isFieldName(name) {
			o.Errorf("key", "%q is no field's name: it must be as the journal has it, such as %q", name, DefaultKey)
		}
		if slices.Contains(c.Key[:i], name) {
			o.Errorf("key", "%s is in it twice", name)
		}
	}
	if c.Format == Text && !c.Only {
		o.Warnf("format", "is text for dumps only; with \"only\": true the sender gets nothing else")
	}
}

// validate reports criteria that are called like nothing there is, or like two things.
func (e Events) validate(criteria conf.Value) {
	elems, ok := criteria.List()
	if !ok {
		elems = []conf.Value{criteria}
	}
	for _, v := range elems {
		name, ok := v.Text()
		if !ok {
			continue
		}
		_, isEvent := e[name]
		_, err := builtin(name)
		switch {
		case isEvent && err == nil:
			v.Errorf("%q is a built-in criterion, and an event, too: call the event something else", name)
		case isEvent || err == nil:
		case strings.HasPrefix(name, priorityAtLeast):
			v.Errorf("%v", err)
		default:
			v.Errorf("%v", unknownCriterion(name, slices.Sorted(maps.Keys(e))))
		}
	}
}

// Resolve returns the settings with the conditions of the criteria that are events.
func (c *Config) Resolve(events Events) *Config {
	out := *c
	out.Criteria = slices.Clone(c.Criteria)
	for i := range out.Criteria {
		one := &out.Criteria[i]
		if when, ok := events[one.Name]; ok && one.When == nil && !isBuiltin(one.Name) {
			one.When = append(condition.Config{}, when...)
		}
	}
	return &out
}

func isFieldName(name string) bool {
	return strings.Trim(name, "_") != "" && strings.Trim(name, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// Format is how what the recorder adds is written.
type Format string

// The formats.
const (
	JSON Format = "json" // like all other entries
	Text Format = "text" // blocks of lines as those of ProFTPD's mod_log_forensic
)

// ConfValues implements conf.Enum.
func (Format) ConfValues() []string { return []string{string(JSON), string(Text)} }

// Criteria are criteria of which one has to hold.
type Criteria []Criterion

// Criterion is a condition for a dump.
type Criterion struct {
	Name string
	When condition.Config // nil: the built-in one of that name, or, until Config.Resolve, an event's
}

// DecodeConf implements conf.Decoder.
func (c *Criteria) DecodeConf(v conf.Value) error {
	elems, ok := v.List()
	if !ok {
		elems = []conf.Value{v}
	}
	*c = Criteria{}
	for _, e := range elems {
		one, err := criterionOf(e)
		switch {
		case err != nil:
			e.Errorf("%v", err)
		case slices.ContainsFunc(*c, func(other Criterion) bool { return other.Name == one.Name }):
			e.Errorf("%q is there twice", one.Name)
		default:
			*c = append(*c, one)
		}
	}
	return nil
}

var errCriterion = errors.New(`must be the name of a criterion or an event, or an object with "name" and "when"`)

func criterionOf(v conf.Value) (one Criterion, err error) {
	if name, ok := v.Text(); ok {
		return Criterion{Name: name}, nil // Config.Validate knows which there are
	}
	o, ok := v.Object()
	if !ok {
		return one, fmt.Errorf("%w; not %s", errCriterion, v.Kind())
	}
	var own struct {
		Name string           `json:"name"`
		When condition.Config `json:"when"`
	}
	o.Decode(&own)
	switch {
	case own.Name == "":
		o.Errorf("name", "is missing")
	case isBuiltin(own.Name):
		o.Errorf("name", "%q is the name of a built-in criterion", own.Name)
	case !o.Has("when"):
		o.Errorf("when", "is missing: the condition for a dump")
	}
	return Criterion{Name: own.Name, When: own.When}, nil
}

// After is what is sent of the entries of a key that follow a dump: so many, for so long. What is 0 does not limit, unless both are.
type After struct { //nolint:recvcheck // a value that decodes itself
	// So many entries; 0: any number, for a time.
	Entries int `json:"entries"`
	// For so long; 0: until so many have come.
	Time conf.Duration `json:"time"`
}

func (a After) none() bool { return a == After{} }

var errAfter = errors.New(`must be a number of entries, a time such as "10s", or an object with "entries" and "time"`)

// DecodeConf implements conf.Decoder.
func (a *After) DecodeConf(v conf.Value) error {
	switch v.Kind() {
	case conf.KindObject:
		type plain After
		o, _ := v.Object()
		o.Decode((*plain)(a))
	case conf.KindNumber:
		if !v.Decode(&a.Entries) {
			return nil // reported
		}
	case conf.KindString:
		if a.Time.DecodeConf(v) != nil {
			return errAfter
		}
	case conf.KindAbsent, conf.KindNull, conf.KindBool, conf.KindList:
		return errAfter
	}
	if a.Entries < 0 {
		return errAfter
	}
	return nil
}
