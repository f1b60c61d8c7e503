package config

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"journalpump/filters/preset"
	"journalpump/internal/conf"
)

// fingerprint gathers settings, so that equal ones give equal texts. Secrets take part as hashes, see
// conf.Value.AppendCanonical.
type fingerprint struct{ text []byte }

// add adds all keys of an object but some.
func (f *fingerprint) add(o *conf.Object, except ...string) {
	keys := o.Keys()
	slices.Sort(keys)
	for _, key := range keys {
		if !slices.Contains(except, key) {
			f.value(key, o.Get(key))
		}
	}
	f.text = append(f.text, '\n')
}

// only adds some keys of an object, whether it has them or not.
func (f *fingerprint) only(o *conf.Object, keys ...string) {
	for _, key := range keys {
		f.value(key, o.Get(key))
	}
	f.text = append(f.text, '\n')
}

// note adds a text.
func (f *fingerprint) note(text string) {
	f.text = append(strconv.AppendQuote(f.text, text), '\n')
}

func (f *fingerprint) value(key string, v conf.Value) {
	f.text = append(strconv.AppendQuote(f.text, key), ':')
	f.text = append(v.AppendCanonical(f.text), ',')
}

// sum returns the settings as a hash: they may be long, and are nobody's business.
func (f *fingerprint) sum() string {
	sum := sha256.Sum256(f.text)
	return hex.EncodeToString(sum[:16])
}

// named returns the value called name of a section of the first of the objects that has it.
func named(section, name string, objects ...*conf.Object) conf.Value {
	for _, o := range objects {
		if s, ok := o.Object(section); ok && s.Has(name) {
			return s.Get(name)
		}
	}
	return conf.Value{}
}

// fingerprint changes with everything that a reader as such depends on; its senders and the filters that they refer to
// are left out.
func (r *Reader) fingerprint(c *Config) string {
	var f fingerprint
	f.note(r.Name)
	f.only(c.object, "tags", "match_key", "match_value", "binary_fields", "geoip_database",
		"msg_buffer_max_length", "msg_buffer_max_bytes")
	f.add(r.object, "senders", "field_filters", "unit_log_levels", "events", "formats")
	return f.sum()
}

// partsKey changes with everything that the reader's stage depends on: with what its senders' flight recorders watch for, too.
func (r *Reader) partsKey(c *Config) string {
	var f fingerprint
	f.note(r.fingerprint(c))
	for _, s := range r.Senders {
		f.addCriteria(c, r, s)
	}
	return f.sum()
}

// fingerprint changes with everything that a sender depends on.
func (s *Sender) fingerprint(c *Config, r *Reader) string {
	var f fingerprint
	f.note(r.fingerprint(c))
	f.note(s.viewFingerprint(c, r))
	f.addCriteria(c, r, s)
	f.only(c.object, "dead_letter_file", "dead_letter_max_bytes")
	f.add(s.object)
	return f.sum()
}

// sees changes with everything that decides which entries there are for a sender and which of them it gets.
func (s *Sender) sees(c *Config, r *Reader) string {
	var f fingerprint
	f.note(r.fingerprint(c))
	f.note(s.viewFingerprint(c, r))
	return f.sum()
}

// viewFingerprint changes with what a sender sees of the entries that its reader has.
func (s *Sender) viewFingerprint(c *Config, r *Reader) string {
	var f fingerprint
	f.only(s.object, "match_key", "match_value", "extra_field_values")
	f.value("field_filter", named("field_filters", s.FieldFilter, r.object, c.object))
	f.value("unit_log_level", named("unit_log_levels", s.UnitLogLevel, r.object, c.object))
	if routes := s.routes(); len(routes) > 0 {
		f.note(s.Kind.Name + "/" + s.Name) // whose places they are
		f.only(s.object, "on", "routes", "kafka_topic")
		for i := range routes {
			for _, name := range slices.Concat(routes[i].On, []string{preset.Connect, preset.Disconnect}) {
				f.value(name, named("events", name, r.object, c.object))
			}
			f.value(routes[i].Format, named("formats", routes[i].Format, r.object, c.object))
		}
	}
	return f.sum()
}
