package guard

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"journalpump/internal/conf"
)

// Mode is what is done about entries that are about to be deleted.
type Mode string

// The modes.
const (
	Off   Mode = "off"
	Warn  Mode = "warn"  // say so in time; the default
	Spool Mode = "spool" // keep them
)

// ConfValues implements conf.Enum.
func (Mode) ConfValues() []string { return []string{string(Off), string(Warn), string(Spool)} }

// Config is what the configuration of a reader says of its guard.
type Config struct {
	// What is done about entries that a sender lacks and that journald's vacuum is about to delete (new): "warn" says so in time,
	// "spool" keeps them, "off" does nothing.
	Mode Mode `json:"vacuum_guard"`
	// How much may be kept (new); at least 1 MiB.
	Bytes conf.Size `json:"vacuum_spool_bytes"`
	// Where it is kept, in a directory for each reader (new); by default beside the state file, in STATEFILE.spool.
	Directory string `json:"vacuum_spool_directory"`
}

// DefaultConfig returns the settings of a reader for which nothing is set.
func DefaultConfig() Config { return Config{Mode: Warn, Bytes: DefaultSpoolBytes} }

// DefaultSpoolBytes is how large a reader's spool may get.
const DefaultSpoolBytes = 1 << 30

// leastSpool is the smallest spool that is of use: a few chunks.
const leastSpool = 1 << 20

// Validate reports what is wrong with the settings in o. stateFile is the path of the state file, "" if there is none.
func (c *Config) Validate(o *conf.Object, stateFile string) {
	if c.Mode != Spool {
		for _, key := range []string{"vacuum_spool_bytes", "vacuum_spool_directory"} {
			if !o.Get(key).IsNull() {
				o.Warnf(key, `has no effect unless vacuum_guard is "spool"`)
			}
		}
		return
	}
	if c.Bytes != 0 && c.Bytes < leastSpool {
		o.Errorf("vacuum_spool_bytes", "must be at least %s", conf.Size(leastSpool))
	}
	if c.Directory == "" && stateFile == "" {
		o.Errorf("vacuum_spool_directory", "is missing, and there is no state file beside which the spool could be")
	}
}

var errNoDirectory = errors.New("there is no directory for the spool")

// directory returns where the spool of a reader is.
func (c *Config) directory(stateFile, reader string) (string, error) {
	dir := c.Directory
	if dir == "" && stateFile != "" {
		dir = stateFile + ".spool"
	}
	if dir == "" {
		return "", errNoDirectory
	}
	return filepath.Join(dir, strings.ReplaceAll(url.PathEscape(reader), ".", "%2E")), nil
}
