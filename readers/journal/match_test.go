package journal

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
)

func TestWantsUnit(t *testing.T) {
	t.Parallel()
	f := newFilter([]string{"sshd.service", `a\x2db.service`, "nginx@*.service"}, nil)
	for unit, want := range map[string]bool{
		"sshd.service": true, `a\x2db.service`: true, "nginx@1.service": true,
		"ssh.service": false, "ax2db.service": false, "nginx.service": false, "": false,
	} {
		if got := f.wantsUnit([]byte(unit)); got != want {
			t.Errorf("%s: %v", unit, got)
		}
	}
}

// TestUnits compares units_to_match with journalctl's matches, in files where the index is the cheaper way and in others.
func TestUnits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stamps := steps(1, 3000, day, 1000, 10)
	text := strings.ReplaceAll(string(export(stamps, "x")), "_SYSTEMD_UNIT=unit-3.service\nPRIORITY=0", "_SYSTEMD_UNIT=rare-a.service\nPRIORITY=0")
	text = strings.Replace(text, "_SYSTEMD_UNIT=unit-5.service\nPRIORITY=2", "_SYSTEMD_UNIT=once.service\nPRIORITY=2", 1)
	writeJournal(t, filepath.Join(dir, "a.journal"), []byte(text))
	writeJournal(t, filepath.Join(dir, "b.journal"), export(steps(1, 500, day+5, 1005, 60), "y"))
	all := journalctl(t, "-D", dir)
	for _, c := range []struct {
		units   []string
		journal []string // what journalctl is asked for
	}{
		{[]string{"unit-1.service"}, []string{"_SYSTEMD_UNIT=unit-1.service"}},
		{[]string{"rare-a.service"}, []string{"_SYSTEMD_UNIT=rare-a.service"}},
		{[]string{"once.service", "rare-a.service"}, []string{"_SYSTEMD_UNIT=once.service", "_SYSTEMD_UNIT=rare-a.service"}},
		{[]string{"r*", "once.service"}, []string{"_SYSTEMD_UNIT=once.service", "_SYSTEMD_UNIT=rare-a.service"}},
		{[]string{"unit-[0-9].service"}, []string{"_SYSTEMD_UNIT=unit-0.service", "_SYSTEMD_UNIT=unit-1.service", "_SYSTEMD_UNIT=unit-2.service",
			"_SYSTEMD_UNIT=unit-3.service", "_SYSTEMD_UNIT=unit-4.service", "_SYSTEMD_UNIT=unit-5.service", "_SYSTEMD_UNIT=unit-6.service"}},
		{[]string{"nothing.service"}, []string{"_SYSTEMD_UNIT=nothing.service"}},
	} {
		t.Run(strings.Join(c.units, "+"), func(t *testing.T) {
			t.Parallel()
			l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, Units: c.units})
			want := journalctl(t, append([]string{"-D", dir}, c.journal...)...)
			got := readAll(t, l, pump.Position{})
			sameRecords(t, got.records, want)
			// The position is at the end, however few entries matched, so that nothing looks like a gap later.
			if got.last.String() != all[len(all)-1].cursor {
				t.Errorf("it ends at %v, the log at %s", got.last, all[len(all)-1].cursor)
			}
			for i := 0; i < len(want); i += 1 + len(want)/20 {
				p, err := pump.ParsePosition(want[i].cursor)
				if err != nil {
					t.Fatal(err)
				}
				rest := readAll(t, l, p)
				sameRecords(t, rest.records, want[i+1:])
				if len(rest.gaps) > 0 {
					t.Errorf("after entry %d: gaps %v", i, rest.gaps)
				}
			}
		})
	}
}

// TestMatch checks that the hint drops nothing that matches, and does drop.
func TestMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeJournal(t, filepath.Join(dir, "a.journal"), export(steps(1, 2000, day, 1000, 10), "x"))
	all := journalctl(t, "-D", dir)
	for _, c := range []struct {
		match Match
		field string
		units []string
	}{
		{Match{"PRIORITY", []byte("3")}, "PRIORITY=3", nil},
		{Match{"HOSTNAME", []byte("x")}, "_HOSTNAME=x", nil},
		{Match{"MESSAGE", []byte("x 77")}, "MESSAGE=x 77", nil},
		{Match{"PRIORITY", []byte("3")}, "PRIORITY=3", []string{"unit-1.service"}},
		{Match{"PRIORITY", []byte("9")}, "PRIORITY=9", nil},
	} {
		var want []record
		for _, r := range all {
			if slices.Contains(r.fields, c.field) && (c.units == nil || slices.Contains(r.fields, "_SYSTEMD_UNIT="+c.units[0])) {
				want = append(want, r)
			}
		}
		l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, Units: c.units, Match: &c.match})
		sameRecords(t, readAll(t, l, pump.Position{}).records, want)
	}
}

// TestMatchTwice looks for a field that entries have with and without an underscore: the index leads to such an entry twice.
func TestMatchTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var text []byte
	for i := range 400 {
		text = fmt.Appendf(text, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032x\nMESSAGE=%d\n", day+uint64(i), 1000+i, 1, i)
		if i%10 == 0 {
			text = append(text, "COLOR=red\n_COLOR=red\n"...)
		}
		text = append(text, '\n')
	}
	writeJournal(t, filepath.Join(dir, "a.journal"), text)
	l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, Match: &Match{Name: "COLOR", Value: []byte("red")}})
	got := readAll(t, l, pump.Position{})
	sameRecords(t, got.records, journalctl(t, "-D", dir, "COLOR=red", "+", "_COLOR=red"))
	if len(got.records) != 40 || got.corrupted > 0 || len(got.gaps) > 0 {
		t.Errorf("%d entries, %d corrupted, gaps %+v", len(got.records), got.corrupted, got.gaps)
	}
}
