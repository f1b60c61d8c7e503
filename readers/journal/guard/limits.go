package guard

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

// limits are those of journald for a directory, as journald.conf(5) describes them. 0 is none.
type limits struct {
	use       int64 // bytes of all files
	keepFree  int64 // bytes of the file system
	files     int
	fileSize  int64 // after which a file is archived
	retention time.Duration
	known     bool // it is journald that deletes here
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// What journald takes where nothing is configured (journal-file.c of systemd 252).
const (
	leastUse     = 1 * mib
	mostUse      = 4 * gib
	mostKeepFree = 4 * gib
	leastFile    = 512 * kib
	mostFile     = 128 * mib
	defaultFiles = 100
	usePart      = 10 // a tenth of the file system
	keepPart     = 20 // 3/20 of it
	filePart     = 8  // an eighth of use
)

// limitsOf finds the limits of a directory. root is where etc and run are, "/" but for tests.
func limitsOf(root, dir string) limits {
	storage, namespace, ok := journaldOwns(dir)
	if !ok {
		return limits{}
	}
	var l limits
	for key, value := range settings(root, namespace) {
		switch key {
		case storage + "MaxUse":
			l.use = parseSize(value)
		case storage + "KeepFree":
			l.keepFree = parseSize(value)
		case storage + "MaxFileSize":
			l.fileSize = parseSize(value)
		case storage + "MaxFiles":
			l.files, _ = strconv.Atoi(value)
		case "MaxRetentionSec":
			l.retention = parseSpan(value)
		}
	}
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return limits{}
	}
	l.setDefaults(int64(min(fs.Blocks, 1<<40)) * int64(fs.Bsize)) //nolint:unconvert // 32 bits on some machines
	return l
}

func (l *limits) setDefaults(disk int64) {
	if l.use <= 0 {
		l.use = min(max(disk/usePart, leastUse), mostUse)
	}
	if l.keepFree <= 0 {
		l.keepFree = min(disk*3/keepPart, mostKeepFree)
	}
	if l.fileSize <= 0 {
		l.fileSize = min(max(l.use/filePart, leastFile), mostFile)
	}
	if l.files <= 0 {
		l.files = defaultFiles
	}
	l.known = true
}

// journaldOwns reports whether journald deletes files in the directory, and by which settings: those that begin with System
// or with Runtime, of which namespace.
func journaldOwns(dir string) (storage, namespace string, ok bool) {
	id, namespace, _ := strings.Cut(filepath.Base(dir), ".")
	if _, err := pump.ParseID128(id); err != nil {
		return "", "", false
	}
	switch filepath.Dir(dir) {
	case "/var/log/journal":
		return "System", namespace, true
	case "/run/log/journal":
		return "Runtime", namespace, true
	}
	return "", "", false
}

// settings returns what journald.conf says, by its key. A file of one name in an earlier directory hides that in a later one.
func settings(root, namespace string) map[string]string {
	name := "journald.conf"
	if namespace != "" {
		name = "journald@" + namespace + ".conf"
	}
	dirs := []string{"etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd"}
	found := map[string]string{}
	for _, dir := range dirs {
		if readSettings(filepath.Join(root, dir, name), found) == nil {
			break
		}
	}
	parts := map[string]string{} // by name
	for _, dir := range slices.Backward(dirs) {
		paths, _ := filepath.Glob(filepath.Join(root, dir, name+".d", "*.conf")) // the pattern is a good one
		for _, path := range paths {
			parts[filepath.Base(path)] = path
		}
	}
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		_ = readSettings(parts[name], found) // what cannot be read does not count
	}
	return found
}

func readSettings(path string, into map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	section := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if ok && section == "[Journal]" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			into[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return lines.Err()
}

// parseSize reads a size as systemd does: with K, M, G, T, P or E, to the base 1024. 0 if it is none.
func parseSize(text string) int64 {
	text = strings.TrimSuffix(text, "B")
	factor := 1.0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("KMGTPE", text[n-1]); i >= 0 {
			text = text[:n-1]
			for range i + 1 {
				factor *= 1024
			}
		}
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(f >= 0 && f*factor < 1<<62) { // so that NaN isn't taken either
		return 0
	}
	return int64(f * factor)
}

// parseSpan reads a time span as systemd.time(7) has it, such as "1month", "2h 30min" or a number of seconds. 0 if it is none.
func parseSpan(text string) time.Duration {
	const day = 24 * time.Hour
	units := map[string]time.Duration{
		"us": time.Microsecond, "usec": time.Microsecond, "ms": time.Millisecond, "msec": time.Millisecond,
		"": time.Second, "s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
		"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
		"h": time.Hour, "hr": time.Hour, "hour": time.Hour, "hours": time.Hour,
		"d": day, "day": day, "days": day, "w": 7 * day, "week": 7 * day, "weeks": 7 * day,
		"M": 2629800 * time.Second, "month": 2629800 * time.Second, "months": 2629800 * time.Second,
		"y": 31557600 * time.Second, "year": 31557600 * time.Second, "years": 31557600 * time.Second,
	}
	var sum float64
	for rest := strings.TrimSpace(text); rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		letters := len(rest) - len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzM"))
		unit, ok := units[rest[:letters]]
		if !ok {
			return 0
		}
		sum += n * float64(unit)
		rest = strings.TrimLeft(rest[letters:], " ")
	}
	if sum >= 1<<62 {
		return 0
	}
	return time.Duration(sum)
}
