package oracle

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal"
)

// matchSamples is how many matches of each kind are looked for in a set.
const matchSamples = 2

// compareMatches reads what has some field, found by the files' indexes or not, and compares with journalctl's matches.
func compareMatches(t *testing.T, dir string, samples []pump.Field, rnd *rand.Rand) {
	t.Helper()
	args := []string{"--directory=" + dir}
	units := valuesOf(samples, "_SYSTEMD_UNIT")
	for range min(matchSamples, len(units)) {
		unit := units[rnd.IntN(len(units))]
		o := inDir(dir)
		o.Units = []string{unit, "no-such-unit.service"}
		compareMatched(t, o, nil, append(args, "_SYSTEMD_UNIT="+unit)...)
	}
	if len(units) > 0 { // a glob, and all that it stands for
		o := inDir(dir)
		o.Units = []string{"rare-*", "getty@tty[13]*"}
		var fields []string
		for _, u := range allUnits(t, dir) {
			if strings.HasPrefix(u, "rare-") || strings.HasPrefix(u, "getty@tty1") || strings.HasPrefix(u, "getty@tty3") {
				fields = append(fields, "_SYSTEMD_UNIT="+u)
			}
		}
		if len(fields) > 0 {
			compareMatched(t, o, nil, append(args, fields...)...)
		}
	}
	for range min(matchSamples, len(samples)) {
		f := samples[rnd.IntN(len(samples))]
		if bytes.IndexByte(f.Value, 0) >= 0 { // cannot be an argument
			continue
		}
		m := journal.Match{Name: f.PlainName(), Value: f.Value}
		o := inDir(dir)
		o.Match = &m
		compareMatched(t, o, &m, append(args, m.Name+"="+string(m.Value), "+", "_"+m.Name+"="+string(m.Value))...)
	}
}

// compareMatched compares a log that is asked for some entries with what journalctl finds. Where that is a hint only, it may
// have more.
func compareMatched(t *testing.T, o journal.Options, hint *journal.Match, args ...string) {
	t.Helper()
	next := journalctl(t, args...)
	s := open(t, native(t, o), pump.Position{})
	var e exported
	for n := 0; ; n++ {
		err := next(&e)
		more := s.next()
		for more && hint != nil && !hasField(s, hint) {
			more = s.next()
		}
		switch {
		case err != nil && !more:
			return
		case err != nil:
			t.Fatalf("%q: after entry %d journalctl ends, there is still %v", args, n, s.cursor())
		case !more:
			t.Fatalf("%q: it ends after %d entries, journalctl has still %s", args, n, e.cursor)
		}
		at := s.cursor()
		if q, err := pump.ParsePosition(string(e.cursor)); err != nil || identityOf(&q.Cursor) != identityOf(&at) {
			t.Fatalf("%q: entry %d is %v, journalctl has %s", args, n, at, e.cursor)
		}
	}
}

func hasField(s *stream, m *journal.Match) bool {
	return slices.ContainsFunc(s.chunk.Fields(s.i), func(r pump.Ref) bool {
		f := s.chunk.Field(r)
		return f.PlainName() == m.Name && bytes.Equal(f.Value, m.Value)
	})
}

func valuesOf(fields []pump.Field, name string) []string {
	var values []string
	for _, f := range fields {
		if f.Name == name {
			values = append(values, string(f.Value))
		}
	}
	return values
}

// allUnits returns journalctl's list of units.
func allUnits(t *testing.T, dir string) []string {
	t.Helper()
	return strings.Fields(run(t, "journalctl", "--directory="+dir, "--field=_SYSTEMD_UNIT"))
}
