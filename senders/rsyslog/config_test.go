package rsyslog

import (
	"strings"
	"testing"

	"journalpump/internal/conf"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct{ settings, want string }{
		{`{"rsyslog_server": "h"}`, ""},
		{`{"rsyslog_server": "h", "ca_certs": "ca.pem"}`, ""},
		{`{"rsyslog_server": "h", "format": "RFC3164"}`, ""},
		{`{"rsyslog_server": "/run/log", "protocol": "unix", "rsyslog_port": 0}`, ""},
		{`{"rsyslog_server": "@log", "protocol": "unix-stream", "framing": "octet-counted"}`, ""},
		{`{"rsyslog_server": "h", "format": "custom", "logline": "%msg% %%"}`, ""},
		{`{}`, "rsyslog_server: is required"},
		{`{"protocol": "unix"}`, "rsyslog_server: is required: the path"},
		{`{"rsyslog_server": "h", "protocol": "unix"}`, "must be the path of a socket"},
		{`{"rsyslog_server": "/dev/log", "protocol": "unix"}`, "the journal's own socket"},
		{`{"rsyslog_server": "h", "rsyslog_port": 65536}`, "must be a port"},
		{`{"rsyslog_server": "h:514"}`, "the port is for rsyslog_port"},
		{`{"rsyslog_server": "[::1]:514", "protocol": "udp"}`, "the port is for rsyslog_port"},
		{`{"rsyslog_server": "h", "format": "rfc"}`, `is not one of "rfc5424", "rfc3164", "custom"`},
		{`{"rsyslog_server": "h", "protocol": "sctp"}`, `"sctp" is not one of`},
		{`{"rsyslog_server": "h", "framing": "lf"}`, `"lf" is not one of`},
		{`{"rsyslog_server": "h", "format": "rfc5425"}`, `did you mean "rfc5424"`},
		{`{"rsyslog_server": "h", "format": 1}`, `format: must be a string`},
		{`{"rsyslog_server": "h", "format": "custom"}`, "logline: is required"},
		{`{"rsyslog_server": "h", "format": "custom", "logline": "\n"}`, "logline: is required"},
		{`{"rsyslog_server": "h", "logline": "%msg%"}`, "logline: is only used"},
		{`{"rsyslog_server": "h", "format": "custom", "logline": "%message% 100%"}`, "without a second one"},
		{`{"rsyslog_server": "h", "format": "custom", "logline": "%message%"}`, "%message% is no tag"},
		{`{"rsyslog_server": "h", "structured_data": "a\nb"}`, "structured_data: must not"},
		{`{"rsyslog_server": "h", "default_facility": 24}`, "default_facility: is not one of"},
		{`{"rsyslog_server": "h", "default_severity": -1}`, "default_severity: is not one of"},
		{`{"rsyslog_server": "h", "protocol": "udp", "max_message_size": 65509}`, "max_message_size: must be at most 65508"},
		{`{"rsyslog_server": "h", "max_message_size": "1GiB"}`, "max_message_size: must be at most 64MiB"},
		{`{"rsyslog_server": "h", "protocol": "relp", "framing": "octet-counted"}`, "framing: is for streams"},
		{`{"rsyslog_server": "h", "protocol": "udp", "ssl": true}`, "ssl: cannot be had"},
		{`{"rsyslog_server": "h", "protocol": "udp", "ca_certs": "x"}`, "ca_certs: cannot be had"},
		{`{"rsyslog_server": "h", "client_key": "x"}`, "client_key: is not used"},
		{`{"rsyslog_server": "h", "client_cert": "x"}`, "client_cert: is not used"},
	} {
		c := DefaultConfig()
		o, report := conf.Parse("f", []byte(test.settings))
		o.Decode(c)
		c.Validate(o)
		var got strings.Builder
		for _, p := range report.Problems() {
			got.WriteString(p.String() + "\n")
		}
		if test.want == "" && got.Len() > 0 || !strings.Contains(got.String(), test.want) {
			t.Errorf("%s:\n%swant %q", test.settings, got.String(), test.want)
		}
	}
}

func TestKeyInTheCertificatesFile(t *testing.T) {
	c := Config{ClientCert: "both.pem"}
	if got := c.files(); got.Key != "both.pem" {
		t.Errorf("the key is looked for in %q", got.Key)
	}
}

func TestAddressOfAnIPv6Server(t *testing.T) {
	for _, server := range []string{"::1", "[::1]"} {
		c := Config{Server: server, Port: 514}
		if got := c.address(); got != "[::1]:514" {
			t.Errorf("%s: %s", server, got)
		}
	}
}
