// Package retryafter reads the header with which an HTTP server says how long to leave it alone.
package retryafter

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Max is the longest that Of returns: a server's mistake must not stop anybody for days.
const Max = time.Hour

// Of returns how long the server wants to be left alone, by its Retry-After: seconds, or a date (RFC 9110, section 10.2.3).
// It is 0 without one, of one that can't be read, and of a date that is past.
func Of(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(Max/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), Max)
}
