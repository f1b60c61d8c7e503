package config

import (
	"slices"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/convert"
	"journalpump/filters/preset"
	"journalpump/filters/recorder"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/pump"
)

// recorderBytes is what a flight recorder adds to an entry, at most: the limit of its JSON is that much lower.
const recorderBytes = 4 << 10

// textOutputs are the kinds of senders that write whatever a line is.
func textOutputs() []string { return []string{"file", "stdout"} }

func (s *Sender) validateRecorder(c *Config, r *Reader) {
	o, ok := s.object.Object("flight_recorder")
	if s.FlightRecorder == nil || !ok {
		return
	}
	s.FlightRecorder.Validate(o, r.recorderEvents(c))
	r.warnOfCriteria(o, s.FlightRecorder)
	formatted := slices.ContainsFunc(s.routes(), func(r RouteSettings) bool { return r.Format != "" })
	if s.FlightRecorder.Format == recorder.Text && formatted {
		o.Errorf("format", "cannot be text where routes have formats of their own")
	}
	if s.FlightRecorder.Format == recorder.Text && !slices.Contains(textOutputs(), s.OutputType) {
		o.Errorf("format", "can only be text with output_type %s", conf.QuoteList(textOutputs()))
	}
}

// manager is the unit that systemd's own messages are from.
const manager = "init.scope"

// warnOfCriteria reports criteria that hold for what systemd and the kernel say only, which units_to_match leaves out.
func (r *Reader) warnOfCriteria(o *conf.Object, c *recorder.Config) {
	units := r.Journal.Units
	if len(units) == 0 || slices.ContainsFunc(units, func(pattern string) bool { return matchesAny(pattern, []string{manager}) }) {
		return
	}
	for _, one := range c.Criteria {
		if one.When == nil && recorder.AsksSystemd(one.Name) {
			o.Warnf("criteria", "%q holds for what systemd and the kernel say of a unit, which units_to_match leaves out; add %q to that for what systemd says", one.Name, manager)
		}
	}
}

// recorderEvents returns the events that criteria may name.
func (r *Reader) recorderEvents(c *Config) recorder.Events {
	presets := preset.Events()
	delete(presets, preset.All) // every entry is no reason
	events := recorder.Events{}
	for _, name := range slices.Concat(names(r.Events, c.Events), names(presets, nil)) {
		e, _ := event(name, r, c, presets)
		events[name] = e.When
	}
	return events
}

// flightRecorder returns the settings of a sender's flight recorder, with the conditions of the events that its criteria name.
func (s *Sender) flightRecorder(c *Config, r *Reader) *recorder.Config {
	return s.FlightRecorder.Resolve(r.recorderEvents(c))
}

// watch returns what the flight recorders of the reader's senders watch for; nil without any.
func (r *Reader) watch(c *Config) (*condition.Set, error) {
	var configs []*recorder.Config
	for _, s := range r.Senders {
		if s.FlightRecorder != nil {
			configs = append(configs, s.flightRecorder(c, r))
		}
	}
	return recorder.Watch(configs...)
}

// addCriteria adds what lets the sender's flight recorder dump.
func (f *fingerprint) addCriteria(c *Config, r *Reader, s *Sender) {
	if s.FlightRecorder == nil {
		return
	}
	o, _ := s.object.Object("flight_recorder")
	f.only(o, "criteria")
	for _, one := range s.FlightRecorder.Criteria {
		f.value(one.Name, named("events", one.Name, r.object, c.object))
	}
}

// recorder builds a sender's flight recorder, which sees what the sender sees, but for the filters that hold back entries.
func (p *readerParts) recorder(c *Config, r *Reader, s *Sender, view pump.View) (*recorder.Recorder, error) {
	config, err := s.viewConfig(c, r)
	if err != nil {
		return nil, err
	}
	config.Match, config.UnitLogLevels = nil, nil
	config.MaxBytes -= recorderBytes
	routed, err := p.routed(config)
	if err != nil {
		return nil, err
	}
	config.Routes = slices.Clone(config.Routes)
	for i := range config.Routes {
		config.Routes[i].On = nil
	}
	lifted, err := filters.NewView(p.stage, config)
	if err != nil {
		return nil, err
	}
	var own filters.StageConfig
	if own.BinaryFields, err = convert.ParseBinaryMode(string(r.BinaryFields)); err != nil {
		return nil, err
	}
	if len(r.SecretFilters) > 0 {
		if own.Secrets, err = secret.New(r.SecretFilters); err != nil {
			return nil, err
		}
	}
	marks, err := filters.NewView(filters.NewStage(own), config)
	if err != nil {
		return nil, err
	}
	return recorder.New(recorder.Options{
		Config: *s.flightRecorder(c, r), View: view, Lifted: lifted, Routed: routed, Marks: marks, Shows: config.FieldFilter.Keeps,
		Watched: p.stage.Watched,
	})
}

// routed returns the view that says which routes entries go; nil without any.
func (p *readerParts) routed(config filters.ViewConfig) (pump.View, error) {
	if len(config.Routes) == 0 {
		return nil, nil //nolint:nilnil // no routes are no error
	}
	return filters.NewView(p.stage, config)
}
