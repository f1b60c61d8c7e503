package compat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// compareLines compares objects, one a line. Types count (7 is neither "7" nor 7.0), the order of keys does not.
func compareLines(t *testing.T, name string, got, want []byte) {
	t.Helper()
	gotLines, wantLines := lines(got), lines(want)
	for i := range min(len(gotLines), len(wantLines)) {
		g, w := object(t, gotLines[i]), object(t, wantLines[i])
		if _, cut := w["partial_data"]; cut { // too large an entry: the wording and where it is cut are free
			if !isText(g["error"]) || !isText(g["partial_data"]) {
				t.Fatalf("%s line %d: want an object with error and partial_data, got %.400s", name, i+1, gotLines[i])
			}
			continue
		}
		if d := differences(g, w); d != "" {
			t.Fatalf("%s line %d differs:%s", name, i+1, d)
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%s has %d entries, want %d", name, len(gotLines), len(wantLines))
	}
}

func lines(data []byte) [][]byte {
	return slices.DeleteFunc(bytes.Split(data, []byte("\n")), func(line []byte) bool { return len(line) == 0 })
}

func object(t *testing.T, line []byte) map[string]any {
	t.Helper()
	if !utf8.Valid(line) {
		t.Fatalf("not UTF-8: %.400q", line)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		t.Fatalf("not an object: %v: %.400s", err, line)
	}
	return o
}

func isText(v any) bool { _, ok := v.(string); return ok }

// differences describes the keys in which two objects differ; "" when they are equal.
func differences(got, want map[string]any) string {
	var d strings.Builder
	for key, w := range want {
		if g, ok := got[key]; !ok {
			fmt.Fprintf(&d, "\n    %s is missing, want %s", key, short(w))
		} else if !same(g, w) {
			fmt.Fprintf(&d, "\n    %s is %s, want %s", key, short(g), short(w))
		}
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			fmt.Fprintf(&d, "\n    %s is %s, want none", key, short(g))
		}
	}
	return d.String()
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 200 {
		return string(b[:200]) + "…"
	}
	return string(b)
}

func same(got, want any) bool {
	switch w := want.(type) {
	case json.Number:
		g, ok := got.(json.Number)
		return ok && sameNumber(string(g), string(w))
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && differences(g, w) == ""
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(g, w, same)
	default: // string, bool, nil
		return got == want
	}
}

// sameNumber compares as Python does what it has read: integers exactly, floats as doubles, never one with the other.
func sameNumber(got, want string) bool {
	isFloat := func(s string) bool { return strings.ContainsAny(s, ".eE") }
	if isFloat(got) != isFloat(want) {
		return false
	}
	if isFloat(want) {
		g, errG := strconv.ParseFloat(got, 64)
		w, errW := strconv.ParseFloat(want, 64)
		return errG == nil && errW == nil && g == w
	}
	g, okG := new(big.Int).SetString(got, 10)
	w, okW := new(big.Int).SetString(want, 10)
	return okG && okW && g.Cmp(w) == 0
}

func TestSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{`{"a": 7, "b": "x"}`, `{"b": "x", "a": 7}`, true},
		{`{"a": 7}`, `{"a": "7"}`, false},
		{`{"a": 7}`, `{"a": 7.0}`, false},
		{`{"a": 1e3}`, `{"a": 1000.0}`, true},
		{`{"a": 18446744073709551615}`, `{"a": 18446744073709551614}`, false},
		{`{"a": null}`, `{}`, false},
		{`{"a": [1, {"b": true}]}`, `{"a": [1, {"b": true}]}`, true},
		{`{"a": [1, 2]}`, `{"a": [2, 1]}`, false},
		{`{}`, `{"a": null}`, false},
	} {
		if got := differences(object(t, []byte(tt.a)), object(t, []byte(tt.b))) == ""; got != tt.same {
			t.Errorf("%s and %s: same is %t, want %t", tt.a, tt.b, got, tt.same)
		}
	}
}
