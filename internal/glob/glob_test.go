package glob

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"
)

// vectors are what testdata/python.py recorded.
type vectors struct {
	Globs []vector
	Texts []string
}

type vector struct {
	pattern string
	matches []string
}

func (v *vector) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&v.pattern, &v.matches})
}

func TestAsPython(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "python.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors vectors
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Globs) < 100 || len(vectors.Texts) < 100 {
		t.Fatalf("%d globs and %d texts", len(vectors.Globs), len(vectors.Texts))
	}
	for _, v := range vectors.Globs {
		g := Compile(v.pattern)
		for _, text := range vectors.Texts {
			if want := slices.Contains(v.matches, text); g.Match([]byte(text)) != want {
				t.Errorf("glob %q, text %q: match %t, Python says %t", v.pattern, text, !want, want)
			}
		}
	}
}

func TestIsNotExponential(t *testing.T) {
	g := Compile("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b")
	text := make([]byte, 4096)
	for i := range text {
		text[i] = 'a'
	}
	if g.Match(text) { // with backtracking into every star this would not end
		t.Error("matches")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a[b-c]*?", "abcd")
	f.Add("[!", "]")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) {
			return // a pattern is text, a name may be anything
		}
		got := Compile(pattern).Match([]byte(name))
		if !IsPattern(pattern) && got != (pattern == name) {
			t.Errorf("a pattern without wildcards: %q, %q: %v", pattern, name, got)
		}
		if got && utf8.ValidString(name) && !Compile("*"+pattern+"*").Match([]byte("x"+name+"y")) {
			t.Errorf("%q matches %q, but with anything around it does not", pattern, name)
		}
	})
}
