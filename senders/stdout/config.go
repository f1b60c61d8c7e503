package stdout

import (
	"context"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"journalpump/internal/conf"
	"journalpump/pump"
)

// Config is the settings of a stdout sender.
type Config struct {
	// One entry a line as JSON, or text for people. By default text on a terminal, else JSON.
	Format Format `json:"format"`
	// Whether text has colours. With "auto" on a terminal, unless NO_COLOR is set or TERM is "dumb"; JSON never has.
	Color Color `json:"color"`
}

// Format is a way of writing an entry.
type Format string

// The formats.
const (
	JSON Format = "json"
	Text Format = "text"
)

// ConfValues implements conf.Enum.
func (Format) ConfValues() []string { return []string{string(JSON), string(Text)} }

// Color says when to use colours.
type Color string

// When to use colours. Auto: on a terminal, unless NO_COLOR is set (https://no-color.org) or TERM is "dumb".
const (
	Auto   Color = "auto"
	Always Color = "always"
	Never  Color = "never"
)

// ConfValues implements conf.Enum.
func (Color) ConfValues() []string { return []string{string(Auto), string(Always), string(Never)} }

// DefaultConfig returns the settings of a sender for which nothing is set.
func DefaultConfig() *Config { return &Config{Color: Auto} }

// Validate has nothing to add to what the types allow.
func (c *Config) Validate(*conf.Object) {}

// Limits says how large batches are; a person is waiting.
func (c *Config) Limits() pump.BatchLimits {
	return pump.BatchLimits{Records: 5000, Bytes: 1 << 20, Age: 100 * time.Millisecond}
}

// Open returns a sender to standard output.
func (c *Config) Open(context.Context, string, *slog.Logger) (pump.Sender, error) {
	return c.newSender(os.Stdout, term.IsTerminal(int(os.Stdout.Fd())), time.Local), nil
}

func (c *Config) newSender(f *os.File, terminal bool, zone *time.Location) pump.Sender {
	s := &sender{out: newWriter(f)}
	if c.Format == Text || c.Format == "" && terminal {
		s.text = &formatter{zone: zone, color: c.colored(terminal)}
	}
	return s
}

func (c *Config) colored(terminal bool) bool {
	if c.Color == Always || c.Color == Never {
		return c.Color == Always
	}
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
