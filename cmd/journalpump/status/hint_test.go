package status

import (
	"net"
	"strings"
	"testing"
)

func TestHint(t *testing.T) {
	t.Parallel()
	for problem, want := range map[string]string{
		"dial tcp 127.0.0.1:9: connect: connection refused":                                "does the destination run?",
		"lookup nowhere: no such host":                                                     "spelt right",
		"tls: failed to verify certificate: x509: certificate signed by unknown authority": "name its CA",
		"tls: failed to verify certificate: x509: certificate is valid for a, not b":       "not right for it",
		"read tcp: i/o timeout":                                                            "reachable",
		"write out: no space left on device":                                               "The disk is full",
		"429 Too Many Requests":                                                            "",
		"":                                                                                 "",
	} {
		if got := Hint(problem); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: got %q, want %q", problem, got, want)
		}
	}
	// What the library really says.
	_, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if err == nil || Hint(err.Error()) == "" {
		t.Errorf("no hint for %v", err)
	}
}
