package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"journalpump/filters/pattern"
	"journalpump/internal/conf"
	"journalpump/internal/placeholder"
)

// Config is a format. In a file a text stands for a format of a line alone.
type Config struct {
	// A line of LogFormat, with the keys of mod_kafka; they come first.
	Line string `json:"line"`
	// The keys of the object: each the name of a field, several of which the first counts that the entry has, or an object.
	Keys Keys `json:"keys"`
	// Patterns by field, one or a list, whose named groups are values; the first that has a group counts. Without any: what is
	// known of the messages of sshd, sudo, proftpd, nginx and the kernel.
	Extract map[string]conf.StringList `json:"extract"`
}

// Keys are the keys of a format, in the order of the file.
type Keys []Key

// Key is a key of the object and where its value comes from: the first of Group, Field, Env and Value that has one. Time
// stands alone.
type Key struct {
	Name string

	// A named group of a pattern of extract.
	Group string `json:"group"`
	// A field, or several of which the first counts that the entry has; leading underscores don't matter.
	Field conf.StringList `json:"field"`
	// An environment variable, as it was when the configuration was read.
	Env string `json:"env"`
	// A constant.
	Value conf.Value `json:"value"`
	// The entry's own time: "epoch", "millis", "micros", "iso8601", or directives of strftime.
	Time Time `json:"time"`
	// What the value is made; one that is none is left out, but a text that is no JSON stays one.
	Type Type `json:"type"`
}

// Type is what a value is converted to. One that does not lend itself to it is left out; JSON says what it does.
type Type string

// The types of values.
const (
	Natural Type = ""       // as senders see the field; of a group, a text
	String  Type = "string" // a number becomes a text
	Int     Type = "int"
	Float   Type = "float"
	Bool    Type = "bool" // 1, true, yes, on; 0, false, no, off
	JSON    Type = "json" // a text that is JSON becomes what it is; another stays
)

// ConfValues implements conf.Enum.
func (Type) ConfValues() []string {
	return []string{string(String), string(Int), string(Float), string(Bool), string(JSON)}
}

// Time is a form of the entry's time, in UTC: one of the names below, or strftime's directives.
type Time string //nolint:recvcheck // a value that decodes itself

// Forms of times.
const (
	Epoch   Time = "epoch"   // seconds since 1970
	Millis  Time = "millis"  // milliseconds since 1970
	Micros  Time = "micros"  // microseconds since 1970
	ISO8601 Time = "iso8601" // 2026-11-27T12:30:00.123456Z

	commaTime  Time = "%{iso8601}"   // LogFormat's: 2026-11-27 12:30:00,123
	millisPart Time = "%{millisecs}" // of the second
	microsPart Time = "%{microsecs}" // of the second
)

// DecodeConf implements conf.Decoder.
func (t *Time) DecodeConf(v conf.Value) error {
	text, ok := v.Text()
	names := []string{string(Epoch), string(Millis), string(Micros), string(ISO8601)}
	switch *t = Time(text); {
	case !ok || !strings.Contains(text, "%") && !slices.Contains(names, text):
		return fmt.Errorf("must be one of %s, or have directives of strftime in it, such as \"%%Y-%%m-%%d\"%s", conf.QuoteList(names), conf.DidYouMean(text, names))
	case strings.Contains(text, "%"):
		_, err := t.template()
		return err
	}
	return nil
}

var errFieldsInTime = errors.New("must not have { or } in it: it is a time")

func (t Time) template() (*placeholder.Template, error) {
	if strings.ContainsAny(string(t), "{}") {
		return nil, errFieldsInTime
	}
	return placeholder.Parse(string(t))
}

// DecodeConf implements conf.Decoder.
func (c *Config) DecodeConf(v conf.Value) error {
	type plain Config
	if text, ok := v.Text(); ok {
		c.Line = text
		keys, err := parseLine(text)
		if err == nil && len(keys) == 0 {
			return errNoVariable
		}
		return err
	}
	o, ok := v.Object()
	if !ok {
		return fmt.Errorf("must be a line of LogFormat, or an object; not %s", v.Kind())
	}
	if o.Decode((*plain)(c)) {
		c.Validate(o)
	}
	return nil
}

// Validate reports to o what is wrong with the format.
func (c *Config) Validate(o *conf.Object) {
	keys, ok := o.Object("keys")
	if c.Line == "" && (!ok || len(keys.Keys()) == 0) {
		o.Errorf("", `must have "keys" or a "line" in it`)
	}
	if inLine, err := parseLine(c.Line); err != nil {
		o.Errorf("line", "%v", err)
	} else if c.Line != "" && len(inLine) == 0 {
		o.Errorf("line", "%v", errNoVariable)
	}
	groups := c.validateExtract(o)
	for _, k := range c.Keys {
		if k.Group == "" || slices.Contains(groups, k.Group) {
			continue
		}
		if key, ok := keys.Object(k.Name); ok {
			key.Errorf("group", "no pattern of extract has a group %q%s", k.Group, conf.DidYouMean(k.Group, groups))
		}
	}
}

var errNoVariable = errors.New(`has no variable in it, such as %{iso8601}, %u or %{_SYSTEMD_UNIT}e`)

// validateExtract returns the names of the groups there are.
func (c *Config) validateExtract(o *conf.Object) (groups []string) {
	section, _ := o.Object("extract")
	for field, list := range c.Extract {
		for _, expr := range list {
			p, err := pattern.Compile(expr)
			if err != nil {
				section.Errorf(field, "%v", err)
				continue
			}
			groups = append(groups, p.Names()...)
		}
	}
	if len(c.Extract) == 0 {
		for _, e := range Known() {
			groups = append(groups, e.groups()...)
		}
	}
	return groups
}

// DecodeConf implements conf.Decoder.
func (k *Keys) DecodeConf(v conf.Value) error {
	o, ok := v.Object()
	if !ok {
		return fmt.Errorf("must be an object with the keys of the output, not %s", v.Kind())
	}
	for name, source := range o.Members() {
		key := Key{Name: name}
		if name == "" {
			source.Errorf("a key must have a name")
			continue
		}
		if err := key.decode(source); err != nil {
			source.Errorf("%v", err)
			continue
		}
		*k = append(*k, key)
	}
	return nil
}

// decode takes the name of a field, a list of such, or an object.
func (k *Key) decode(v conf.Value) error {
	o, ok := v.Object()
	if !ok {
		if err := k.Field.DecodeConf(v); err != nil {
			return fmt.Errorf("must be the name of a field, a list of names, or an object; not %s", v.Kind())
		}
		if len(k.Field) == 0 || slices.Contains(k.Field, "") {
			return errors.New("must name a field")
		}
		return nil
	}
	if !o.Decode(k) {
		return nil // reported
	}
	sources := 0
	for _, given := range []bool{k.Group != "", len(k.Field) > 0, k.Env != "", o.Has("value")} {
		if given {
			sources++
		}
	}
	switch {
	case k.Time != "" && (sources > 0 || k.Type != Natural):
		return errors.New(`"time" stands alone`)
	case k.Time == "" && sources == 0:
		return errors.New(`must say where the value comes from: "field", "group", "env", "value" or "time"`)
	}
	if _, ok := k.constant(); !ok {
		o.Errorf("value", "can be made no %s", k.Type)
	}
	return nil
}

// constant returns the value as JSON of the type that is wanted, nil if there is none; ok is false where it does not lend itself to it.
func (k *Key) constant() (out []byte, ok bool) {
	if k.Value.IsNull() {
		return nil, true
	}
	text, isText := k.Value.Text()
	switch {
	case k.Type == Natural, k.Type == JSON && !isText:
		return k.Value.AppendJSON(nil), true
	case !isText:
		text = string(k.Value.AppendJSON(nil))
	}
	return appendText(nil, k.Type, []byte(text))
}
