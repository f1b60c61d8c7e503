package conf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Problem is something that is wrong in a file, and where.
type Problem struct {
	File    string
	Line    int // from 1; 0 when the problem is the file's as a whole
	Column  int // from 1, in characters
	Path    string
	Warning bool // the file can be used all the same
	Text    string
}

// String returns the problem as `file:line:column: path: text`; what is not known is left out.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// wholeFile is the offset of a problem that is the file's as a whole.
const wholeFile = -1

// Report gathers the problems of one file. It is not safe for concurrent use.
type Report struct {
	file  string
	src   []byte
	lines []int // offsets at which lines begin
	items []item
	// known has, for every level of the file that was decoded, the keys that exist there.
	known map[string][]string
	// choices has, for those of these keys that only some objects of their level have, which objects those are.
	choices map[levelKey][]choice
	// broken are values that did not decode. What else is said of them would only follow from that.
	broken map[*node]bool
}

type item struct {
	offset  int
	problem Problem
	unknown *unknownKey // makes the problem's text, once all levels are known
}

type unknownKey struct {
	key   string
	level string
	here  []string
}

// NewReport returns an empty report on a file, for problems such as that it cannot be read.
func NewReport(file string) *Report {
	return &Report{file: file, known: map[string][]string{}, choices: map[levelKey][]choice{}, broken: map[*node]bool{}}
}

func newReport(file string, src []byte) *Report {
	r := NewReport(file)
	r.src = src
	r.lines = []int{0}
	for i, c := range src {
		if c == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	return r
}

// Errorf adds an error that concerns the file as a whole.
func (r *Report) Errorf(format string, args ...any) {
	r.add(wholeFile, "", false, fmt.Sprintf(format, args...))
}

// Warnf adds a warning that concerns the file as a whole.
func (r *Report) Warnf(format string, args ...any) {
	r.add(wholeFile, "", true, fmt.Sprintf(format, args...))
}

func (r *Report) add(offset int, path string, warning bool, text string) {
	r.items = append(r.items, item{offset: offset, problem: Problem{Path: path, Warning: warning, Text: text}})
}

func (r *Report) addUnknown(offset int, path string, u *unknownKey) {
	r.items = append(r.items, item{offset: offset, problem: Problem{Path: path, Warning: true}, unknown: u})
}

// position returns the line and column of an offset, both from 1.
func (r *Report) position(offset int) (line, column int) {
	if offset == wholeFile {
		return 0, 0
	}
	line = sort.SearchInts(r.lines, offset+1)
	return line, 1 + utf8.RuneCount(r.src[r.lines[line-1]:offset])
}

func (r *Report) line(offset int) int {
	line, _ := r.position(offset)
	return line
}

// Problems returns all problems in the order of the file, each once.
func (r *Report) Problems() []Problem {
	items := slices.Clone(r.items)
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.offset, b.offset) })
	var problems []Problem
	for _, it := range items {
		p := it.problem
		p.File = r.file
		p.Line, p.Column = r.position(it.offset)
		if it.unknown != nil {
			p.Text = r.unknownText(it.unknown)
		}
		if !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// HasErrors reports whether one of the problems is more than a warning.
func (r *Report) HasErrors() bool {
	return slices.ContainsFunc(r.items, func(it item) bool { return !it.problem.Warning })
}

// Err returns nil when there are no errors, else one error whose text has a line for each. Warnings are left out.
func (r *Report) Err() error {
	var errs []error
	for _, p := range r.Problems() {
		if !p.Warning {
			errs = append(errs, errors.New(p.String()))
		}
	}
	return errors.Join(errs...)
}
