package conf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span that is not negative: a number of seconds (0.3, 10) or a text such as "300ms", "1m30s".
type Duration time.Duration //nolint:recvcheck // a value that decodes itself

// Duration returns d as the standard library's type.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

// String returns d as "1m30s".
func (d Duration) String() string { return time.Duration(d).String() }

var errDuration = errors.New(`must be a number of seconds, or a text such as "500ms", "10s", "1m30s"; not negative`)

// DecodeConf implements Decoder.
func (d *Duration) DecodeConf(v Value) error {
	if s, ok := v.Text(); ok {
		if t, err := time.ParseDuration(s); err == nil && t >= 0 {
			*d = Duration(t)
			return nil
		}
	}
	seconds, ok := v.Float()
	if !ok || seconds < 0 || seconds > math.MaxInt64/1e9 {
		return errDuration
	}
	*d = Duration(math.Round(seconds * 1e9))
	return nil
}

// Size is a number of bytes: an integer, or a text such as "512KiB", "5MiB", "1GB". K, M, G and T alone count in 1024s.
type Size int64 //nolint:recvcheck // a value that decodes itself

var errSize = errors.New(`must be a number of bytes, or a text such as "512KiB", "5MiB", "1GB"`)

// DecodeConf implements Decoder.
func (s *Size) DecodeConf(v Value) error {
	var f float64
	if n, ok := v.Number(); ok {
		f, _ = strconv.ParseFloat(string(n), 64) // out of range is infinite, and refused below
	} else if text, ok := v.Text(); ok {
		f, ok = parseSize(text)
		if !ok {
			return errSize
		}
	} else {
		return errSize
	}
	if f < 0 || f >= math.MaxInt64 || f != math.Trunc(f) {
		return errSize
	}
	*s = Size(f)
	return nil
}

func parseSize(text string) (float64, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, u := range []struct {
		suffix string
		bytes  float64
	}{
		{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
		{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
		{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
		{"b", 1}, {"", 1},
	} {
		if digits, ok := strings.CutSuffix(text, u.suffix); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
			return f * u.bytes, err == nil && !math.IsNaN(f)
		}
	}
	return 0, false
}

// String returns s with the largest binary unit that leaves no fraction, such as "5MiB".
func (s Size) String() string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for s >= 1024 && s%1024 == 0 && i < len(units)-1 {
		s /= 1024
		i++
	}
	return fmt.Sprintf("%d%s", int64(s), units[i])
}

// StringList is a list of strings; a single string stands for a list of one.
type StringList []string

// DecodeConf implements Decoder.
func (l *StringList) DecodeConf(v Value) error {
	if s, ok := v.Text(); ok {
		*l = StringList{s}
		return nil
	}
	elems, ok := v.List()
	if !ok {
		return fmt.Errorf("must be a string or a list of strings, not %s", v.Kind())
	}
	list := make(StringList, 0, len(elems))
	for _, e := range elems {
		s, ok := e.Text()
		if !ok {
			e.Errorf("must be a string, not %s", e.Kind())
			continue
		}
		list = append(list, s)
	}
	*l = list
	return nil
}
