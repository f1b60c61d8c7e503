package format

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"journalpump/filters/jsontext"
	"journalpump/filters/pattern"
	"journalpump/internal/conf"
	"journalpump/internal/placeholder"
)

// Format is a compiled format. It may be used concurrently.
type Format struct {
	keys       []key
	fields     []string // that it looks at, without leading underscores
	groups     []string // that it needs
	extractors []extractor
	writers    sync.Pool
}

// key is a compiled Key.
type key struct {
	head     []byte // `,"NAME":`
	group    int    // index in Format.groups, or -1
	slots    []int  // indexes in Format.fields
	constant []byte // JSON; nil if there is none
	kind     Type
	time     Time
	template *placeholder.Template // of a time with directives
}

// Getenv looks an environment variable up, as os.LookupEnv does.
type Getenv func(name string) (string, bool)

// New compiles a format.
func New(c *Config, getenv Getenv) (*Format, error) {
	keys, err := parseLine(c.Line)
	if err != nil {
		return nil, fmt.Errorf("line: %w", err)
	}
	f := &Format{}
	for _, k := range append(keys, c.Keys...) {
		compiled, err := f.key(&k, getenv)
		if err != nil {
			return nil, fmt.Errorf("keys.%s: %w", k.Name, err)
		}
		f.keys = append(f.keys, compiled)
	}
	if err := f.extract(c.Extract); err != nil {
		return nil, err
	}
	f.writers.New = func() any { return f.newWriter() }
	return f, nil
}

// Fields returns the names of the fields that the format looks at, without leading underscores.
func (f *Format) Fields() []string { return f.fields }

func (f *Format) key(k *Key, getenv Getenv) (key, error) {
	out := key{group: -1, kind: k.Type, time: k.Time}
	out.head = append(jsontext.AppendString([]byte{','}, []byte(strings.ToValidUTF8(k.Name, "\uFFFD"))), ':')
	if k.Group != "" {
		out.group = indexOf(&f.groups, k.Group)
	}
	for _, name := range k.Field {
		out.slots = append(out.slots, f.slot(name))
	}
	if k.Env != "" {
		if text, ok := getenv(k.Env); ok && text != "" {
			out.constant, _ = appendText(nil, k.Type, []byte(strings.ToValidUTF8(text, "\uFFFD")))
		}
	}
	if out.constant == nil {
		out.constant, _ = k.constant()
		if !utf8.Valid(out.constant) {
			return out, errors.New("value: is not UTF-8")
		}
	}
	if strings.Contains(string(k.Time), "%") && k.Time != commaTime && k.Time != millisPart && k.Time != microsPart {
		var err error
		if out.template, err = k.Time.template(); err != nil {
			return out, err
		}
	}
	return out, nil
}

// slot returns the index of a field in fields.
func (f *Format) slot(name string) int { return indexOf(&f.fields, strings.TrimLeft(name, "_")) }

// indexOf returns the index of text in a list, to which it is added if it isn't there.
func indexOf(list *[]string, text string) int {
	i := slices.Index(*list, text)
	if i < 0 {
		i = len(*list)
		*list = append(*list, text)
	}
	return i
}

// extractor is patterns on one field, perhaps of certain programs only.
type extractor struct {
	slot        int
	programs    []string // SYSLOG_IDENTIFIERs; nil: of all
	programSlot int
	patterns    []*pattern.Pattern
	groups      [][]int // by pattern: for each group of it the index in Format.groups, or -1
	set         *pattern.Set
}

// extract compiles the patterns that have a group that is needed.
func (f *Format) extract(config map[string]conf.StringList) error {
	if len(f.groups) == 0 {
		return nil
	}
	if len(config) == 0 {
		for _, k := range Known() {
			if err := f.addExtractor("MESSAGE", k.Programs, k.Patterns); err != nil {
				return fmt.Errorf("known patterns of %s: %w", k.Programs[0], err)
			}
		}
		return nil
	}
	for _, field := range slices.Sorted(maps.Keys(config)) {
		if err := f.addExtractor(field, nil, config[field]); err != nil {
			return fmt.Errorf("extract.%s: %w", field, err)
		}
	}
	return nil
}

func (f *Format) addExtractor(field string, programs, exprs []string) error {
	e := extractor{programs: programs}
	for _, expr := range exprs {
		p, err := pattern.Compile(expr)
		if err != nil {
			return err
		}
		groups, needed := []int{}, false
		for _, name := range p.Names() {
			i := -1
			if name != "" {
				i = slices.Index(f.groups, name)
			}
			groups = append(groups, i)
			needed = needed || i >= 0
		}
		if needed {
			e.patterns = append(e.patterns, p)
			e.groups = append(e.groups, groups)
		}
	}
	if len(e.patterns) == 0 {
		return nil
	}
	e.slot = f.slot(field)
	if programs != nil {
		e.programSlot = f.slot("SYSLOG_IDENTIFIER")
	}
	e.set = pattern.NewSet(e.patterns)
	f.extractors = append(f.extractors, e)
	return nil
}
