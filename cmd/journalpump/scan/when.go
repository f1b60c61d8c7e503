package scan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime understands the times that journalctl takes for --since and --until: "2026-11-20 06:25:13", parts of it, RFC 3339,
// "@SECONDS" since 1970, "now", "today", "yesterday", "tomorrow", and how long ago ("-1h30m", "2 hours ago") or ahead ("+5min").
func ParseTime(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch text {
	case "now":
		return now, nil
	case "today":
		return midnight, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), nil
	case "tomorrow":
		return midnight.AddDate(0, 0, 1), nil
	}
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		d, err := parseSpan(rest)
		return now.Add(d), err
	}
	ago, isAgo := strings.CutSuffix(text, " ago")
	if rest, ok := strings.CutPrefix(ago, "-"); ok || isAgo {
		d, err := parseSpan(rest)
		return now.Add(-d), err
	}
	if rest, ok := strings.CutPrefix(text, "@"); ok {
		seconds, err := strconv.ParseFloat(rest, 64)
		if err != nil || !(seconds >= 0 && seconds <= 1e11) { // so that NaN isn't taken either
			return time.Time{}, errTime
		}
		return time.UnixMicro(int64(seconds * 1e6)), nil
	}
	return parseStamp(text, midnight)
}

var errTime = errors.New(`is no time: try "2026-11-20 06:25:13", "06:25", "today", "1h ago" or "-30min"`)

func parseStamp(text string, midnight time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, midnight.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return midnight.Add(t.Sub(t.Truncate(24 * time.Hour))), nil
		}
	}
	return time.Time{}, errTime
}

// parseSpan understands systemd's time spans, see systemd.time(7): "2h 30min", "1d", "90". Without a unit it is seconds.
func parseSpan(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errTime
	}
	var total float64 // seconds
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n < 0 {
			n = len(text)
		}
		value, err := strconv.ParseFloat(text[:n], 64)
		if err != nil {
			return 0, errTime
		}
		text = strings.TrimLeft(text[n:], " ")
		n = strings.IndexFunc(text, func(r rune) bool { return r >= '0' && r <= '9' || r == ' ' })
		if n < 0 {
			n = len(text)
		}
		unit, ok := secondsOf(text[:n])
		if !ok {
			return 0, fmt.Errorf("%w (there is no unit %q)", errTime, text[:n])
		}
		total += value * unit
		text = strings.TrimLeft(text[n:], " ")
	}
	if total > 1e9 {
		return 0, errTime
	}
	return time.Duration(total * float64(time.Second)), nil
}

func secondsOf(unit string) (seconds float64, ok bool) {
	switch unit {
	case "us", "usec", "µs":
		return 1e-6, true
	case "ms", "msec":
		return 1e-3, true
	case "", "s", "sec", "second", "seconds":
		return 1, true
	case "m", "min", "minute", "minutes":
		return 60, true
	case "h", "hr", "hour", "hours":
		return 3600, true
	case "d", "day", "days":
		return 86400, true
	case "w", "week", "weeks":
		return 7 * 86400, true
	case "M", "month", "months":
		return 30.44 * 86400, true
	case "y", "year", "years":
		return 365.25 * 86400, true
	}
	return 0, false
}
