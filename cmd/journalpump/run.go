package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"journalpump/cmd/journalpump/config"
	"journalpump/cmd/journalpump/web"
	"journalpump/internal/conf"
	"journalpump/internal/logging"
	"journalpump/internal/notify"
	"journalpump/internal/statsd"
	"journalpump/pump"
	"journalpump/state"
)

// runOptions are the flags of the run command.
type runOptions struct {
	once    bool
	timeout time.Duration
}

func (o *runOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.once, "once", false, "pump what there is, deliver it, save the state and end")
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "with --once: how long a destination may refuse, or the journal fail, before its sender, or reader, is given up")
}

// gcPercent is how much memory may be allocated between two garbage collections, in percent of what is in use. Little is in
// use, some chunks of the journal, so that twice Go's default costs 15 MB and saves a tenth of the CPU.
const gcPercent = 200

// daemon is the running program.
type daemon struct {
	path    string
	opts    runOptions
	level   slog.LevelVar
	log     *slog.Logger
	notify  notify.Notifier
	metrics meter
	config  *config.Config
	builder config.Builder
	pump    *pump.Pump
	web     *web.Server
}

// pumpCommand runs the agent until a signal stops it or, with --once, everything is delivered.
func pumpCommand(ctx context.Context, path string, opts runOptions) error {
	cfg, err := loadConfig(path)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	d := daemon{path: path, opts: opts, config: cfg}
	d.level.Set(cfg.LogLevel.Level())
	log, flush := logging.New(&d.level)
	defer closeQuietly(flush)
	d.log = log
	if err := d.run(ctx); err != nil {
		if hint := hintFor(err); hint != "" {
			log.Error("stopped", "error", err, "hint", hint)
		} else {
			log.Error("stopped", "error", err)
		}
		return errReported
	}
	return nil
}

// showProblems prints all problems of a configuration, and returns errReported if it cannot be run.
func showProblems(w io.Writer, report *conf.Report) error {
	for _, p := range report.Problems() {
		fmt.Fprintln(w, p)
	}
	if report.HasErrors() {
		return errReported
	}
	return nil
}

func closeQuietly(c io.Closer) { _ = c.Close() } // nothing can be done about it, and nobody to tell

func (d *daemon) run(ctx context.Context) error {
	ctx, stop := untilStopped(ctx)
	defer stop()
	specs, err := d.build(d.config)
	if err != nil {
		return err
	}
	lock, err := d.lockState()
	if err != nil {
		return err
	}
	defer closeQuietly(lock)
	previous, file, err := d.openState(ctx)
	if err != nil {
		return err
	}
	d.metrics.use(ctx, d.config.Statsd)
	defer d.metrics.close()

	stopTimeout := d.config.StopTimeout.Duration()
	options := pump.Options{
		Logger:      d.log,
		Metrics:     &d.metrics,
		State:       previous,
		Saved:       d.showStatus,
		StopTimeout: stopTimeout,
		Once:        d.opts.once,
		Timeout:     d.opts.timeout,
	}
	if file != nil {
		options.Save, options.Record, options.Saved = file.Save, file.Record, d.saved
	}
	defer showProgress(&options)()
	d.pump = pump.New(options)
	if err := d.openWeb(ctx, previous); err != nil {
		return err
	}
	defer d.web.Close(ctx)
	hangups := make(chan os.Signal, 1)
	if !d.opts.once {
		signal.Notify(hangups, syscall.SIGHUP) // before anybody is told that we are there to get one
		defer signal.Stop(hangups)
	}
	d.tell(d.notify.Ready("starting"))
	d.log.Info("started", "version", version(), "config", d.path, "readers", len(specs))

	ended := make(chan error, 1)
	helpers, quit := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { d.feedWatchdog(helpers) })
	background.Go(func() { d.reloadOn(helpers, hangups) })
	go func() { ended <- d.pump.Run(ctx, specs) }()
	err = d.wait(ctx, ended, stopTimeout)
	quit()
	background.Wait()
	if err == nil && file != nil {
		err = file.Close()
	}
	return err
}

// wait waits for the pump to end. After a stop it gives up on one that does not within the limit.
func (d *daemon) wait(ctx context.Context, ended <-chan error, limit time.Duration) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	d.log.Info("stopping")
	d.tell(d.notify.Stopping("stopping"))
	giveUp := time.NewTimer(limit)
	defer giveUp.Stop()
	select {
	case err := <-ended:
		return err
	case <-giveUp.C:
		return fmt.Errorf("something did not stop within %v; what it was sending will be sent again", limit)
	}
}

// lockState keeps other agents from the state file. Where that cannot be done, saving it can hardly be done either, and that
// says more.
func (d *daemon) lockState() (io.Closer, error) {
	if d.config.StateFile == "" {
		return io.NopCloser(nil), nil
	}
	lock, err := state.Lock(d.config.StateFile)
	switch {
	case errors.Is(err, state.ErrInUse):
		return nil, err
	case err != nil:
		d.log.Debug("the state file cannot be locked", "error", err)
		return io.NopCloser(nil), nil
	}
	return lock, nil
}

// openState returns what the state file says, and the file to save to. Without a path there is none.
func (d *daemon) openState(ctx context.Context) (pump.Snapshot, *state.File, error) {
	if d.config.StateFile == "" {
		return pump.Snapshot{}, nil, nil
	}
	snapshot, warnings, err := state.Load(d.config.StateFile)
	for _, w := range warnings {
		d.log.WarnContext(ctx, "reading the state", "warning", w)
	}
	if err != nil {
		return pump.Snapshot{}, nil, fmt.Errorf("reading the state: %w", err)
	}
	file, err := state.Open(d.config.StateFile)
	if err != nil {
		err = fmt.Errorf("opening the state file: %w", err)
		if errors.Is(err, fs.ErrNotExist) {
			err = advise(err, "make the directory, or set json_state_file_path to a file in one that is there")
		}
		return pump.Snapshot{}, nil, err
	}
	return snapshot, file, nil
}

// reloadOn reads the configuration again at each signal.
func (d *daemon) reloadOn(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			d.tell(d.notify.Reloading())
			err := d.reload(ctx)
			d.web.Reloaded(err)
			if err != nil {
				d.log.Error("the new configuration is refused, the old one goes on", "error", err)
			} else {
				d.log.Info("reloaded")
			}
			d.pump.Reopen()
			d.tell(d.notify.Ready(""))
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) reload(ctx context.Context) error {
	cfg, report := config.Load(d.path)
	for _, p := range report.Problems() {
		d.log.Warn("configuration", "problem", p.String())
	}
	if report.HasErrors() {
		return errors.New("it has errors")
	}
	specs, err := d.build(cfg)
	if err != nil {
		return err
	}
	if cfg.StateFile != d.config.StateFile {
		d.log.Warn("json_state_file_path was changed; that takes effect at the next start", "now", d.config.StateFile)
		cfg.StateFile = d.config.StateFile
	}
	if cfg.StopTimeout != d.config.StopTimeout {
		d.log.Warn("stop_timeout was changed; that takes effect at the next start", "now", d.config.StopTimeout)
		cfg.StopTimeout = d.config.StopTimeout
	}
	if err := d.web.Use(ctx, cfg.Listen); err != nil {
		return err
	}
	if err := d.pump.Reload(ctx, specs); err != nil {
		return err
	}
	d.level.Set(cfg.LogLevel.Level())
	d.metrics.use(ctx, cfg.Statsd)
	d.config = cfg
	return nil
}

// feedWatchdog tells systemd that all is well, as long as it is.
func (d *daemon) feedWatchdog(ctx context.Context) {
	every, err := d.notify.WatchdogInterval()
	if err != nil {
		d.log.Warn("the watchdog is not fed", "error", err)
	}
	if every <= 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if d.pump.Stuck() {
				d.log.Error("something is stuck, so the watchdog is not fed")
				continue
			}
			d.tell(d.notify.Watchdog())
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) tell(err error) {
	if err != nil {
		d.log.Debug("telling the service manager", "error", err)
	}
}

// meter is the pump's Metrics: the statsd client of the configuration in force.
type meter struct {
	mu     sync.RWMutex
	client *statsd.Client
	config config.Statsd
}

// use switches to the client that the settings ask for, if they have changed. It is called by one goroutine at a time.
func (m *meter) use(ctx context.Context, settings *config.Statsd) {
	var s config.Statsd
	if settings != nil {
		s = *settings
	}
	if m.has(s) {
		return
	}
	client := statsd.New(ctx, statsd.Config{Host: s.Host, Port: int(s.Port), Prefix: s.Prefix, Tags: s.Tags}) // may look up a name: nobody waits
	m.mu.Lock()
	old := m.client
	m.client, m.config = client, s
	m.mu.Unlock()
	if old != nil {
		closeQuietly(old)
	}
}

func (m *meter) has(s config.Statsd) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return s.Host == m.config.Host && s.Port == m.config.Port && s.Prefix == m.config.Prefix && maps.Equal(s.Tags, m.config.Tags)
}

func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		closeQuietly(m.client)
	}
	m.client = nil
}

// Count implements pump.Metrics.
func (m *meter) Count(name string, n int64, tags map[string]string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.client.Count(name, n, tags)
}

// Gauge implements pump.Metrics.
func (m *meter) Gauge(name string, value float64, tags map[string]string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.client.Gauge(name, value, tags)
}
