package convert

import (
	"strconv"
	"time"
)

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 24 * 60 * 60
)

// AppendTimestamp appends microseconds as seconds with a fraction of at least one digit, exactly.
func AppendTimestamp(dst []byte, micros uint64) []byte {
	dst = strconv.AppendUint(dst, micros/microsPerSecond, 10)
	dst = append(dst, '.')
	dst = appendMicros(dst, micros%microsPerSecond)
	end := len(dst)
	for dst[end-1] == '0' && dst[end-2] != '.' {
		end--
	}
	return dst[:end]
}

// appendMicros appends six digits.
func appendMicros(dst []byte, n uint64) []byte {
	dst = appendTwoDigits(dst, n/10000)
	dst = appendTwoDigits(dst, n/100%100)
	return appendTwoDigits(dst, n%100)
}

// Calendar writes times as Python's datetime.isoformat() does: in UTC, without a zone, and with microseconds unless they
// are 0. It keeps the date of the day it wrote last, so it must not be used concurrently.
type Calendar struct {
	known bool
	day   uint64
	date  []byte
}

// AppendISO appends the time that is micros microseconds after 1970.
func (c *Calendar) AppendISO(dst []byte, micros uint64) []byte {
	seconds := micros / microsPerSecond
	if day := seconds / secondsPerDay; day != c.day || !c.known {
		c.known, c.day = true, day
		midnight := time.Unix(int64(day*secondsPerDay), 0).UTC() //nolint:gosec // below 2^64/10^6
		c.date = midnight.AppendFormat(c.date[:0], "2006-01-02T")
	}
	dst = append(dst, c.date...)
	s := seconds % secondsPerDay
	dst = appendTwoDigits(dst, s/3600)
	dst = append(dst, ':')
	dst = appendTwoDigits(dst, s/60%60)
	dst = append(dst, ':')
	dst = appendTwoDigits(dst, s%60)
	if fraction := micros % microsPerSecond; fraction != 0 {
		dst = append(dst, '.')
		dst = appendMicros(dst, fraction)
	}
	return dst
}

func appendTwoDigits(dst []byte, n uint64) []byte {
	return append(dst, '0'+byte(n/10), '0'+byte(n%10)) //nolint:gosec // n is below 100
}
