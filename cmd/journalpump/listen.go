package main

import (
	"context"
	"os"

	"journalpump/cmd/journalpump/web"
	"journalpump/pump"
)

// openWeb serves status and metrics where the configuration wants that. A run that ends by itself has nothing to show.
func (d *daemon) openWeb(ctx context.Context, previous pump.Snapshot) (err error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	d.web, err = web.New(web.Options{Agent: d.pump, Before: previous, Host: host, Version: version(), Logger: d.log})
	if err != nil || d.opts.once {
		return err
	}
	return d.web.Use(ctx, d.config.Listen)
}
