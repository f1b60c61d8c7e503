// Package journaldir knows which journal files there are: it follows sd_journal_open(3) in what it takes for a journal
// file, and tells when the answer may have changed. It does not look into the files.
package journaldir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Flags narrow down what is read, as sd_journal_open(3) describes them. The values are systemd's.
type Flags uint

// The flags of sd_journal_open(3).
const (
	LocalOnly   Flags = 1 << iota // only journals of this machine
	RuntimeOnly                   // only journals under /run
	System                        // only system journals
	CurrentUser                   // only journals of the user this process runs as
	OSRoot                        // Selection.Path is the root directory of an operating system
)

// Known is every flag there is.
const Known = LocalOnly | RuntimeOnly | System | CurrentUser | OSRoot

// ParseFlag returns the flag of that name. Its errors name what was allowed.
func ParseFlag(name string) (Flags, error) {
	switch strings.TrimSpace(name) {
	case "LOCAL_ONLY":
		return LocalOnly, nil
	case "RUNTIME_ONLY":
		return RuntimeOnly, nil
	case "SYSTEM", "SYSTEM_ONLY": // the second is the old name
		return System, nil
	case "CURRENT_USER":
		return CurrentUser, nil
	case "OS_ROOT":
		return OSRoot, nil
	}
	return 0, fmt.Errorf("%q is no journal flag: one of LOCAL_ONLY, RUNTIME_ONLY, SYSTEM, CURRENT_USER, OS_ROOT", name)
}

// Selection says which journal files are meant. The zero value means all journals in the usual places that belong to
// the default namespace.
type Selection struct {
	// Path is a directory with journal files, or one with a subdirectory for each machine; with OSRoot it is the root
	// of an operating system. "" means the usual places.
	Path string
	// Files names journal files; nothing else is then looked at.
	Files []string
	// Namespaces are the journal namespaces wanted. Empty means the default one, "*" all of them, and "+NAME" both
	// NAME and the default one. They select subdirectories; files directly in Path are always taken.
	Namespaces []string
	Flags      Flags
	// MachineID is what LocalOnly compares with; "" means the one in etc/machine-id.
	MachineID string
	// UID is whose journals CurrentUser means; nil means this process's.
	UID *int
}

// Roots returns the directories in which journals are looked for, whether they exist or not. It is empty when Files
// are named.
func (s Selection) Roots() []string {
	if len(s.Files) > 0 {
		return nil
	}
	if s.Path != "" && s.Flags&OSRoot == 0 {
		return []string{filepath.Clean(s.Path)}
	}
	var dirs []string
	for _, root := range []string{"/run/log/journal", "/var/log/journal"} { // where journald writes
		if s.Flags&RuntimeOnly != 0 && !underRun(root) {
			continue
		}
		dirs = append(dirs, filepath.Join("/", s.Path, root))
		if s.Path != "" && !filepath.IsAbs(s.Path) {
			dirs[len(dirs)-1] = filepath.Join(s.Path, root)
		}
	}
	return dirs
}

// Where says where journals are looked for, in words for messages.
func (s Selection) Where() string {
	text := strings.Join(append(s.Roots(), s.Files...), ", ")
	if len(s.Namespaces) > 0 && len(s.Files) == 0 {
		text += ", namespace " + strings.Join(s.Namespaces, ", ")
	}
	return text
}

// Dirs returns the directories that hold journal files now: the roots that exist and those of their subdirectories
// that are selected, sorted. What cannot be read is left out, unless nothing can: then the error says why.
func (s Selection) Dirs() ([]string, error) {
	read, err := s.readRoots()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(read)), nil
}

// readRoots returns the directories that Dirs does, and what is in those that are roots; nil for the others.
func (s Selection) readRoots() (map[string][]fs.DirEntry, error) {
	dirs := map[string][]fs.DirEntry{}
	var failed []error
	local := s.localMachine()
	for _, root := range s.Roots() {
		entries, err := readDir(root)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if entries == nil {
			continue
		}
		dirs[root] = entries
		for _, e := range entries {
			if s.wantsDir(root, e, local) {
				dirs[filepath.Join(root, e.Name())] = nil
			}
		}
	}
	if len(dirs) == 0 && len(failed) > 0 {
		return nil, fmt.Errorf("listing journal directories: %w", errors.Join(failed...))
	}
	return dirs, nil
}

// List returns the journal files there are now, sorted by path. Nothing there is no error.
func (s Selection) List() ([]string, error) {
	if len(s.Files) > 0 {
		return s.listNamed()
	}
	dirs, err := s.readRoots()
	if err != nil {
		return nil, err
	}
	var files []string
	var failed []error
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries := dirs[dir]
		if entries == nil {
			if entries, err = readDir(dir); err != nil {
				failed = append(failed, err)
				continue
			}
		}
		for _, e := range entries {
			if e.Type()&^fs.ModeSymlink == 0 && s.wantsFile(e.Name()) {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(files) == 0 && len(failed) > 0 {
		return nil, fmt.Errorf("listing journal files: %w", errors.Join(failed...))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func (s Selection) listNamed() ([]string, error) {
	var files []string
	var failed []error
	for _, f := range s.Files {
		info, err := os.Stat(f)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			failed = append(failed, err)
		case !info.Mode().IsRegular():
			failed = append(failed, fmt.Errorf("%s is not a regular file", f))
		default:
			files = append(files, filepath.Clean(f))
		}
	}
	if len(files) == 0 && len(failed) > 0 {
		return nil, fmt.Errorf("looking for journal files: %w", errors.Join(failed...))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// wantsDir reports whether the subdirectory e of a root holds journals that are selected. Such directories are called
// MACHINE_ID or MACHINE_ID.NAMESPACE.
func (s Selection) wantsDir(root string, e fs.DirEntry, local string) bool {
	if t := e.Type(); !t.IsDir() && t != fs.ModeSymlink {
		return false
	}
	machine, namespace, _ := strings.Cut(e.Name(), ".")
	if !isID(machine) {
		return false
	}
	// What lies under /run was written by this machine: systemd counts it as local whatever its name.
	if s.Flags&LocalOnly != 0 && !sameID(machine, local) && !s.UnderRun(root) {
		return false
	}
	return s.wantsNamespace(namespace)
}

func (s Selection) wantsNamespace(namespace string) bool {
	if len(s.Namespaces) == 0 {
		return namespace == ""
	}
	for _, want := range s.Namespaces {
		name, both := strings.CutPrefix(want, "+")
		if want == "*" || namespace == name || both && namespace == "" {
			return true
		}
	}
	return false
}

// wantsFile reports whether name is that of a journal file, and one of the wanted types.
func (s Selection) wantsFile(name string) bool {
	if !strings.HasSuffix(name, ".journal") && !strings.HasSuffix(name, ".journal~") {
		return false
	}
	flags := s.Flags & (System | CurrentUser)
	if flags == 0 {
		return true
	}
	if flags&CurrentUser != 0 {
		uid := os.Getuid()
		if s.UID != nil {
			uid = *s.UID
		}
		if hasType(name, "user-"+strconv.Itoa(uid)) {
			return true
		}
		if isSystemUID(uid) { // journald puts what system users log into the system journal
			flags |= System
		}
	}
	return flags&System != 0 && hasType(name, "system")
}

func hasType(name, kind string) bool {
	rest, ok := strings.CutPrefix(name, kind)
	return ok && (rest == ".journal" || rest == ".journal~" || strings.HasPrefix(rest, "@"))
}

// isSystemUID tells what systemd's uid_for_system_journal does with its defaults: system users, the dynamic users of
// services, nobody, and containers' users.
func isSystemUID(uid int) bool {
	const (
		systemMax                  = 999
		dynamicMin, dynamicMax     = 61184, 65519
		nobody                     = 65534
		containerMin, containerMax = 524288, 1879048191
	)
	return uid <= systemMax || uid >= dynamicMin && uid <= dynamicMax || uid == nobody ||
		uid >= containerMin && uid <= containerMax
}

// localMachine returns the machine ID that LocalOnly means, "" if it is not known.
func (s Selection) localMachine() string {
	if s.Flags&LocalOnly == 0 {
		return ""
	}
	if s.MachineID != "" {
		return s.MachineID
	}
	root := "/"
	if s.Flags&OSRoot != 0 && s.Path != "" {
		root = s.Path
	}
	id, err := os.ReadFile(filepath.Join(root, "etc/machine-id"))
	if err != nil {
		return "" // nothing then counts as local but what lies under /run
	}
	return strings.TrimSpace(string(id))
}

// UnderRun reports whether a directory lies under /run, where journald writes until it is told to go on in /var.
func (s Selection) UnderRun(dir string) bool {
	if s.Flags&OSRoot != 0 {
		if rel, err := filepath.Rel(filepath.Clean(s.Path), dir); err == nil {
			dir = "/" + rel
		}
	}
	return underRun(dir)
}

func underRun(dir string) bool { return dir == "/run" || strings.HasPrefix(dir, "/run/") }

// isID reports whether name is a 128-bit ID, plain or as a UUID.
func isID(name string) bool {
	if len(name) == 36 {
		if name[8] != '-' || name[13] != '-' || name[18] != '-' || name[23] != '-' {
			return false
		}
		name = strings.ReplaceAll(name, "-", "")
	}
	if len(name) != 32 {
		return false
	}
	return strings.Trim(name, "0123456789abcdefABCDEF") == ""
}

func sameID(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", ""))
}

// readDir is os.ReadDir, but nil for what is not there or no directory, and what could be read if an error comes in
// between. A directory that is there but empty is not nil.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && len(entries) == 0 {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
			return nil, nil
		}
		return nil, err
	}
	if entries == nil {
		entries = []fs.DirEntry{}
	}
	return entries, nil
}
