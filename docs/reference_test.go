package docs

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"journalpump/cmd/journalpump/config"
	"journalpump/internal/conf"
	"journalpump/pump"
)

var update = flag.Bool("update", false, "write the tables of the reference anew, as `make docs` does")

// The tables of settings are what the types of the configuration say: their keys, types, defaults and comments. Each struct
// has its table in configuration.md, and may have it on another page too.
func TestReference(t *testing.T) {
	pages := readPages(t)
	tables := tablesOf(t)
	places := findPlaces(pages)
	for name, text := range pages {
		filled := fill(t, name, text, tables, places)
		switch {
		case filled == text:
		case *update:
			if err := os.WriteFile(name, []byte(filled), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is not what the types say; make docs writes it anew\n%s", name, firstDifference(text, filled))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if places[configuration][name] == "" {
			t.Errorf("%s has no table of %s: put the lines\n<!-- generated: %s -->\n<!-- end -->\nwhere it should be, and run make docs",
				configuration, tables[name].path, name)
		}
	}
}

const configuration = "configuration.md"

// table is the settings that one struct has.
type table struct {
	path string // of the level, such as "readers.NAME.senders.NAME.kafka_topic_config"
	rows []row
}

type row struct {
	key, kind, defaults, meaning string
	nested                       string // name of the table of what the value has in it; "": none
}

// level is a place in the file: a way to write a configuration that has an object there.
type level struct {
	path string
	// wrap returns a configuration with the object at that place, and nothing else that is not needed.
	wrap func(object map[string]any) map[string]any
	at   string // the path that messages have for it
}

// tablesOf returns the tables of all structs that a configuration is decoded into, by name.
func tablesOf(t *testing.T) map[string]*table {
	t.Helper()
	tables := map[string]*table{}
	for _, l := range config.Levels() {
		at := levelAt(l)
		for _, s := range l.Structs {
			addTable(t, tables, at, reflect.ValueOf(s).Elem())
			if limits, ok := s.(interface{ Limits() pump.BatchLimits }); ok {
				own := tables[nameOf(reflect.TypeOf(s).Elem())]
				own.rows = append(own.rows, row{
					key: "max_send_interval", kind: "duration", defaults: code(fmt.Sprint(limits.Limits().Age.Seconds())),
					meaning: "How long an entry waits at most for others to be sent along with it",
				})
			}
		}
	}
	return tables
}

// levelAt says how to get to a level that is in no struct.
func levelAt(l config.Level) level {
	sender := func(o map[string]any) map[string]any {
		return map[string]any{"readers": map[string]any{"r": map[string]any{"senders": map[string]any{"s": o}}}}
	}
	switch l.Path {
	case "readers.NAME":
		return level{l.Path, func(o map[string]any) map[string]any { return map[string]any{"readers": map[string]any{"r": o}} }, "readers.r"}
	case "readers.NAME.senders.NAME":
		return level{l.Path, func(o map[string]any) map[string]any {
			if l.Kind != "" {
				o["output_type"] = l.Kind
			}
			return sender(o)
		}, "readers.r.senders.s"}
	default:
		return level{l.Path, func(o map[string]any) map[string]any { return o }, ""}
	}
}

// addTable adds the table of a struct, and those of the structs in it.
func addTable(t *testing.T, tables map[string]*table, at level, v reflect.Value) {
	t.Helper()
	name := nameOf(v.Type())
	if tables[name] != nil {
		return // another key has such objects too
	}
	own := &table{path: at.path}
	tables[name] = own
	required := requiredAt(t, at)
	for _, f := range conf.Fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		r := row{key: f.Key, kind: wordFor(value.Type()), defaults: defaultOf(value), meaning: meaningOf(t, v.Type(), f.Index)}
		if required(f.Key) {
			r.defaults = "required"
		}
		if elem, step := elementOf(value.Type()); elem != nil {
			r.nested = nameOf(elem)
			inner := reflect.New(elem)
			if d, ok := reflect.TypeAssert[conf.Defaulter](inner); ok {
				d.SetDefaults()
			}
			addTable(t, tables, step(at, f.Key), inner.Elem())
		}
		own.rows = append(own.rows, r)
		if f.Alias != "" {
			own.rows = append(own.rows, row{key: f.Alias, kind: r.kind, defaults: r.defaults, meaning: "The same as " + f.Key, nested: r.nested})
		}
	}
}

// elementOf returns the struct with keys that a value of a type has in it, and how to get there.
func elementOf(typ reflect.Type) (elem reflect.Type, step func(level, string) level) {
	wraps := []func(any) any{}
	suffix, at := "", ""
	for {
		switch typ.Kind() {
		case reflect.Pointer:
		case reflect.Map:
			wraps = append(wraps, func(in any) any { return map[string]any{"n": in} })
			suffix, at = suffix+".NAME", at+".n"
		case reflect.Slice:
			wraps = append(wraps, func(in any) any { return []any{in} })
			suffix, at = suffix+"[]", at+"[0]"
		case reflect.Struct:
			if len(conf.Fields(typ)) == 0 {
				return nil, nil
			}
			return typ, func(l level, key string) level {
				return level{strings.TrimPrefix(l.path+"."+key, ".") + suffix, func(o map[string]any) map[string]any {
					var in any = o
					for _, wrap := range slices.Backward(wraps) {
						in = wrap(in)
					}
					return l.wrap(map[string]any{key: in})
				}, strings.TrimPrefix(l.at+"."+key, ".") + at}
			}
		default:
			return nil, nil
		}
		typ = typ.Elem()
	}
}

// requiredAt asks the program which keys it misses in an empty object.
func requiredAt(t *testing.T, at level) func(key string) bool {
	t.Helper()
	text, err := json.Marshal(at.wrap(map[string]any{}))
	if err != nil {
		t.Fatal(err)
	}
	_, report := config.Parse("empty", text)
	return func(key string) bool {
		named := regexp.MustCompile(`\b` + key + `\b`)
		return slices.ContainsFunc(report.Problems(), func(p conf.Problem) bool {
			choice := strings.Contains(p.Text, " or ") // one of several keys will do
			return !p.Warning && (p.Path == strings.TrimPrefix(at.at+"."+key, ".") || p.Path == at.at && !choice && named.MatchString(p.Text))
		})
	}
}

func nameOf(typ reflect.Type) string {
	return strings.TrimPrefix(typ.PkgPath(), module+"/") + "." + typ.Name()
}

const module = "journalpump"

func code(text string) string { return "`" + text + "`" }

// marker is where a table goes, or several in one; what lies between the two lines is written anew.
var marker = regexp.MustCompile(`(?ms)^<!-- generated: ([^>]*) -->\n(?:.*?\n)??<!-- end -->$`)

// places is the anchor of the heading above the table of a struct, by page and name.
type places map[string]map[string]string

func findPlaces(pages map[string]string) places {
	found := places{}
	for page, text := range pages {
		found[page] = map[string]string{}
		for _, m := range marker.FindAllStringSubmatchIndex(text, -1) {
			for name := range strings.FieldsSeq(text[m[2]:m[3]]) {
				found[page][name] = lastAnchor(text[:m[0]])
			}
		}
	}
	return found
}

// fill writes the tables of a page.
func fill(t *testing.T, page, text string, tables map[string]*table, where places) string {
	t.Helper()
	return marker.ReplaceAllStringFunc(text, func(old string) string {
		names := marker.FindStringSubmatch(old)[1]
		var b strings.Builder
		fmt.Fprintf(&b, "<!-- generated: %s -->\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n", names)
		for name := range strings.FieldsSeq(names) {
			if tables[name] == nil {
				t.Errorf("%s: there are no settings called %s; there are %s", page, name, strings.Join(slices.Sorted(maps.Keys(tables)), ", "))
				return old
			}
			for _, r := range tables[name].rows {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(r.key), r.linked(page, where, name), r.defaults, typeset(page, r.meaning))
			}
		}
		return b.String() + "<!-- end -->"
	})
}

// linked is the row's type, as a link to the table of what is in it.
func (r *row) linked(page string, where places, own string) string {
	here, there := where[page][r.nested], where[configuration][r.nested]
	switch {
	case r.nested == "" && explained[r.kind] && page != configuration:
		return "[" + r.kind + "](" + relative(page, configuration) + "#types)"
	case here != "" && here != where[page][own]:
		return "[" + r.kind + "](#" + here + ")"
	case here == "" && there != "":
		return "[" + r.kind + "](" + relative(page, configuration) + "#" + there + ")"
	default:
		return r.kind
	}
}

// explained are the types that configuration.md has to explain.
var explained = map[string]bool{"duration": true, "size": true, "secret": true, "tags": true}

func firstDifference(have, want string) string {
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(h), len(w)) && h[i] == w[i] {
		i++
	}
	line := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return ""
	}
	return fmt.Sprintf("line %d\n  is      %s\n  must be %s", i+1, line(h), line(w))
}
