package config

import "testing"

func TestPlaces(t *testing.T) {
	t.Parallel()
	c, report := Parse("x.json", []byte(`{
    "match_key": "TOP", "match_value": "x",
    "unit_log_levels": {"quiet": [
        {"service_glob": "a*", "log_level": "INFO"},
        {"service_glob": "b*", "log_level": "ERROR"}
    ]},
    "field_filters": {"top.level": {"fields": []}, "own": {"fields": []}},
    "readers": {"r": {
        "match_key": "OWN",
        "field_filters": {"own": {"fields": ["a"]}},
        "secret_filters": [
            {"pattern": "a", "replacement": ""},
            {"pattern": "b", "replacement": ""}
        ],
        "senders": {"s": {
            "output_type": "stdout", "unit_log_level": "quiet", "field_filter": "own",
            "extra_field_values": {"env": 1}
        }, "t": {"output_type": "stdout", "field_filter": "top.level"}}
    }}
}`))
	if report.HasErrors() {
		t.Fatal(report.Err())
	}
	r := c.Readers[0]
	s := r.Senders[0]
	rule, level := s.LevelRule(c, r, 1)
	if rule.ServiceGlob != "b*" {
		t.Errorf("rule %+v", rule)
	}
	for want, got := range map[string]Place{
		"match_key (line 2)":                                   r.MatchPlace(c, 0),
		"readers.r.match_key (line 9)":                         r.MatchPlace(c, 1),
		"unit_log_levels.quiet[1] (line 5)":                    level,
		"readers.r.secret_filters[1] (line 13)":                r.SecretPlace(1),
		"readers.r.field_filters.own (line 10)":                s.FieldFilterPlace(c, r),
		`field_filters."top.level" (line 7)`:                   r.Senders[1].FieldFilterPlace(c, r),
		"readers.r.senders.s.extra_field_values.env (line 17)": s.ExtraPlace("env"),
		"readers.r.senders.s.unit_log_level (line 16)":         s.Setting("unit_log_level"),
		"readers.r.senders (line 15)":                          r.Setting("senders"),
	} {
		if got.String() != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
