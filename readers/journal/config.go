package journal

import (
	"errors"
	"fmt"
	"strings"

	"journalpump/internal/conf"
	"journalpump/readers/journal/journaldir"
)

// Config is what the configuration says of a reader of the journal.
type Config struct {
	// A directory with journal files, or with a directory for each machine. By default the usual places, /run/log/journal and
	// /var/log/journal.
	Path string `json:"journal_path"`
	// Read these files and nothing else; excludes journal_path.
	Files []string `json:"journal_files"`
	// Journal namespaces; by default the default one. New: a list; "*" means all, "+NAME" that one and the default one.
	Namespace conf.StringList `json:"journal_namespace"`
	// One of LOCAL_ONLY (1), RUNTIME_ONLY (2), SYSTEM (4), CURRENT_USER (8), OS_ROOT (16), a list of them, or their sum, as in
	// sd_journal_open(3). With OS_ROOT, journal_path is the root directory of an operating system. By default LOCAL_ONLY; with a
	// journal_path or journal_files none.
	Flags Flags `json:"journal_flags" alias:"flags"`
	// Read only entries of these units (_SYSTEMD_UNIT). New: globs.
	Units conf.StringList `json:"units_to_match"`
	// What reads the files (new); "auto" is the native reader, and libsystemd for files that only it can read.
	Backend Backend `json:"journal_backend"`
	// About how much memory each iterator over the journal may take (new); 0: the built-in limit.
	Memory conf.Size `json:"journal_memory"`
}

// DefaultConfig returns the settings of a reader for which nothing is set.
func DefaultConfig() Config { return Config{Backend: Auto} }

// Backend is what reads the journal.
type Backend string

// The backends. Auto is the native one, and libsystemd for files that only it can read.
const (
	Auto       Backend = "auto"
	Native     Backend = "native"
	Libsystemd Backend = "libsystemd"
)

// ConfValues implements conf.Enum.
func (Backend) ConfValues() []string {
	return []string{string(Auto), string(Native), string(Libsystemd)}
}

// Flags are the flags of sd_journal_open(3): in the configuration a list of names, or an integer.
type Flags struct {
	Value journaldir.Flags
	Given bool
}

var errFlags = errors.New("must be a list of flags (LOCAL_ONLY, RUNTIME_ONLY, SYSTEM, CURRENT_USER, OS_ROOT) or their sum (1, 2, 4, 8, 16)")

// DecodeConf implements conf.Decoder.
func (f *Flags) DecodeConf(v conf.Value) error {
	f.Given = true
	f.Value = 0
	if number, ok := v.Number(); ok {
		n, err := number.Int64()
		if err != nil || n < 0 || journaldir.Flags(n)&^journaldir.Known != 0 {
			return errFlags
		}
		f.Value = journaldir.Flags(n)
		return nil
	}
	var names conf.StringList
	if names.DecodeConf(v) != nil {
		return errFlags
	}
	for _, name := range names {
		flag, err := journaldir.ParseFlag(name)
		if err != nil {
			return err
		}
		f.Value |= flag
	}
	return nil
}

// Options returns what Open wants. Its error names the key that is wrong.
func (c *Config) Options() (Options, error) {
	if c.Path != "" && len(c.Files) > 0 {
		return Options{}, errors.New("journal_path and journal_files exclude each other")
	}
	flags := c.Flags.Value
	if flags&journaldir.OSRoot != 0 && c.Path == "" {
		return Options{}, errors.New("the flag OS_ROOT wants journal_path to be the root directory")
	}
	if !c.Flags.Given && c.Path == "" && len(c.Files) == 0 {
		flags = journaldir.LocalOnly // what python-systemd and journalctl do
	}
	for _, unit := range c.Units {
		if unit == "" || strings.ContainsRune(unit, 0) {
			return Options{}, fmt.Errorf("units_to_match: %q is no unit's name", unit)
		}
	}
	return Options{
		Selection: journaldir.Selection{
			Path:       c.Path,
			Files:      c.Files,
			Namespaces: c.Namespace,
			Flags:      flags,
		},
		Units:       c.Units,
		MemoryLimit: int(c.Memory),
	}, nil
}
