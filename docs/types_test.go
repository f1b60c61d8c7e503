package docs

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"journalpump/cmd/journalpump/config"
	"journalpump/filters/format"
	"journalpump/filters/recorder"
	"journalpump/internal/conf"
	"journalpump/readers/journal"
	"journalpump/senders/googlelogging"
	"journalpump/senders/kafka"
)

// wordFor says what is written for a type; configuration.md explains the words.
func wordFor(typ reflect.Type) string {
	switch {
	case typ.Kind() == reflect.Pointer && typ != reflect.TypeFor[*conf.Object]():
		return wordFor(typ.Elem())
	case typ.Implements(reflect.TypeFor[conf.Enum]()) || reflect.PointerTo(typ).Implements(reflect.TypeFor[conf.Enum]()):
		values := reflect.New(typ).Interface().(conf.Enum).ConfValues()
		for i, v := range values {
			values[i] = code(strconv.Quote(v))
		}
		return strings.Join(values[:len(values)-1], ", ") + " or " + values[len(values)-1]
	}
	if word, ok := words()[typ]; ok {
		return word
	}
	switch typ.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + plural(wordFor(typ.Elem()))
	case reflect.Map:
		if elem := wordFor(typ.Elem()); elem != "any" {
			return "object of " + plural(elem)
		}
		return "object"
	case reflect.Struct:
		if len(conf.Fields(typ)) == 0 {
			return "any"
		}
		if takesText(typ) {
			return "string or object"
		}
		return "object"
	default:
		return "any"
	}
}

// takesText reports whether a type with keys takes a text in place of them, too.
func takesText(typ reflect.Type) bool {
	d, ok := reflect.TypeAssert[conf.Decoder](reflect.New(typ))
	if !ok {
		return false
	}
	root, _ := conf.Parse("text", []byte(`{"key": "%u"}`)) // a format's line, too
	return d.DecodeConf(root.Get("key")) == nil
}

func plural(word string) string {
	if first, rest, ok := strings.Cut(word, " "); ok {
		return first + "s " + rest // lists of objects
	}
	return word + "s"
}

// words are what is written for types that say themselves what they take.
func words() map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[json.RawMessage]():           "any",
		reflect.TypeFor[conf.Value]():                "any",
		reflect.TypeFor[*conf.Object]():              "object",
		reflect.TypeFor[conf.Duration]():             "duration",
		reflect.TypeFor[conf.Size]():                 "size",
		reflect.TypeFor[conf.Secret]():               "secret",
		reflect.TypeFor[conf.StringList]():           "string or list of strings",
		reflect.TypeFor[config.Tags]():               "tags",
		reflect.TypeFor[config.LogLevel]():           "string or integer",
		reflect.TypeFor[config.InitialPosition]():    "string or number",
		reflect.TypeFor[journal.Flags]():             "string, list of strings or integer",
		reflect.TypeFor[googlelogging.Credentials](): "object or secret",
		reflect.TypeFor[kafka.Properties]():          "object",
		reflect.TypeFor[format.Keys]():               "object",
		reflect.TypeFor[recorder.Criteria]():         "string or list of strings and objects",
		reflect.TypeFor[recorder.Condition]():        "object or list of objects",
		reflect.TypeFor[recorder.After]():            "integer, duration or object",
	}
}

// defaultOf writes a default as it would be written in the file; where nothing is set there is nothing to write.
func defaultOf(v reflect.Value) string {
	switch d := v.Interface().(type) {
	case conf.Duration:
		return code(strconv.FormatFloat(d.Duration().Seconds(), 'g', -1, 64))
	case conf.Size:
		if d == 0 {
			return code("0")
		}
		return code(strconv.Quote(d.String()))
	case config.LogLevel:
		return code(strconv.Quote(d.Level().String()))
	case config.InitialPosition:
		return code(`"head"`)
	}
	switch v.Kind() {
	case reflect.Bool:
		return code(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return code(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() == 0 {
			return ""
		}
		return code(strconv.FormatUint(v.Uint(), 10))
	case reflect.String:
		if v.String() == "" {
			return ""
		}
		return code(strconv.Quote(v.String()))
	default:
		return ""
	}
}

// meaningOf returns the comment of a struct's field, on one line.
func meaningOf(t *testing.T, typ reflect.Type, index []int) string {
	t.Helper()
	for len(index) > 1 { // it is in an embedded struct
		typ, index = typ.Field(index[0]).Type, index[1:]
	}
	field := typ.Field(index[0]).Name
	if text := fieldComments(t, typ)[field]; text != "" {
		return text
	}
	t.Errorf("%s: the field %s has no comment; it is what the reference says of the key", nameOf(typ), field)
	return ""
}

// fieldComments reads the comments of a struct's fields from its source.
func fieldComments(t *testing.T, typ reflect.Type) map[string]string {
	t.Helper()
	comments := map[string]string{}
	files, err := filepath.Glob(filepath.Join("..", strings.TrimPrefix(typ.PkgPath(), module), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of %s: %v", typ, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != typ.Name() {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			for i := 0; ok && i < len(structure.Fields.List); i++ {
				f := structure.Fields.List[i]
				text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
				for _, name := range f.Names {
					comments[name.Name] = strings.TrimSuffix(text, ".")
				}
			}
			return false
		})
	}
	return comments
}

// Of a comment's text, these are set as code: what is in quotes, keys, names of fields, settings and metrics, URLs; pages of this folder
// become links.
var (
	asCode = regexp.MustCompile(`"[^"\s]*"|b'[^']*'|\{\{|\}\}|\{[A-Z]+\}|[a-z]\w*://(?:[^\s;,]*[^\s;,.])?|\\[0-9g](?:<\w+>)?|\bip_to_geohash\([A-Z,]+\)|\w+\(\d\)|_?[A-Za-z]\w*_\w+|_[A-Z]+|[a-z]+\.[a-z]\w*_\w+|[A-Z][A-Za-z]+=|\?[a-z]+=[A-Z]+|%[a-z]+%`)
	aPage  = regexp.MustCompile(`\bdocs/[\w/-]+\.md\b`)
)

func typeset(page, meaning string) string {
	var b strings.Builder
	rest := meaning
	for {
		m := aPage.FindStringIndex(rest)
		if m == nil {
			break
		}
		target := strings.TrimPrefix(rest[m[0]:m[1]], "docs/")
		b.WriteString(asCode.ReplaceAllStringFunc(rest[:m[0]], code))
		if target == page {
			b.WriteString("this page")
		} else {
			b.WriteString("[" + filepath.Base(target) + "](" + relative(page, target) + ")")
		}
		rest = rest[m[1]:]
	}
	b.WriteString(asCode.ReplaceAllStringFunc(rest, code))
	return strings.ReplaceAll(b.String(), "|", `\|`)
}

// Texts of types that are as special as any that there may be.
func TestWords(t *testing.T) {
	type inner struct {
		Key string `json:"key"`
	}
	for want, typ := range map[string]reflect.Type{
		"string":                     reflect.TypeFor[*string](),
		"list of objects":            reflect.TypeFor[[]inner](),
		"object of lists of objects": reflect.TypeFor[map[string][]inner](),
		"object":                     reflect.TypeFor[*inner](),
		"string or object":           reflect.TypeFor[textOrObject](),
		"`\"python\"`, `\"base64\"` or `\"replace\"`": reflect.TypeFor[config.BinaryFields](),
	} {
		if got := wordFor(typ); got != want {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
	const meaning = `With "relp" see docs/metrics.md, max_bytes and {FIELD}: a|b`
	if got, want := typeset("senders/x.md", meaning), "With `\"relp\"` see [metrics.md](../metrics.md), `max_bytes` and `{FIELD}`: a\\|b"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

type textOrObject struct {
	Address string `json:"address"`
}

func (o *textOrObject) DecodeConf(v conf.Value) error {
	o.Address, _ = v.Text()
	return nil
}
