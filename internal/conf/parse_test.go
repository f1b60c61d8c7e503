package conf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func problemTexts(r *Report) []string {
	var texts []string
	for _, p := range r.Problems() {
		texts = append(texts, p.String())
	}
	return texts
}

func TestSyntaxErrorsSayWhereAndWhat(t *testing.T) {
	for name, tc := range map[string]struct{ src, want string }{
		"empty":                {"", `f:1:1: the file ends here, expected an object, { … }`},
		"only comment":         {"// x", `f:1:5: the file ends here, expected an object, { … }`},
		"number sign":          {"{\n# x\n}", `f:2:1: unexpected '#', expected a key in double quotes; comments begin with //`},
		"not an object":        {" [1]", `f:1:2: must be an object, { … }, not a list`},
		"missing comma":        {"{\n \"a\": 1\n \"b\": 2}", `f:3:2: unexpected '"', expected ',' or '}'`},
		"missing comma list":   {`{"a": [1 2]}`, `f:1:10: unexpected '2', expected ',' or ']'`},
		"missing colon":        {`{"a" 1}`, `f:1:6: unexpected '1', expected ':'`},
		"single quotes":        {`{'a': 1}`, `f:1:2: unexpected '\'', expected a key in double quotes`},
		"unquoted key":         {`{a: 1}`, `f:1:2: expected a key in double quotes`},
		"number as key":        {`{1: 1}`, `f:1:2: unexpected '1', expected a key in double quotes`},
		"unquoted text":        {`{"a": warn}`, `f:1:7: expected a value: text must be in double quotes`},
		"python's True":        {`{"a": True}`, `f:1:7: expected true in lower-case letters`},
		"python's None":        {`{"a": None}`, `f:1:7: expected null`},
		"bad number":           {`{"a": 01}`, `f:1:7: is not a number as JSON has them`},
		"two values":           {`{} {}`, `f:1:4: unexpected '{', expected nothing more`},
		"open object":          {"{\"a\": {\n\"b\": 1\n", `f:3:1: the file ends here, expected ',' or '}'; the '{' of line 1 is not closed`},
		"open list":            {`{"a": [1`, `f:1:9: the file ends here, expected ',' or ']'; the '[' of line 1 is not closed`},
		"wrong bracket":        {`{"a": [1}`, `f:1:9: unexpected '}', expected ',' or ']'`},
		"open string":          {`{"a": "xyz}`, `f:1:7: the string that begins here has no closing quote`},
		"string over a line":   {"{\"a\": \"xyz,\n\"b\": 1}", `f:1:7: the string that begins here has no closing quote in its line`},
		"tab in string":        {"{\"a\": \"x\ty\"}", `f:1:9: a control character in a string must be written as \u0009`},
		"backslash":            {`{"a": "\d+"}`, `f:1:8: a backslash in a string must be doubled (\\) unless it begins one of \" \\ \/ \b \f \n \r \t \u0000`},
		"open comment":         {"{\"a\": 1}\n /* x", `f:2:2: the comment that begins here is not closed with */`},
		"not UTF-8":            {"{\"ä\": \"\xff\"}", `f:1:8: is not UTF-8`},
		"too deep":             {`{"a":` + strings.Repeat("[", 1000), `f:1:105: nested deeper than 100 levels`},
		"duplicate":            {"{\"a\": {\"x\": 1,\n\"x\": 2}}", `f:2:1: a.x: is given twice: in line 1 and here, in line 2`},
		"duplicate in a list":  {`{"a": [{"x": 1, "x": 2}]}`, `f:1:17: a[0].x: is given twice: in line 1 and here, in line 1`},
		"lone comma in object": {`{,}`, `f:1:2: unexpected ',', expected a key in double quotes`},
	} {
		t.Run(name, func(t *testing.T) {
			o, r := Parse("f", []byte(tc.src))
			if diff := cmp.Diff([]string{tc.want}, problemTexts(r)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if !r.HasErrors() || r.Err() == nil {
				t.Error("no error")
			}
			if o == nil {
				t.Error("no object")
			}
		})
	}
}

func TestCommentsTrailingCommasAndByteOrderMark(t *testing.T) {
	src := "\ufeff// first\n{ /* b */ \"a\": [1, 2,], // c\n\"b\": {\"x\": \"//y\",},\n} // last"
	o, r := Parse("f", []byte(src))
	if got := problemTexts(r); got != nil {
		t.Fatal(got)
	}
	if got := string(o.Value().AppendCanonical(nil)); got != `{"a":[1,2],"b":{"x":"//y"}}` {
		t.Errorf("got %s", got)
	}
}

func TestProblemsAreInTheOrderOfTheFileAndEachOnce(t *testing.T) {
	o, r := Parse("f", []byte("{\n  \"ä\": \"é\", \"b\": 1,\n  \"c\": 2\n}"))
	o.Errorf("c", "third")
	o.Warnf("b", "second")
	o.Warnf("b", "second")
	o.Errorf("missing", "first after the whole")
	r.Warnf("whole")
	want := []string{
		"f: warning: whole",
		"f:1:1: missing: first after the whole",
		"f:2:18: warning: b: second",
		"f:3:8: c: third",
	}
	if diff := cmp.Diff(want, problemTexts(r)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("f:1:1: missing: first after the whole\nf:3:8: c: third", r.Err().Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestPathsQuoteNamesThatWouldNotReadBack(t *testing.T) {
	o, _ := Parse("f", []byte(`{"a b": {"x.y": {"": [{"z": 1}]}}}`))
	ab, _ := o.Object("a b")
	xy, _ := ab.Object("x.y")
	list, _ := xy.Get("").List()
	first, _ := list[0].Object()
	if got, want := first.Get("z").Path(), `"a b"."x.y".""[0].z`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, 2.5e3, "x\u00e9", null, true, {"b": {}}], /* c */ }`, "// x", `{"a": "\d"}`, `{"a":1,"a":2}`, "{\"\xff",
		`{"a": [1}`, `{"a": "x`, `{/*`, `{"a" 1`, `[[[[`, `{"a": 01}`, `{"a": 1e999, "d": -0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		o, r := Parse("f", src)
		for _, p := range r.Problems() {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Errorf("problem without a place or a text: %+v", p)
			}
		}
		if r.HasErrors() {
			return
		}
		// What was understood reads back as the same.
		canonical := o.Value().AppendCanonical(nil)
		again, r2 := Parse("f", canonical)
		if got := problemTexts(r2); got != nil {
			t.Fatalf("%s does not read back: %v", canonical, got)
		}
		if got := string(again.Value().AppendCanonical(nil)); got != string(canonical) {
			t.Errorf("read back as %s, was %s", got, canonical)
		}
		var kinds struct {
			A Duration       `json:"a"`
			B Size           `json:"b"`
			C StringList     `json:"c"`
			D int8           `json:"d"`
			E map[string]any `json:"e"`
			F []float64      `json:"f"`
		}
		o.Decode(&kinds)
		if kinds.A < 0 || kinds.B < 0 {
			t.Errorf("negative: %+v", kinds)
		}
	})
}
