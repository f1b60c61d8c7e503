package config

import (
	"slices"

	"journalpump/filters"
	"journalpump/filters/condition"
	"journalpump/filters/convert"
	"journalpump/filters/recorder"
	"journalpump/filters/secret"
	"journalpump/internal/conf"
	"journalpump/pump"
)

// recorderBytes is what a flight recorder adds to an entry, at most: the limit of its JSON is that much lower.
const recorderBytes = 4 << 10

// textOutputs are the kinds of senders that write whatever a line is.
func textOutputs() []string { return []string{"file", "stdout"} }

func (s *Sender) validateRecorder() {
	o, ok := s.object.Object("flight_recorder")
	if s.FlightRecorder == nil || !ok {
		return
	}
	s.FlightRecorder.Validate(o)
	if len(s.On) > 0 || len(s.Routes) > 0 {
		s.object.Errorf("flight_recorder", "cannot be had beside on or routes; give it a sender of its own")
	}
	if s.FlightRecorder.Format == recorder.Text && !slices.Contains(textOutputs(), s.OutputType) {
		o.Errorf("format", "can only be text with output_type %s", conf.QuoteList(textOutputs()))
	}
}

// watch returns what the flight recorders of the reader's senders watch for; nil without any.
func (r *Reader) watch() (*condition.Set, error) {
	var configs []*recorder.Config
	for _, s := range r.Senders {
		if s.FlightRecorder != nil {
			configs = append(configs, s.FlightRecorder)
		}
	}
	return recorder.Watch(configs...)
}

// recorder builds a sender's flight recorder, which sees what the sender sees, but for the filters that hold back entries.
func (p *readerParts) recorder(c *Config, r *Reader, s *Sender, view pump.View) (*recorder.Recorder, error) {
	config, err := s.viewConfig(c, r)
	if err != nil {
		return nil, err
	}
	config.Match, config.UnitLogLevels = nil, nil
	config.MaxBytes -= recorderBytes
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
		Config: *s.FlightRecorder, View: view, Lifted: lifted, Marks: marks, Shows: config.FieldFilter.Keeps, Watched: p.stage.Watched,
	})
}
