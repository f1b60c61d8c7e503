package recorder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"journalpump/filters/condition"
	"journalpump/internal/conf"
)

// Config is the setting flight_recorder of a sender.
type Config struct {
	BufferSize int              `json:"buffer_size"` // entries of the key to look back at
	Window     conf.Duration    `json:"window"`      // how far to look back; 0: as far as the log goes
	Key        conf.StringList  `json:"key"`         // fields whose values entries that belong together share
	Capture    condition.Config `json:"capture"`     // which of them are recorded; without it all
	Criteria   Criteria         `json:"criteria"`    // what lets the recorder dump
	After      After            `json:"after"`       // what is sent of what follows
	Cooldown   conf.Duration    `json:"cooldown"`    // between two dumps of a key
	MaxPerHour int              `json:"max_per_hour"`
	Format     Format           `json:"format"`
	Only       bool             `json:"only"` // the sender gets nothing but dumps
}

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

// Validate reports to o what is wrong beyond what the values report themselves.
func (c *Config) Validate(o *conf.Object) {
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
	When condition.Config // nil: the built-in one of that name
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

var errCriterion = errors.New(`must be a criterion's name, or an object with "name" and "when"`)

func criterionOf(v conf.Value) (one Criterion, err error) {
	if name, ok := v.Text(); ok {
		_, err = builtin(name)
		return Criterion{Name: name}, err
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
	switch _, taken := builtin(own.Name); {
	case own.Name == "":
		o.Errorf("name", "is missing")
	case taken == nil:
		o.Errorf("name", "%q is the name of a built-in criterion", own.Name)
	case !o.Has("when"):
		o.Errorf("when", "is missing: the condition for a dump")
	}
	return Criterion{Name: own.Name, When: own.When}, nil
}

// After is what is sent of the entries of a key that follow a dump: so many, for so long. What is 0 does not limit, unless both are.
type After struct { //nolint:recvcheck // a value that decodes itself
	Entries int           `json:"entries"`
	Time    conf.Duration `json:"time"`
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
