package condition

import (
	"testing"

	"journalpump/pump"
)

// A field passes if an entry with nothing else would pass by one of the tests.
func TestPasses(t *testing.T) {
	t.Parallel()
	s := newSet(t,
		Named{"is", parseGood(t, `{"transports": ["kernel", "audit"]}`)},
		Named{"glob", parseGood(t, `{"units": "web-*", "fields": {"_PID": true}}`)},
		Named{"pattern", parseGood(t, `{"not": {"fields": {"MESSAGE": ["^Failed ", "lost \\d+ packets"]}}}`)},
		Named{"expression", parseGood(t, `{"expression": "_COMM == \"sshd\""}`)},
	)
	for _, tc := range []struct {
		name, value string
		asks, want  bool
	}{
		{"_TRANSPORT", "kernel", true, true},
		{"_TRANSPORT", "kernels", true, false},
		{"_SYSTEMD_UNIT", "web-1.service", true, true},
		{"_SYSTEMD_UNIT", "db.service", true, false},
		{"_PID", "", true, true},
		{"MESSAGE", "Failed password", true, true},
		{"MESSAGE", "it Failed ", true, false},
		{"MESSAGE", "lost 12 packets", true, true},
		{"MESSAGE", "lost 12 packets\xff", true, false},
		{"_COMM", "sshd", false, false},
		{"TRANSPORT", "kernel", false, false},
	} {
		f := pump.Field{Name: tc.name, Value: []byte(tc.value)}
		if s.Asks(tc.name) != tc.asks || s.Passes(&f) != tc.want {
			t.Errorf("%s=%s: asks %t, passes %t", tc.name, tc.value, s.Asks(tc.name), s.Passes(&f))
		}
	}
}
