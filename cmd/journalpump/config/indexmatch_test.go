package config

import "testing"

func TestIndexMatch(t *testing.T) {
	for src, want := range map[string][2]string{
		``: {},
		`"match_key": "_SYSTEMD_UNIT", "match_value": "a.service"`:                         {"SYSTEMD_UNIT", "a.service"},
		`"match_key": "PRIORITY", "match_value": "3"`:                                      {},
		`"match_key": "MACHINE_ID", "match_value": "97baf08d-62a5-47a6-9ce3-cd3b6685d3ec"`: {},
		`"match_key": "SYSLOG_IDENTIFIER", "match_value": 3`:                               {},
		`"match_key": "SYSLOG_IDENTIFIER"`:                                                 {},
		`"match_key": "X", "match_value": "b'\\xff'"`:                                      {},
		`"match_key": "X", "match_value": "abcd", "binary_fields": "base64"`:               {},
		`"match_key": "X", "match_value": "a.service", "binary_fields": "base64"`:          {"X", "a.service"},
		`"match_key": "X", "match_value": "a\ufffd", "binary_fields": "replace"`:           {},
		`"match_key": "X", "match_value": "b'x", "binary_fields": "replace"`:               {"X", "b'x"},
	} {
		if src != "" {
			src += ", "
		}
		c := parseGood(t, `{"readers": {"r": {`+src+`"senders": {"s": {"output_type": "stdout"}}}}}`)
		name, value, ok := c.Readers[0].IndexMatch(c)
		if (ok != (want[0] != "")) || name != want[0] || value != want[1] {
			t.Errorf("%s: %s=%s, %t, want %v", src, name, value, ok, want)
		}
		c = parseGood(t, `{`+src+`"readers": {"r": {"senders": {"s": {"output_type": "stdout"}}}}}`)
		if name, _, _ := c.Readers[0].IndexMatch(c); name != want[0] {
			t.Errorf("at the top level, %s: %s, want %s", src, name, want[0])
		}
	}
}
