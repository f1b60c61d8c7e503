package senders_test

import (
	"strings"
	"testing"

	"journalpump/internal/conf"
	"journalpump/senders"
)

func TestKindsAreToldApartAndBeginWithDefaults(t *testing.T) {
	names, types := map[string]bool{}, map[string]bool{}
	for _, k := range senders.Kinds() {
		if names[k.Name] || types[k.Type] || k.Name == "" || k.Type == "" {
			t.Errorf("%q, %q is there twice, or empty", k.Name, k.Type)
		}
		names[k.Name], types[k.Type] = true, true
		if l := k.New().Limits(); l.Records <= 0 || l.Bytes <= 0 || l.Age <= 0 {
			t.Errorf("%s: by default a batch has no bounds: %+v", k.Name, l)
		}
		if k.New() == k.New() {
			t.Errorf("%s: two senders share their settings", k.Name)
		}
	}
}

func TestDefaultsLackNothingButWhatIsRequired(t *testing.T) {
	for _, k := range senders.Kinds() {
		o, report := conf.Parse("f", []byte(`{}`))
		k.New().Validate(o)
		for _, p := range report.Problems() {
			if !strings.HasPrefix(p.Text, "is required") {
				t.Errorf("%s: %v", k.Name, p)
			}
		}
	}
}
