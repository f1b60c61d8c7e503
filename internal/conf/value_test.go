package conf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccessors(t *testing.T) {
	o, r := Parse("f", []byte(`{"z": {"x": 1}, "s": "t", "n": 1.50, "b": true, "l": [1], "null": null}`))
	if diff := cmp.Diff([]string{"z", "s", "n", "b", "l", "null"}, o.Keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if text, ok := o.Get("s").Text(); !ok || text != "t" {
		t.Errorf("text %q, %t", text, ok)
	}
	if number, ok := o.Get("n").Number(); !ok || number != "1.50" {
		t.Errorf("number %q, %t", number, ok)
	}
	if value, ok := o.Get("b").Bool(); !ok || !value {
		t.Errorf("bool %t, %t", value, ok)
	}
	if elems, ok := o.Get("l").List(); !ok || len(elems) != 1 || elems[0].Path() != "l[0]" {
		t.Errorf("list %v, %t", elems, ok)
	}
	if z, ok := o.Object("z"); !ok || !z.Has("x") || z.Has("y") || z.Path() != "z" || z.Get("x").Path() != "z.x" {
		t.Errorf("object %v, %t", z, ok)
	}
	for name, v := range o.Members() {
		if v.Path() != name {
			t.Errorf("%s has the path %s", name, v.Path())
		}
		if name == "s" {
			break
		}
	}
	// Asking for the wrong kind, or for what is not there, is answered, not punished.
	for _, key := range []string{"null", "absent"} {
		v := o.Get(key)
		_, isText := v.Text()
		_, isNumber := v.Number()
		_, isBool := v.Bool()
		_, isList := v.List()
		_, isObject := v.Object()
		_, isFloat := v.Float()
		_, err := v.Int()
		if isText || isNumber || isBool || isList || isObject || isFloat || err == nil || !v.IsNull() || v.Any() != nil {
			t.Errorf("%s: %s", key, v.Kind())
		}
		if got := string(v.AppendJSON(nil)); got != "null" {
			t.Errorf("%s as JSON: %s", key, got)
		}
	}
	o.Get("absent").Errorf("goes nowhere")
	if r.HasErrors() {
		t.Error(r.Err())
	}
}
