package scan

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

var start = time.Unix(1_760_000_000, 0)

// open makes a journal with an entry at each of the offsets from the start, and opens it.
func open(t *testing.T, offsets ...time.Duration) pump.Log {
	t.Helper()
	dir := t.TempDir()
	w, err := journalwriter.New(journalwriter.Options{Compact: true, Keyed: true, HeaderSize: 264, FileID: journalwriter.ID{1}, MachineID: journalwriter.ID{2}, SeqnumID: journalwriter.ID{3}, DataBuckets: 2047})
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range offsets {
		err := w.Append(journalwriter.Entry{
			Seqnum: uint64(i) + 1, Realtime: uint64(start.Add(at).UnixMicro()), Monotonic: uint64(i) + 1, Boot: journalwriter.ID{4},
			Fields: [][]byte{fmt.Appendf(nil, "MESSAGE=Number %d", i), fmt.Appendf(nil, "_SYSTEMD_UNIT=u%d.service", i%3)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.SetState(journalwriter.Archived)
	if err := w.WriteFile(filepath.Join(dir, "system.journal")); err != nil {
		t.Fatal(err)
	}
	l, err := journal.Open(t.Context(), journal.Options{Selection: journaldir.Selection{Path: dir}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestEach(t *testing.T) {
	t.Parallel()
	var offsets []time.Duration
	for i := range 20 {
		offsets = append(offsets, time.Duration(i)*time.Hour)
	}
	offsets[15] = 90 * time.Minute // a clock that was set back
	log := open(t, offsets...)
	var cursors []pump.Cursor
	collect := func(w Choice) (indices []int) {
		found, err := w.Each(t.Context(), log, func(c *pump.Chunk, i int) error {
			indices = append(indices, int(c.Entries[i].Position.Seqnum)-1)
			cursors = append(cursors, c.Entries[i].Position)
			return nil
		})
		if err != nil || found != len(indices) {
			t.Errorf("%+v: %d found, %v", w, found, err)
		}
		return indices
	}
	all := collect(Choice{})
	if len(all) != 20 {
		t.Fatalf("all are %v", all)
	}
	byRealtime := cursors[15]
	byRealtime.Parts = pump.HasRealtime
	gone := cursors[3]
	gone.Seqnum += 100
	grep, err := Grep("number 1.$")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		w    Choice
		want []int
	}{
		{"the last few", Choice{Last: 3}, []int{17, 18, 19}},
		{"more than there are", Choice{Last: 30}, all},
		{"the last of a unit", Choice{Last: 2, Units: Units("u1")}, []int{16, 19}},
		{"two units", Choice{Last: 3, Units: Units("u1", "u2*")}, []int{16, 17, 19}},
		{"since", Choice{Since: start.Add(17*time.Hour + 1)}, []int{18, 19}},
		{"until, over the clock that was set back", Choice{Until: start.Add(2 * time.Hour), Since: start.Add(time.Hour)}, []int{1, 2, 15}},
		{"until, the newest", Choice{Until: start.Add(5 * time.Hour), Last: 2}, []int{5, 15}},
		{"a pattern", Choice{Grep: grep}, []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
		{"a cursor", Choice{Cursor: pump.Position{Cursor: cursors[7]}}, []int{7}},
		{"one behind a clock that was set back", Choice{Cursor: pump.Position{Cursor: cursors[15]}}, []int{15}},
		{"by its time alone", Choice{Cursor: pump.Position{Cursor: byRealtime}}, []int{15}},
		{"a cursor that is gone", Choice{Cursor: pump.Position{Cursor: gone}}, nil},
	} {
		if got := collect(c.w); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("X", 3600)
	now := time.Date(2026, 11, 20, 6, 25, 13, 0, zone)
	day := func(y int, m time.Month, d, hour, minute, second int) time.Time {
		return time.Date(y, m, d, hour, minute, second, 0, zone)
	}
	for text, want := range map[string]time.Time{
		"now": now, "today": day(2026, 11, 20, 0, 0, 0), "yesterday": day(2026, 11, 19, 0, 0, 0), "tomorrow": day(2026, 11, 21, 0, 0, 0),
		"2026-11-19 18:17:16": day(2026, 11, 19, 18, 17, 16), "2026-11-19 18:17": day(2026, 11, 19, 18, 17, 0), "2026-11-19": day(2026, 11, 19, 0, 0, 0),
		"18:17": day(2026, 11, 20, 18, 17, 0), "18:17:16": day(2026, 11, 20, 18, 17, 16),
		"2026-11-19T18:17:16Z": time.Date(2026, 11, 19, 18, 17, 16, 0, time.UTC),
		"@1760000000.5":        time.UnixMilli(1760000000500),
		"-1h30m":               now.Add(-90 * time.Minute), "+5min": now.Add(5 * time.Minute), "2 hours ago": now.Add(-2 * time.Hour),
		"1d 2h ago": now.Add(-26 * time.Hour), "-90": now.Add(-90 * time.Second), "1.5h ago": now.Add(-90 * time.Minute),
	} {
		if got, err := ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-", "5 parsecs ago", "2026-13-01", "25:00", "@x", "@nan", "-99999999999", "1..2h ago", " ago"} {
		if got, err := ParseTime(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2 hours ago")
	f.Add("-1h30m 5.5s")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseTime(text, start) })
}
