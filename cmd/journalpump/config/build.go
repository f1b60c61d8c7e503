package config

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"journalpump/filters"
	"journalpump/filters/convert"
	"journalpump/filters/recorder"
	"journalpump/filters/search"
	"journalpump/filters/secret"
	"journalpump/internal/logging"
	"journalpump/pump"
	"journalpump/state/deadletter"
)

// OpenFunc returns what opens a reader's log.
type OpenFunc func(*Reader) func(context.Context) (pump.Log, error)

// Builder makes of configurations what the engine runs. It remembers what it made last, so that after a reload what has
// not changed is the same object still and goes on sharing its work.
type Builder struct {
	Open   OpenFunc
	Logger *slog.Logger // for senders

	last    map[string]*readerParts     // by key
	letters map[string]*deadletter.File // by path; they hold nothing open
}

// readerParts is what of a reader survives a reload.
type readerParts struct {
	stage *filters.Stage
	views map[string]*filters.View // by fingerprint
}

// Build returns the specs of all readers. The configuration must have been loaded without errors. geo is its
// geoip_database, or nil; readers whose settings have not changed keep using the one they were built with.
func (b *Builder) Build(c *Config, geo search.Locator) ([]pump.ReaderSpec, error) {
	next := make(map[string]*readerParts, len(c.Readers))
	specs := make([]pump.ReaderSpec, 0, len(c.Readers))
	for _, r := range c.Readers {
		spec, parts, err := b.reader(c, r, geo)
		if err != nil {
			return nil, fmt.Errorf("reader %s: %w", r.Name, err)
		}
		next[r.partsKey(c)] = parts
		specs = append(specs, spec)
	}
	b.last = next
	return specs, nil
}

func (b *Builder) reader(c *Config, r *Reader, geo search.Locator) (pump.ReaderSpec, *readerParts, error) {
	spec := pump.ReaderSpec{
		Name:        r.Name,
		Fingerprint: r.fingerprint(c),
		Open:        b.Open(r),
		Initial:     pump.Start(r.Initial),
		Tags:        r.allTags(c),
		CountSecret: r.SecretFilterMetrics,
	}
	for _, s := range r.Searches {
		spec.Searches = append(spec.Searches, s.Name)
	}
	last := b.last[r.partsKey(c)]
	parts := &readerParts{views: map[string]*filters.View{}}
	if last != nil {
		parts.stage = last.stage
	} else {
		stage, err := r.stage(c, geo)
		if err != nil {
			return spec, nil, err
		}
		parts.stage = stage
	}
	for _, s := range r.Senders {
		var view pump.View = recorder.Nothing{}
		if s.FlightRecorder == nil || !s.FlightRecorder.Only {
			var err error
			if view, err = parts.view(c, r, s, last); err != nil {
				return spec, nil, fmt.Errorf("sender %s: %w", s.Name, err)
			}
		}
		sender := b.sender(c, r, s, view)
		if s.FlightRecorder != nil {
			var err error
			if sender.Recorder, err = parts.recorder(c, r, s, view); err != nil {
				return spec, nil, fmt.Errorf("sender %s: flight_recorder: %w", s.Name, err)
			}
		}
		spec.Senders = append(spec.Senders, sender)
	}
	views := make([]*filters.View, 0, len(parts.views))
	for _, key := range sortedKeys(parts.views) {
		views = append(views, parts.views[key])
	}
	spec.Inspector = filters.NewInspector(parts.stage, views)
	return spec, parts, nil
}

// allTags returns the tags of the reader's metrics. The name wins over a tag called "reader".
func (r *Reader) allTags(c *Config) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, c.Tags)
	maps.Copy(tags, r.Tags)
	tags["reader"] = r.Name
	return tags
}

// stage builds what all senders of the reader share.
func (r *Reader) stage(c *Config, geo search.Locator) (*filters.Stage, error) {
	var config filters.StageConfig
	var err error
	if config.BinaryFields, err = convert.ParseBinaryMode(string(r.BinaryFields)); err != nil {
		return nil, err
	}
	for _, m := range []*MatchSettings{&c.MatchSettings, &r.MatchSettings} {
		match, err := m.match()
		if err != nil {
			return nil, err
		}
		if match != nil {
			config.Matches = append(config.Matches, match)
		}
	}
	if len(r.SecretFilters) > 0 {
		if config.Secrets, err = secret.New(r.SecretFilters); err != nil {
			return nil, err
		}
	}
	if len(r.Searches) > 0 {
		options := search.Options{Geo: geo, Threshold: r.SlowSearch.Duration(), Now: time.Now}
		if config.Searches, err = search.New(r.Searches, options); err != nil {
			return nil, err
		}
	}
	if r.ExcludeSelf {
		config.Exclude = filters.NewSelf(logging.Identifier, logging.Identifier, os.Getpid())
	}
	if config.Watch, err = r.watch(c); err != nil {
		return nil, err
	}
	return filters.NewStage(config), nil
}

// match returns nil when everything matches.
func (m *MatchSettings) match() (*filters.Match, error) {
	if m.MatchKey == "" {
		return nil, nil //nolint:nilnil // no match is no error
	}
	return filters.NewMatch(m.MatchKey, m.MatchValue)
}

// view returns the view of a sender; senders with the same settings get the same.
func (p *readerParts) view(c *Config, r *Reader, s *Sender, last *readerParts) (*filters.View, error) {
	key := s.viewFingerprint(c, r)
	if v := p.views[key]; v != nil {
		return v, nil
	}
	if last != nil && last.views[key] != nil {
		p.views[key] = last.views[key]
		return p.views[key], nil
	}
	config, err := s.viewConfig(c, r)
	if err != nil {
		return nil, err
	}
	v, err := filters.NewView(p.stage, config)
	if err != nil {
		return nil, err
	}
	p.views[key] = v
	return v, nil
}

func (s *Sender) viewConfig(c *Config, r *Reader) (config filters.ViewConfig, err error) {
	config.MaxBytes = filters.DefaultMaxBytes
	if config.Match, err = s.match(); err != nil {
		return config, err
	}
	if filter, ok := lookup(s.FieldFilter, r.FieldFilters, c.FieldFilters); ok {
		if config.FieldFilter, err = filters.NewFieldFilter(filter); err != nil {
			return config, err
		}
	}
	if rules, ok := lookup(s.UnitLogLevel, r.UnitLogLevels, c.UnitLogLevels); ok {
		if config.UnitLogLevels, err = filters.NewUnitLogLevels(rules); err != nil {
			return config, err
		}
	}
	if o, ok := s.ExtraFieldValues.Object(); ok {
		if config.ExtraFields, err = filters.ParseExtraFields(o.Value().AppendJSON(nil)); err != nil {
			return config, err
		}
	}
	err = s.routing(c, r, &config)
	return config, err
}

// committer is a senders.Config whose sender is a pump.Committer.
type committer interface {
	CommitEvery() time.Duration
}

// patient is a senders.Config whose sender may take longer than a minute.
type patient interface {
	SendLimit() time.Duration
}

func (b *Builder) sender(c *Config, r *Reader, s *Sender, view pump.View) pump.SenderSpec {
	log := b.Logger.With("reader", r.Name)
	spec := pump.SenderSpec{
		Name:        s.Name,
		Type:        s.Kind.Type,
		Fingerprint: s.fingerprint(c, r),
		Sees:        s.sees(c, r),
		View:        view,
		Limits:      s.limits(r),
		Open: func(ctx context.Context) (pump.Sender, error) {
			return s.Settings.Open(ctx, s.Name, log)
		},
	}
	if k, ok := s.Settings.(committer); ok {
		spec.CommitEvery = k.CommitEvery()
	}
	if k, ok := s.Settings.(patient); ok {
		spec.SendLimit = k.SendLimit()
	}
	if path := s.deadLetterFile(c); path != "" {
		spec.DeadLetters = b.deadLetters(path, int64(c.DeadLetterMax)).For(r.Name, s.Name)
	}
	return spec
}

func (s *Sender) deadLetterFile(c *Config) string {
	if s.DeadLetterFile != nil {
		return *s.DeadLetterFile
	}
	return c.DeadLetterFile
}

// deadLetters returns the same file for the same path, as senders that share one must take turns.
func (b *Builder) deadLetters(path string, limit int64) *deadletter.File {
	if b.letters == nil {
		b.letters = map[string]*deadletter.File{}
	}
	path = filepath.Clean(path)
	f := b.letters[path]
	if f == nil {
		f = deadletter.NewFile(path)
		b.letters[path] = f
	}
	f.Limit(limit)
	return f
}

// Replay returns the spec of a sender that gets dead letters once more, as they are and by their routes; what it refuses
// again goes to refused.
func (b *Builder) Replay(c *Config, r *Reader, s *Sender, refused pump.DeadLetters) (pump.SenderSpec, error) {
	spec := b.sender(c, r, s, nil)
	view, err := s.viewConfig(c, r)
	if err != nil {
		return spec, err
	}
	routes := make(map[string]*pump.Route, len(view.Routes))
	for i := range view.Routes {
		routes[view.Routes[i].Route.Name] = view.Routes[i].Route
	}
	spec.View, spec.DeadLetters = &deadletter.View{Routes: routes}, refused
	if k, ok := s.Settings.(interface{ Alone() }); ok {
		k.Alone()
	}
	return spec, nil
}

// limits are those of the kind, made narrower by the reader's buffer and the sender's max_send_interval.
func (s *Sender) limits(r *Reader) pump.BatchLimits {
	l := s.Settings.Limits()
	l.Records = atMost(l.Records, r.MaxLength)
	l.Bytes = atMost(l.Bytes, int(r.MaxBytes))
	if s.MaxSendInterval != nil {
		l.Age = s.MaxSendInterval.Duration()
	}
	return l
}

// atMost returns the smaller of two limits, of which 0 is none.
func atMost(a, b int) int {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
