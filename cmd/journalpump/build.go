package main

import (
	"context"
	"fmt"
	"log/slog"

	"journalpump/cmd/journalpump/config"
	"journalpump/filters/geo"
	"journalpump/filters/search"
	"journalpump/pump"
	"journalpump/readers"
	"journalpump/readers/journal"
	"journalpump/readers/journal/guard"
)

// build makes of a configuration what the engine runs.
func (d *daemon) build(c *config.Config) ([]pump.ReaderSpec, error) {
	var locator search.Locator
	if c.GeoIPDatabase != "" {
		db, err := geo.Open(c.GeoIPDatabase)
		if err != nil {
			return nil, fmt.Errorf("geoip_database: %w", err)
		}
		locator = db
	}
	d.builder.Logger = d.log
	d.builder.Open = func(r *config.Reader) func(context.Context) (pump.Log, error) {
		return func(ctx context.Context) (pump.Log, error) {
			log := d.log.With("reader", r.Name)
			l, err := openJournal(ctx, c, r, log)
			if err != nil {
				return nil, err
			}
			return readers.Guard(ctx, l, &r.Journal, guard.Options{Config: r.Guard, Reader: r.Name, StateFile: c.StateFile, Logger: log})
		}
	}
	return d.builder.Build(c, locator)
}

// openJournal opens the journal of a reader.
func openJournal(ctx context.Context, c *config.Config, r *config.Reader, log *slog.Logger) (pump.Log, error) {
	var match *journal.Match
	if name, value, ok := r.IndexMatch(c); ok {
		match = &journal.Match{Name: name, Value: []byte(value)}
	}
	return readers.OpenJournal(ctx, &r.Journal, match, log)
}
