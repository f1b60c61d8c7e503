package senders_test

import (
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

func TestDefaultsOfKindsWithoutRequiredSettingsAreValid(t *testing.T) {
	o, report := conf.Parse("f", []byte(`{}`))
	for _, k := range senders.Kinds() {
		if k.Name != "file" { // which must be told where to
			k.New().Validate(o)
		}
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}
