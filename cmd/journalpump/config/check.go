package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"journalpump/internal/conf"
	"journalpump/internal/glob"
	"journalpump/pump"
	"journalpump/senders"
)

// UnitsFunc lists the units that have entries in a reader's journal. It fails with pump.ErrNotYet where there are no journal files.
type UnitsFunc func(*Reader) ([]string, error)

// Check goes beyond what Load found to what depends on the machine: journals that are not there, units that are not in them, files
// that cannot be read, directories that cannot be written. units may be nil; its errors are warnings.
func Check(c *Config, report *conf.Report, units UnitsFunc) {
	loaded := !report.HasErrors()
	c.checkStateFile()
	checkPlace(c.object, "dead_letter_file", c.DeadLetterFile)
	if c.GeoIPDatabase != "" {
		checkReadable(c.object, "geoip_database", c.GeoIPDatabase)
	}
	if listen, ok := c.object.Object("listen"); ok {
		checkTLSFiles(listen)
	}
	for _, r := range c.Readers {
		for _, s := range r.Senders {
			checkTLSFiles(s.object)
			if s.DeadLetterFile != nil {
				checkPlace(s.object, "dead_letter_file", *s.DeadLetterFile)
			}
			s.checkFiles()
		}
	}
	if units == nil || !loaded {
		return // a reader that is not right has no journal to look in
	}
	levels := map[string]*usedLevels{}
	for _, r := range c.Readers {
		found, err := units(r)
		if err != nil {
			r.warnOfJournal(err)
			continue
		}
		if len(found) == 0 {
			continue // a journal without entries says nothing about patterns
		}
		r.checkUnitsToMatch(found)
		for _, s := range r.Senders {
			c.useLevels(levels, r, s, found)
		}
	}
	for _, used := range levels {
		used.check()
	}
}

// Passes reports whether the report is good enough: without errors, and with strict without warnings.
func Passes(report *conf.Report, strict bool) bool {
	return !report.HasErrors() && (!strict || len(report.Problems()) == 0)
}

func (c *Config) checkStateFile() {
	if c.StateFile == "" {
		c.object.Warnf("json_state_file_path", "is empty: after a restart every reader begins at its initial_position again")
		return
	}
	checkPlace(c.object, "json_state_file_path", c.StateFile)
}

// checkPlace looks whether a file may be made where the key says.
func checkPlace(o *conf.Object, key, path string) {
	if path == "" {
		return
	}
	if isDirectory(o, key, path) {
		return
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		o.Warnf(key, "the directory %s: %v", dir, reason(err))
	case !info.IsDir():
		o.Warnf(key, "%s is no directory", dir)
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		o.Warnf(key, "the directory %s is not writable for this user", dir)
	}
}

// isDirectory reports that a path that is to be a file's is a directory's.
func isDirectory(o *conf.Object, key, path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	o.Errorf(key, "%s is a directory, it must be a file", path)
	return true
}

// checkFiles looks whether a sender of files may write where it is to.
func (s *Sender) checkFiles() {
	writer, ok := s.Settings.(senders.FileWriter)
	if !ok {
		return
	}
	checkOutput(s.object, writer.FileKey(), writer.Fixed(""))
	list, _ := s.object.Get("routes").List()
	for i, v := range list {
		if o, ok := v.Object(); ok && i < len(s.Routes) && s.Routes[i].File != "" {
			checkOutput(o, "file", writer.Fixed(s.Routes[i].File))
		}
	}
}

// checkOutput looks whether a file may be written that is there, or made.
func checkOutput(o *conf.Object, key, path string) {
	if _, err := os.Stat(path); err != nil {
		checkPlace(o, key, path)
	} else if !isDirectory(o, key, path) && unix.Access(path, unix.W_OK) != nil {
		o.Warnf(key, "the file %s is not writable for this user", path)
	}
}

// checkTLSFiles looks at the files of TLS, under the keys that they have in all kinds of senders.
func checkTLSFiles(o *conf.Object) {
	for _, key := range []string{"ca", "certfile", "keyfile", "ca_certs", "client_cert", "client_key"} {
		if path, ok := o.Get(key).Text(); ok && path != "" {
			checkReadable(o, key, path)
		}
	}
}

// checkReadable names the key, not the path: a secret may have been put in its place by mistake.
func checkReadable(o *conf.Object, key, path string) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		o.Errorf(key, "is a directory, it must be a file")
		return
	}
	if err == nil {
		err = unix.Access(path, unix.R_OK)
	}
	if err != nil {
		o.Errorf(key, "the file cannot be read: %v", reason(err))
	}
}

// reason leaves out the path, which the message has or must not have.
func reason(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

// warnOfJournal says why a reader's journal cannot be looked into.
func (r *Reader) warnOfJournal(err error) {
	switch {
	case errors.Is(err, pump.ErrNotYet):
		r.warnOfNoJournal()
	case errors.Is(err, fs.ErrPermission):
		r.object.Warnf("", "its journal is not readable for this user: %v; it is for root and the group systemd-journal", err)
	default:
		r.object.Warnf("", "its journal cannot be searched for units: %v", err)
	}
}

// warnOfNoJournal says that there are no journal files where the reader is to look. That a machine has none yet in the usual places may
// be, but who names a place means one that is there.
func (r *Reader) warnOfNoJournal() {
	options, err := r.Journal.Options()
	if err != nil {
		return // validate reports it
	}
	for _, key := range []string{"journal_files", "journal_path", "journal_namespace"} {
		if r.object.Has(key) {
			r.object.Warnf(key, "there are no journal files at %s", options.Selection.Where())
			return
		}
	}
}

func (r *Reader) checkUnitsToMatch(found []string) {
	const key = "units_to_match"
	list, _ := r.object.Get(key).List()
	for _, v := range list {
		pattern, ok := v.Text()
		if ok && !matchesAny(pattern, found) {
			v.Warnf("matches no unit in the journal%s", conf.DidYouMean(pattern, found))
		}
	}
}

// usedLevels is one of unit_log_levels with the units of all readers whose senders use it.
type usedLevels struct {
	rules conf.Value
	units []string
}

func (c *Config) useLevels(levels map[string]*usedLevels, r *Reader, s *Sender, units []string) {
	if s.UnitLogLevel == "" {
		return
	}
	definedBy := c.object
	if _, own := r.UnitLogLevels[s.UnitLogLevel]; own {
		definedBy = r.object
	}
	section, ok := definedBy.Object("unit_log_levels")
	if !ok {
		return
	}
	rules := section.Get(s.UnitLogLevel)
	used := levels[rules.Path()]
	if used == nil {
		used = &usedLevels{rules: rules}
		levels[rules.Path()] = used
	}
	used.units = append(used.units, units...)
}

func (u *usedLevels) check() {
	list, _ := u.rules.List()
	for _, rule := range list {
		o, ok := rule.Object()
		if !ok {
			continue
		}
		glob, ok := o.Get("service_glob").Text()
		if ok && !matchesAny(glob, u.units) {
			o.Warnf("service_glob", "matches no unit in the journal%s", conf.DidYouMean(glob, u.units))
		}
	}
}

func matchesAny(pattern string, units []string) bool {
	g := glob.Compile(pattern)
	for _, u := range units {
		if u == pattern || g.Match([]byte(u)) {
			return true
		}
	}
	return false
}
