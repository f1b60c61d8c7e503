package elasticsearch

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"journalpump/internal/retryafter"
	"journalpump/pump"
)

// maxReason is how much of a server's reason goes into messages.
const maxReason = 500

// refusal returns the error for an answer that is no success.
func (s *server) refusal(a *answer) error {
	reason := s.reason(a)
	switch a.status {
	case http.StatusUnauthorized:
		return fmt.Errorf("the server does not accept the user and password, or API key (401): %s", reason)
	case http.StatusForbidden:
		return fmt.Errorf("the server does not allow it to this user or API key (403): %s", reason)
	case http.StatusRequestEntityTooLarge:
		return pump.ErrTooLarge
	}
	err := fmt.Errorf("the server answered %d: %s", a.status, reason)
	if a.status/100 == 3 {
		err = fmt.Errorf("the server redirects to another address (%d), which must be configured instead", a.status)
	}
	if a.status == http.StatusBadRequest {
		err = &badRequestError{err}
	}
	if after := retryafter.Of(a.header, time.Now()); after > 0 {
		return pump.RetryAfter(err, after)
	}
	return err
}

// reason returns what an answer that is no success says.
func (s *server) reason(a *answer) string {
	text := errorText(gjson.GetBytes(a.body, "error"))
	if text == "" {
		text = strings.Join(strings.Fields(string(a.body[:min(len(a.body), maxReason)])), " ")
	}
	if text == "" {
		text = http.StatusText(a.status)
	}
	return s.shorten(text)
}

// errorText returns "type: reason: cause" of an error as the servers write it.
func errorText(e gjson.Result) string {
	if !e.IsObject() {
		return e.String()
	}
	var parts []string
	for _, path := range []string{"type", "reason", "caused_by.reason"} {
		if part := e.Get(path).String(); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// shorten hides secrets and cuts what is long.
func (s *server) shorten(text string) string {
	text = strings.ToValidUTF8(s.hide.Replace(text), "\uFFFD")
	if len(text) <= maxReason {
		return text
	}
	cut := maxReason
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// errorType returns what kind of error an answer names; "" if it is not of a server that names any.
func errorType(a *answer) string { return gjson.GetBytes(a.body, "error.type").String() }

// itemError returns what became of an entry: nil when it is stored, a Permanent error when it never will be.
func (s *server) itemError(item gjson.Result, after time.Duration) error {
	status := item.Get("status").Int()
	e := item.Get("error")
	kind := e.Get("type").String()
	switch {
	case status >= 200 && status < 300 && !e.Exists():
		return nil
	case status == http.StatusConflict && (kind == "" || kind == "version_conflict_engine_exception"):
		return nil // it is there already: op create with its own _id
	}
	text := errorText(e)
	if text == "" {
		text = "no reason given"
	}
	err := fmt.Errorf("the server refuses the entry (%d): %s", status, s.shorten(text))
	if kind == indexNotFound {
		return &missingIndexError{err}
	}
	if isEntrysFault(status, kind) {
		return pump.Permanent(err)
	}
	if after > 0 {
		return pump.RetryAfter(err, after)
	}
	return err
}

const indexNotFound = "index_not_found_exception"

// missingIndexError says that an index is gone which was there.
type missingIndexError struct{ err error }

func (e *missingIndexError) Error() string { return e.err.Error() }
func (e *missingIndexError) Unwrap() error { return e.err }

func isMissingIndex(err error) bool {
	_, ok := errors.AsType[*missingIndexError](err)
	return ok
}

// isEntrysFault reports whether an entry is refused for what it is, and not for the state of the server or the rights of
// the user, which may change.
func isEntrysFault(status int64, kind string) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict,
		http.StatusTooManyRequests:
		return false
	}
	switch kind {
	case "index_closed_exception", // 400
		"validation_exception",    // 400 when the cluster has as many shards as it may have
		"cluster_block_exception": // 403, 429 or 503: no disk space, read-only
		return false
	}
	return status >= 400 && status < 500
}

// badRequestError says that the server did not understand a whole request: perhaps it is of another version by now.
type badRequestError struct{ err error }

func (e *badRequestError) Error() string { return e.err.Error() }
func (e *badRequestError) Unwrap() error { return e.err }
