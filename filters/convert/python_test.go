package convert

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// pythonVectors is what testdata/python.py recorded. Values are given as Latin-1, one character a byte.
type pythonVectors struct {
	Ints     []vector
	UUIDs    []vector
	Seconds  []vector
	Binaries []vector
}

type vector struct {
	value []byte
	want  *string
}

func (v *vector) UnmarshalJSON(b []byte) error {
	var value string
	if err := json.Unmarshal(b, &[]any{&value, &v.want}); err != nil {
		return err
	}
	for _, r := range value {
		v.value = append(v.value, byte(r))
	}
	return nil
}

func loadPythonVectors(t *testing.T) *pythonVectors {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "python.json"))
	if err != nil {
		t.Fatal(err)
	}
	v := new(pythonVectors)
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestConversionsAsPython(t *testing.T) {
	vectors := loadPythonVectors(t)
	for _, tc := range []struct {
		name    string
		convert func(dst, v []byte) ([]byte, bool)
		vectors []vector
	}{
		{"int", AppendInt, vectors.Ints},
		{"uuid", AppendUUID, vectors.UUIDs},
	} {
		for _, v := range tc.vectors {
			got, ok := tc.convert([]byte("before"), v.value)
			switch {
			case ok != (v.want != nil):
				t.Errorf("%s(%q): converted %t, Python says %t", tc.name, v.value, ok, v.want != nil)
			case !ok && string(got) != "before":
				t.Errorf("%s(%q) cannot be converted and left %q", tc.name, v.value, got)
			case ok && string(got) != "before"+*v.want:
				t.Errorf("%s(%q) = %q, Python says %q", tc.name, v.value, got[len("before"):], *v.want)
			}
		}
	}
}

// Python writes some numbers with an exponent that we write without, so it is their values that are compared.
func TestSecondsAsPython(t *testing.T) {
	for _, v := range loadPythonVectors(t).Seconds {
		got, ok := AppendSeconds(nil, v.value)
		if ok != (v.want != nil) {
			t.Errorf("%q: converted %t, Python says %t", v.value, ok, v.want != nil)
			continue
		}
		if !ok {
			continue
		}
		gotFloat, _, err := big.ParseFloat(string(got), 10, 53, big.ToNearestEven)
		if err != nil {
			t.Errorf("%q: %v", v.value, err)
			continue
		}
		if wantFloat, _, _ := big.ParseFloat(*v.want, 10, 53, big.ToNearestEven); gotFloat.Cmp(wantFloat) != 0 {
			t.Errorf("%q = %s, Python says %s", v.value, got, *v.want)
		}
		if !slices.Contains(got, '.') && !slices.Contains(got, 'e') {
			t.Errorf("%q = %s, which parsers take for an integer", v.value, got)
		}
	}
}

func TestBytesLiteralAsPython(t *testing.T) {
	for _, v := range loadPythonVectors(t).Binaries {
		if got := string(AppendText(nil, v.value, Python)); got != *v.want {
			t.Errorf("%q: %s, Python says %s", v.value, got, *v.want)
		}
	}
}
