package file

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strconv"
	"time"

	"journalpump/internal/conf"
	"journalpump/internal/placeholder"
	"journalpump/pump"
)

// Config is the settings of a file sender.
type Config struct {
	// The path of the file to append to. New: strftime's % directives stand for the entry's time in UTC, {FIELD} for the value of
	// one of its fields. Every sender should have its own file.
	FileOutput string `json:"file_output"`
	// How long written entries wait at most to be fsynced, which is when they count as accepted (new); 0: after every batch.
	Fsync conf.Duration `json:"fsync"`
	// Of what is appended (new); every batch is a gzip member or a zstd frame of its own.
	Compression Compression `json:"compression"`
	// Permissions of new files in octal, such as "0640" (new). By default 0644 less the umask.
	Mode string `json:"mode"`

	alone bool
}

// Alone has senders write to no file that another journalpump writes to.
func (c *Config) Alone() { c.alone = true }

// Compression is a way of compressing.
type Compression string

// The ways of compressing.
const (
	None Compression = "none"
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// ConfValues implements conf.Enum.
func (Compression) ConfValues() []string { return []string{string(None), string(Gzip), string(Zstd)} }

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config {
	return &Config{Fsync: conf.Duration(time.Second), Compression: None}
}

// Validate reports to o what is wrong with the settings.
func (c *Config) Validate(o *conf.Object) {
	if c.FileOutput == "" {
		o.Errorf("file_output", "is required: the path of the file to append to")
	} else if _, err := c.template(); err != nil {
		o.Errorf("file_output", "%v", err)
	}
	if _, err := c.mode(); err != nil {
		o.Errorf("mode", "%v", err)
	}
}

// maxFields bounds how long a path can get.
const maxFields = 8

// RouteKey implements senders.Router.
func (c *Config) RouteKey() string { return "file" }

// CheckRoute implements senders.Router.
func (c *Config) CheckRoute(to string) error {
	_, err := parsePath(to)
	return err
}

// FileKey implements senders.FileWriter.
func (c *Config) FileKey() string { return "file_output" }

// Fixed implements senders.FileWriter.
func (c *Config) Fixed(to string) string {
	if to == "" {
		to = c.FileOutput
	}
	t, err := parsePath(to)
	if err != nil {
		return "" // Validate reports it
	}
	if path, static := t.Static(); static {
		return path
	}
	return t.Prefix() + "x"
}

func (c *Config) template() (*placeholder.Template, error) { return parsePath(c.FileOutput) }

func parsePath(text string) (*placeholder.Template, error) {
	t, err := placeholder.Parse(text)
	if err == nil && t.Fields() > maxFields {
		err = errors.New("has more than " + strconv.Itoa(maxFields) + " fields in it")
	}
	return t, err
}

const defaultMode fs.FileMode = 0o644

var errMode = errors.New(`must be permissions in octal that let the owner write, such as "0640"`)

func (c *Config) mode() (fs.FileMode, error) {
	if c.Mode == "" {
		return defaultMode, nil
	}
	m, err := strconv.ParseUint(c.Mode, 8, 32)
	if err != nil || m > 0o777 || m&0o600 != 0o600 {
		return 0, errMode
	}
	return fs.FileMode(m), nil
}

// Limits says how large batches are. Their age is the original's max_send_interval.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 20000, Bytes: 2 << 20, Age: 300 * time.Millisecond}
}

// CommitEvery returns how long written entries may stay without an fsync.
func (c *Config) CommitEvery() time.Duration { return c.Fsync.Duration() }

// Open opens the file, or with a path that depends on the entry, checks that the directory is there.
func (c *Config) Open(_ context.Context, name string, log *slog.Logger) (pump.Sender, error) {
	return c.newSender(openFile, log.With("sender", name))
}

func (c *Config) newSender(open openFunc, log *slog.Logger) (pump.Sender, error) {
	t, err := c.template()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	mode, err := c.mode()
	if err != nil {
		return nil, pump.Permanent(err)
	}
	s := &sender{
		opener:  &opener{mode: mode, exactMode: c.Mode != "", open: open, log: log, since: time.Now(), alone: c.alone},
		outputs: map[string]*output{},
		maxOpen: defaultMaxOpen,
	}
	if err := s.setCompression(c.Compression); err != nil {
		return nil, err
	}
	if err := s.setPath(t); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
