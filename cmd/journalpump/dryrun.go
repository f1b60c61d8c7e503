package main

import (
	"context"
	"log/slog"

	"journalpump/cmd/journalpump/config"
	"journalpump/internal/logging"
	"journalpump/pump"
)

// dryRun is what commands begin with that look at a configuration and run nothing of it.
type dryRun struct {
	config  *config.Config
	readers []dryReader // those that were chosen
}

// dryReader is a reader that was chosen.
type dryReader struct {
	chosenReader
	spec pump.ReaderSpec // what the engine would run, with all senders
}

// dryRun loads a configuration and builds what was chosen of it.
func (o *choice) dryRun(path string) (*dryRun, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	chosen, err := o.of(c)
	if err != nil {
		return nil, err
	}
	d := daemon{log: quietLogger()}
	built, err := d.build(c)
	if err != nil {
		return nil, err
	}
	specs := make(map[string]pump.ReaderSpec, len(built))
	for i := range built {
		specs[built[i].Name] = built[i]
	}
	run := &dryRun{config: c}
	for _, r := range chosen {
		run.readers = append(run.readers, dryReader{r, specs[r.Name]})
	}
	return run, nil
}

// senderSpecs returns what the engine would run of the senders that were chosen.
func (r *dryReader) senderSpecs() []pump.SenderSpec {
	var specs []pump.SenderSpec
	for i := range r.spec.Senders {
		if r.has(r.spec.Senders[i].Name) {
			specs = append(specs, r.spec.Senders[i])
		}
	}
	return specs
}

// open opens the journal of a reader.
func (d *dryRun) open(ctx context.Context, r *dryReader) (pump.Log, error) {
	return openJournal(ctx, d.config, r.Reader, quietLogger())
}

// quietLogger is for commands whose output is their answer: warnings are shown, on standard error.
func quietLogger() *slog.Logger {
	log, _ := logging.New(slog.LevelWarn) // no message of theirs comes so often that it would be counted
	return log
}
