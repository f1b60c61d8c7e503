package retryafter

import (
	"net/http"
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                                  0,
		"0":                                 0,
		"3":                                 3 * time.Second,
		"3600":                              time.Hour,
		"3601":                              time.Hour,
		"999999999999":                      time.Hour,
		"99999999999999999999999":           time.Hour,
		"-1":                                0,
		"1.5":                               0,
		"soon":                              0,
		"Sun, 29 Nov 2026 12:00:07 GMT":     7 * time.Second,
		"Sunday, 29-Nov-26 12:00:07 GMT":    7 * time.Second, // RFC 850
		"Sun Nov 29 12:00:07 2026":          7 * time.Second, // asctime
		"Sun, 29 Nov 2026 11:59:59 GMT":     0,
		"Wed, 29 Nov 2628 12:00:00 GMT":     time.Hour,
		"Sun, 29 Nov 2026 12:00:07 +0000 x": 0,
	} {
		h := http.Header{}
		h.Set("Retry-After", text)
		if got := Of(h, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := Of(nil, now); got != 0 {
		t.Errorf("without headers: %v", got)
	}
}
