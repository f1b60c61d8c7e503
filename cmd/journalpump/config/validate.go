package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"journalpump/filters"
	"journalpump/internal/conf"
)

// validate reports what is wrong beyond the types of values.
func (c *Config) validate() {
	if len(c.Readers) == 0 && !c.object.Has("readers") {
		c.object.Warnf("readers", "is missing, so nothing is read")
	} else if len(c.Readers) == 0 {
		c.object.Warnf("readers", "is empty, so nothing is read")
	}
	if c.Statsd != nil {
		c.Statsd.validate(c.object)
	}
	if c.StopTimeout == 0 {
		c.object.Errorf("stop_timeout", "must be more than 0")
	}
	if c.Listen != nil {
		c.Listen.Validate(c.object, "listen")
	}
	c.Filters.validate(c.object)
	c.MatchSettings.validate(c.object)
	c.Buffer.validate(c.object)
	for _, r := range c.Readers {
		r.validate(c)
	}
	c.validateOutputs()
}

func (s *Statsd) validate(root *conf.Object) {
	o, ok := root.Object("statsd")
	switch {
	case !ok || len(o.Keys()) == 0:
	case s.Host == "":
		o.Warnf("host", "is missing, so metrics are not sent")
	case s.Port == 0:
		o.Warnf("port", "is missing, so metrics are not sent; statsd's usual port is 8125")
	}
}

// validate looks at the filters that o, the whole or a reader, defines.
func (f *Filters) validate(o *conf.Object) {
	validateEvents(o)
	if section, ok := o.Object("field_filters"); ok {
		for name := range section.Members() {
			filter, decoded := f.FieldFilters[name]
			if !decoded {
				continue // reported
			}
			if _, err := filters.NewFieldFilter(filter); err != nil {
				section.Errorf(name, "%v", err)
			}
		}
	}
	if section, ok := o.Object("unit_log_levels"); ok {
		for _, v := range section.Members() {
			validateUnitLogLevels(v)
		}
	}
}

func validateUnitLogLevels(v conf.Value) {
	rules, _ := v.List()
	for _, rule := range rules {
		var r filters.UnitLogLevelConfig
		o, ok := rule.Object()
		if !ok || !o.DecodeSome(&r) {
			continue // reported
		}
		if r.ServiceGlob == "" {
			o.Errorf("service_glob", "is missing")
		}
		if _, err := filters.ParseLogLevel(r.LogLevel); err != nil && r.LogLevel == "" {
			o.Errorf("log_level", "is missing; it must be one of %s", LevelNames)
		} else if err != nil {
			o.Errorf("log_level", "%q is no log level; it must be one of %s%s", r.LogLevel, LevelNames,
				conf.DidYouMean(r.LogLevel, strings.Split(LevelNames, ", ")))
		}
	}
}

// LevelNames are the names of the original, by falling severity.
const LevelNames = "EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG"

func (m *MatchSettings) validate(o *conf.Object) {
	if m.MatchKey == "" {
		if !o.Get("match_value").IsNull() {
			o.Warnf("match_value", "has no effect without match_key")
		}
		return
	}
	if _, err := filters.NewMatch(m.MatchKey, m.MatchValue); err != nil {
		o.Errorf("match_value", "%s", strings.TrimPrefix(err.Error(), "match_value: "))
	}
}

func (b *Buffer) validate(o *conf.Object) {
	if b.MaxLength < 1 && o.Has("msg_buffer_max_length") {
		o.Errorf("msg_buffer_max_length", "must be at least 1")
	}
}

func (r *Reader) validate(c *Config) {
	r.Filters.validate(r.object)
	r.MatchSettings.validate(r.object)
	r.Buffer.validate(r.object)
	if _, err := r.Journal.Options(); err != nil {
		r.object.Errorf("", "%v", err)
	}
	r.Guard.Validate(r.object, c.StateFile)
	r.validatePatterns(c)
	for _, s := range r.Senders {
		r.validateSender(c, s)
	}
	switch {
	case len(r.Senders) > 0 || len(r.Searches) > 0 || r.SecretFilterMetrics:
	case r.object.Has("senders"):
		r.object.Warnf("senders", "is empty, and there are no searches: what is read goes nowhere")
	default:
		r.object.Warnf("senders", "is missing, and there are no searches: what is read goes nowhere")
	}
}

func (r *Reader) validateSender(c *Config, s *Sender) {
	if s.FieldFilter != "" {
		if _, ok := lookup(s.FieldFilter, r.FieldFilters, c.FieldFilters); !ok && named("field_filters", s.FieldFilter, r.object, c.object).IsNull() {
			reportMissing(s.object, "field_filter", s.FieldFilter, names(r.FieldFilters, c.FieldFilters))
		}
	}
	if s.UnitLogLevel != "" {
		if _, ok := lookup(s.UnitLogLevel, r.UnitLogLevels, c.UnitLogLevels); !ok && named("unit_log_levels", s.UnitLogLevel, r.object, c.object).IsNull() {
			reportMissing(s.object, "unit_log_level", s.UnitLogLevel, names(r.UnitLogLevels, c.UnitLogLevels))
		}
	}
	if v := s.ExtraFieldValues; !v.IsNull() && v.Kind() != conf.KindObject {
		v.Warnf("must be an object, not %s; ignored", v.Kind()) // as the original does
	}
	s.MatchSettings.validate(s.object)
	r.validateRoutes(c, s)
	s.validateRecorder(c, r)
	if s.Settings != nil {
		s.Settings.Validate(s.object)
	}
}

// lookup finds a name in the reader's own map, else in that of the top level.
func lookup[T any](name string, own, top map[string]T) (value T, ok bool) {
	if value, ok = own[name]; !ok {
		value, ok = top[name]
	}
	return value, ok
}

func names[T any](own, top map[string]T) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(own)), maps.Keys(top))
	slices.Sort(all)
	return slices.Compact(all)
}

func reportMissing(o *conf.Object, key, name string, known []string) {
	switch {
	case len(known) == 0:
		o.Errorf(key, "there is no %q: %ss defines none", name, key)
	case conf.Suggest(name, known) != "":
		o.Errorf(key, "there is no %q in %ss%s", name, key, conf.DidYouMean(name, known))
	default:
		o.Errorf(key, "there is no %q in %ss, which has %s", name, key, conf.QuoteList(known))
	}
}

// validateOutputs warns of files that several senders write. That works, but after a failure entries may be there twice: a
// sender can't take back what another has written after.
func (c *Config) validateOutputs() {
	const key = "file_output"
	writers := map[string]conf.Value{}
	for _, r := range c.Readers {
		for _, s := range r.Senders {
			v := s.object.Get(key)
			path, ok := v.Text()
			if !ok || s.Settings == nil || path == "" || strings.HasPrefix(path, "/dev/") {
				continue
			}
			path = filepath.Clean(path)
			if first, twice := writers[path]; twice {
				v.Warnf("is the same file as %s writes; better give every sender its own", strings.TrimSuffix(first.Path(), "."+key))
				continue
			}
			writers[path] = v
		}
	}
}
