package elasticsearch

import (
	"strings"
	"testing"

	"journalpump/internal/conf"
)

func TestValidate(t *testing.T) {
	for src, want := range map[string]string{
		`{"elasticsearch_url": "https://u:p@host:9200/path"}`: "",
		`{}`:                                 "elasticsearch_url: is required",
		`{"elasticsearch_url": "host:9200"}`: "elasticsearch_url: must be https://",
		`{"elasticsearch_url": "https://u:p@h", "elasticsearch_api_key": "k"}`:                  "two ways to log in",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "Logs"}`:              "lower case",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": ""}`:                  "must not be empty",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "_x"}`:                "must not begin",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_prefix": "a*"}`:                "must not contain",
		`{"elasticsearch_url": "https://h", "elasticsearch_index_days_max": -1}`:                "must not be negative",
		`{"elasticsearch_url": "https://h", "elasticsearch_timeout": 0}`:                        "must be longer",
		`{"elasticsearch_url": "https://h", "elasticsearch_timeout": 2.5, "ca": "/etc/ca.pem"}`: "",
	} {
		for _, kind := range []string{"elasticsearch_", "opensearch_"} {
			o, report := conf.Parse("f", []byte(strings.ReplaceAll(src, "elasticsearch_", kind)))
			if kind == "elasticsearch_" {
				c := DefaultConfig()
				o.Decode(c)
				c.Validate(o)
			} else {
				c := DefaultOpenSearchConfig()
				o.Decode(c)
				c.Validate(o)
			}
			var got string
			for _, p := range report.Problems() {
				got += p.String()
			}
			if want := strings.ReplaceAll(want, "elasticsearch_", kind); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", src, got, want)
			}
		}
	}
}
