package file

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/senders/sendertest"
)

// units gives every entry the unit that its number names.
func units(names ...string) sendertest.Option {
	return sendertest.Fields(func(number int) []pump.Field {
		return []pump.Field{{Name: "_SYSTEMD_UNIT", Value: []byte(names[number%len(names)])}}
	})
}

func TestPathsByField(t *testing.T) {
	dir := t.TempDir()
	s := openPath(t, filepath.Join(dir, "{_SYSTEMD_UNIT}", "%Y-%m-%d.json"))
	days := sendertest.Times(time.Date(2026, 11, 20, 23, 59, 59, 0, time.UTC), time.Second)
	send(t, s, batch(0, 4, units("a.service", "b.service"), days))
	commit(t, s)
	check(t, filepath.Join(dir, "a.service/2026-11-20.json"), linesOf(0, 1))
	check(t, filepath.Join(dir, "a.service/2026-11-21.json"), linesOf(2, 1))
	check(t, filepath.Join(dir, "b.service/2026-11-21.json"), linesOf(1, 1)+linesOf(3, 1))
}

func TestPathsStayInTheirDirectory(t *testing.T) {
	for value, want := range map[string]string{
		"a.service":                 "a.service",
		"":                          "unknown",
		"..":                        "__",
		"../../etc/passwd":          "__" + "_.._etc_passwd",
		"/etc/passwd":               "_etc_passwd",
		".hidden":                   "_hidden",
		"a/../b":                    "a_.._b",
		"a\x00b\nc\x1b\x7f":         "a_b_c__",
		"ünï":                       "ünï",
		strings.Repeat("long", 100): strings.Repeat("long", 100)[:238] + "-",
	} {
		dir := t.TempDir()
		s := openPath(t, filepath.Join(dir, "in", "..", "{_SYSTEMD_UNIT}"))
		send(t, s, batch(0, 1, units(value)))
		commit(t, s)
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%q: %v, %v", value, entries, err)
		}
		name := entries[0].Name()
		if len(name) > maxName || !strings.HasPrefix(name, want) || len(want) < 200 && name != want {
			t.Errorf("%q gives %q, want %q", value, name, want)
		}
	}
}

func TestLongNamesStayDifferent(t *testing.T) {
	long := strings.Repeat("x", 300)
	a, b := shorten([]byte("/d/"+long+"a/f")), shorten([]byte("/d/"+long+"b/f"))
	if bytes.Equal(a, b) {
		t.Errorf("both are %q", a)
	}
	for name := range strings.SplitSeq(string(a), "/") {
		if len(name) > maxName {
			t.Errorf("%q is too long", name)
		}
	}
}

// With more paths than files may be open, each entry still arrives once, also when something fails in between.
func TestManyPaths(t *testing.T) {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("u%d", i))
	}
	dir := t.TempDir()
	d := newDisk(t, None)
	d.config.FileOutput = filepath.Join(dir, "{_SYSTEMD_UNIT}.json")
	p, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := p.(*sender)
	s.maxOpen = 3
	send(t, s, batch(0, 40, units(names...)))
	commit(t, s)
	send(t, s, batch(40, 40, units(names...)))
	if len(s.outputs) > 3 {
		t.Errorf("%d files are open", len(s.outputs))
	}
	d.Script(sendertest.BreakWithin)
	if err := s.Send(t.Context(), batch(80, 20, units(names...))); err == nil {
		t.Fatal("Send returned nil")
	}
	for i := range names {
		checkUnit(t, dir, names, i, 40)
	}
	send(t, s, batch(40, 60, units(names...)))
	commit(t, s)
	for i := range names {
		checkUnit(t, dir, names, i, 100)
	}
	if len(s.retired) != 0 {
		t.Errorf("%d files are remembered", len(s.retired))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// checkUnit checks that the file of a unit holds its share of the entries below end.
func checkUnit(t *testing.T, dir string, names []string, unit, end int) {
	t.Helper()
	var want strings.Builder
	for number := unit; number < end; number += len(names) {
		want.WriteString(linesOf(number, 1))
	}
	check(t, filepath.Join(dir, names[unit]+".json"), want.String())
}
