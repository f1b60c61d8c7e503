// Notices collects the licences of what is linked into a binary, which go along with it, and refuses what may not be linked.
//
//	notices [-list] BINARY...
//
// It prints each licence's text once, with the modules that are under it; with -list, a line for each module. A module
// without a licence, or with one that is not in the table below, is an error.
package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/google/licensecheck"
)

func main() {
	list := flag.Bool("list", false, "print modules and the names of their licences only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, flag.Args(), *list); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: stop only frees the signals
	}
}

// allowed are the licences that ask for no more than that they, and what they say, go along.
func allowed(id string) bool {
	return slices.Contains([]string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}, id)
}

// module is one that is linked, with its licences' texts.
type module struct {
	path, version string
	ids           []string // sorted
	texts         [][]byte
}

func run(ctx context.Context, out io.Writer, binaries []string, list bool) error {
	versions := make(map[string]string)
	for _, binary := range binaries {
		info, err := buildinfo.ReadFile(binary)
		if err != nil {
			return fmt.Errorf("reading what %s was built from: %w", binary, err)
		}
		for _, dep := range info.Deps {
			versions[dep.Path] = dep.Version
		}
	}
	directories, err := directories(ctx, versions)
	if err != nil {
		return err
	}
	modules := make([]module, 0, len(versions)+1)
	for _, path := range slices.Sorted(maps.Keys(directories)) {
		m, err := read(path, versions[path], directories[path])
		if err != nil {
			return err
		}
		modules = append(modules, m)
	}
	if list {
		return printList(out, modules)
	}
	return printTexts(out, modules)
}

// directories returns where the sources of the modules are, and those of Go itself.
func directories(ctx context.Context, versions map[string]string) (map[string]string, error) {
	args := append(make([]string, 0, 3+len(versions)), "mod", "download", "-json")
	for path, version := range versions {
		args = append(args, path+"@"+version)
	}
	said, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("looking for the modules' sources: %w", err)
	}
	found := make(map[string]string)
	for decoder := json.NewDecoder(bytes.NewReader(said)); ; {
		var m struct{ Path, Dir string }
		if err := decoder.Decode(&m); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("looking for the modules' sources: %w", err)
		}
		found[m.Path] = m.Dir
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("looking for Go's source: %w", err)
	}
	found["go"] = strings.TrimSpace(string(root))
	return found, nil
}

// read reads a module's licences and refuses those that are not allowed.
func read(path, version, directory string) (module, error) {
	m := module{path: path, version: version}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		licence := strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") || strings.HasPrefix(name, "COPYING")
		if e.IsDir() || !licence && !strings.HasPrefix(name, "NOTICE") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			return m, fmt.Errorf("%s: %w", path, err)
		}
		m.texts = append(m.texts, bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
		if !licence {
			continue
		}
		ids, err := identify(text)
		if err != nil {
			return m, fmt.Errorf("%s: %s: %w", path, e.Name(), err)
		}
		m.ids = append(m.ids, ids...)
	}
	if len(m.ids) == 0 {
		return m, fmt.Errorf("%s has no licence", path)
	}
	slices.Sort(m.ids)
	m.ids = slices.Compact(m.ids)
	return m, nil
}

// recognised is how much of a text must be a licence that we know, in percent; the rest are copyright lines and the like.
const recognised = 60

func identify(text []byte) ([]string, error) {
	cover := licensecheck.Scan(text)
	if cover.Percent < recognised {
		return nil, fmt.Errorf("only %.0f%% of it is a licence that is known", cover.Percent)
	}
	ids := make([]string, 0, len(cover.Match))
	for _, match := range cover.Match {
		if match.IsURL {
			continue
		}
		if !allowed(match.ID) {
			return nil, fmt.Errorf("%s is not among the licences that may be linked", match.ID)
		}
		ids = append(ids, match.ID)
	}
	return ids, nil
}

func printList(out io.Writer, modules []module) error {
	for _, m := range modules {
		if _, err := fmt.Fprintf(out, "%s %s: %s\n", m.path, m.version, strings.Join(m.ids, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// printTexts prints each text once, in the order of the first module that has it.
func printTexts(out io.Writer, modules []module) error {
	users := make(map[string][]string)
	var order []string
	for _, m := range modules {
		for _, text := range m.texts {
			if users[string(text)] == nil {
				order = append(order, string(text))
			}
			users[string(text)] = append(users[string(text)], m.path)
		}
	}
	for _, text := range order {
		rule := strings.Repeat("-", 78)
		if _, err := fmt.Fprintf(out, "%s\n%s\n%s\n\n%s\n\n", rule, strings.Join(users[text], "\n"), rule, text); err != nil {
			return err
		}
	}
	return nil
}
