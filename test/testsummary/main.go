// Testsummary reads the output of one or several `go test -json` runs, prints what go test prints without -json, and in
// the end which tests were skipped and why.
//
//	go test -json ./... | testsummary [-allowed-skips FILE] [-strict]
//
// It exits 1 when a test or a build failed, or nothing was tested; with -strict also when a test was skipped for a
// reason that the file does not allow.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	allowed := flag.String("allowed-skips", "", "`file` with a regular expression a line for the skips that are all right")
	strict := flag.Bool("strict", false, "fail when a test was skipped for any other reason")
	flag.Parse()

	ok, err := run(os.Stdin, os.Stdout, *allowed, *strict)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, allowedFile string, strict bool) (ok bool, err error) {
	var allowed []*regexp.Regexp
	if allowedFile != "" {
		if allowed, err = readAllowed(allowedFile); err != nil {
			return false, err
		}
	}
	s := summary{out: out, output: make(map[test][]string)}
	if err := s.read(in); err != nil {
		return false, err
	}
	refused := s.printSkips(allowed)
	fmt.Fprintf(out, "\n%d tests passed, %d failed, %d skipped; %d packages passed, %d failed\n",
		s.passed, s.failed, len(s.skips), s.packagesPassed, s.packagesFailed)
	if strict && refused > 0 {
		fmt.Fprintf(out, "FAIL: %d tests were skipped for reasons that %s does not allow\n", refused, allowedFile)
		return false, nil
	}
	return s.failed == 0 && s.packagesFailed == 0 && s.packagesPassed > 0, nil
}

// readAllowed reads the expressions; lines that start with # are comments.
func readAllowed(file string) ([]*regexp.Regexp, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the allowed skips: %w", err)
	}
	var allowed []*regexp.Regexp
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		re, err := regexp.Compile(line)
		if err != nil {
			return nil, fmt.Errorf("reading the allowed skips: %w", err)
		}
		allowed = append(allowed, re)
	}
	return allowed, nil
}

// event is a line of `go test -json`, see `go doc test2json` and `go help buildjson`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type test struct{ pkg, name string }

type skip struct {
	test   test
	reason string
}

type summary struct {
	out    io.Writer
	output map[test][]string // of the tests that have not ended

	passed, failed                 int
	packagesPassed, packagesFailed int
	skips                          []skip
}

func (s *summary) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading test output: %w", err)
		}
	}
}

func (s *summary) line(line string) {
	var e event
	if line[0] != '{' || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(s.out, line) // go vet's, or the go command's own words
		return
	}
	t := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		if e.Test == "" {
			s.packageOutput(e.Output)
			return
		}
		s.output[t] = append(s.output[t], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.packageEnded(e)
		} else {
			s.testEnded(t, e.Action)
		}
	}
}

// packageOutput prints what go test prints itself; PASS and the lines of packages without tests are left out.
func (s *summary) packageOutput(line string) {
	if line == "PASS\n" || strings.HasPrefix(line, "?   ") || strings.HasPrefix(line, "\tjournalpump") ||
		strings.HasPrefix(line, "testing: warning: no tests to run") || strings.Contains(line, "[no tests to run]") {
		return
	}
	fmt.Fprint(s.out, line)
}

func (s *summary) testEnded(t test, action string) {
	output := s.output[t]
	delete(s.output, t)
	switch action {
	case "pass":
		s.passed++
	case "skip":
		s.skips = append(s.skips, skip{t, reason(output)})
	case "fail":
		s.failed++
		s.print(output)
	}
}

func (s *summary) packageEnded(e event) {
	switch e.Action {
	case "pass":
		s.packagesPassed++
	case "fail":
		s.packagesFailed++
		for t, output := range s.output { // a panic or a timeout: these never ended
			if t.pkg == e.Package {
				s.print(output)
			}
		}
	}
	for t := range s.output {
		if t.pkg == e.Package {
			delete(s.output, t)
		}
	}
}

func (s *summary) print(output []string) {
	for _, line := range output {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(s.out, line)
		}
	}
}

var place = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)

// reason returns what a skipped test said, without the place in the source.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		if strings.HasPrefix(line, "=== ") || strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			continue
		}
		if line = strings.TrimSpace(place.ReplaceAllString(line, "")); line != "" {
			said = append(said, line)
		}
	}
	if said == nil {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// printSkips lists the skipped tests by reason and returns how many were skipped for a reason that is not allowed.
func (s *summary) printSkips(allowed []*regexp.Regexp) (refused int) {
	if len(s.skips) == 0 {
		fmt.Fprintln(s.out, "\nNo test was skipped.")
		return 0
	}
	byReason := make(map[string][]string)
	for _, k := range s.skips {
		byReason[k.reason] = append(byReason[k.reason], k.test.pkg+"."+k.test.name)
	}
	reasons := make([]string, 0, len(byReason))
	for r := range byReason {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)

	fmt.Fprintln(s.out, "\nSkipped:")
	for _, r := range reasons {
		mark := ""
		if !slices.ContainsFunc(allowed, func(re *regexp.Regexp) bool { return re.MatchString(r) }) {
			mark = " (not on the list of allowed skips)"
			refused += len(byReason[r])
		}
		fmt.Fprintf(s.out, "  %s%s\n", r, mark)
		for _, name := range byReason[r] {
			fmt.Fprintf(s.out, "    %s\n", name)
		}
	}
	return refused
}
