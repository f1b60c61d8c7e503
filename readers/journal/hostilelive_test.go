package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// TestHostileLive empties, cuts off or punches holes into a file that an iterator has open and has read a part of. The rest of
// it is missed, which is said; all others are read on, and followed.
func TestHostileLive(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(f *os.File, size int64) error{
		"emptied":    func(f *os.File, _ int64) error { return f.Truncate(0) },
		"cut off":    func(f *os.File, size int64) error { return f.Truncate(size / 2) },
		"no entries": func(f *os.File, _ int64) error { return f.Truncate(4096) },
		"holes": func(f *os.File, size int64) error {
			return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4096, size-4096)
		},
		"nothing but holes": func(f *os.File, size int64) error {
			return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, size)
		},
	} {
		for _, state := range []journalwriter.State{journalwriter.Online, journalwriter.Archived} {
			t.Run(fmt.Sprintf("%s, state %d", name, state), func(t *testing.T) {
				t.Parallel()
				g := newGoods(t, journalwriter.Options{Compact: true, Keyed: true, Compress: journalwriter.ZSTD})
				g.n = 3 * each
				g.b = g.bytes(t, "victim", 3, 1, 0, g.n, journalwriter.Options{State: state})
				g.victim = filepath.Join(g.dir, "user-7.journal")
				if state == journalwriter.Archived {
					g.victim = filepath.Join(g.dir, "user-7@1.journal")
				}
				overwrite(t, g.victim, g.b)
				l := openLog(t, Options{Selection: journaldir.Selection{Path: g.dir}, MaxChunkEntries: 7})
				it, err := l.Open(t.Context(), pump.Position{})
				if err != nil {
					t.Fatal(err)
				}
				defer it.Close()
				var all result
				for range 5 {
					all.add(t, it)
				}
				f, err := os.OpenFile(g.victim, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if err := damage(f, int64(len(g.b))); err != nil {
					t.Fatal(err)
				}
				rest := drain(t, it, all.last)
				all.records, all.gaps = append(all.records, rest.records...), append(all.gaps, rest.gaps...)
				all.corrupted, all.last = all.corrupted+rest.corrupted, rest.last

				more := g.bytes(t, "system.journal", 1, 2*each+1, 2*each, 2*each, journalwriter.Options{State: journalwriter.Online})
				overwrite(t, filepath.Join(g.dir, "system.journal"), more)
				for i := range 2 * each {
					g.want[fmt.Sprintf("system.journal %d", i)] = true
				}
				if err := it.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				late := drain(t, it, all.last)
				all.records, all.gaps, all.corrupted = append(all.records, late.records...), append(all.gaps, late.gaps...), all.corrupted+late.corrupted
				for i, r := range all.records {
					if !g.want[messageOf(r)] { // what is left of its fields may be anything
						all.records[i].fields = nil
					}
				}
				g.judge(t, all)
			})
		}
	}
}

// add adds the next chunk.
func (r *result) add(t *testing.T, it pump.Iterator) {
	t.Helper()
	c, err := it.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.records = append(r.records, recordsOf(c)...)
	r.gaps = append(r.gaps, c.Gaps...)
	r.corrupted += c.Corrupted
	r.last = c.To
}

// TestVacuumedLive deletes a file that an iterator has read a part of, as journald does. What is missed of it is told, to the entry.
func TestVacuumedLive(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"read": 5000, "mapped": 15000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &goods{dir: t.TempDir(), n: n}
			g.b = g.bytes(t, "victim", 3, 1, 0, n, journalwriter.Options{Compact: true, Keyed: true, State: journalwriter.Archived})
			if len(g.b) < smallFile/2 || (len(g.b) > smallFile) != (name == "mapped") {
				t.Fatalf("%d bytes", len(g.b))
			}
			g.victim = filepath.Join(g.dir, "user-7@1.journal")
			overwrite(t, g.victim, g.b)
			l := openLog(t, Options{Selection: journaldir.Selection{Path: g.dir}, MaxChunkEntries: 100})
			it, err := l.Open(t.Context(), pump.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			var all result
			all.add(t, it)
			f, err := os.OpenFile(g.victim, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := os.Remove(g.victim); err != nil {
				t.Fatal(err)
			}
			if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, int64(len(g.b))); err != nil {
				t.Fatal(err)
			}
			rest := drain(t, it, all.last)
			all.records, all.gaps = append(all.records, rest.records...), append(all.gaps, rest.gaps...)
			g.judge(t, all)
			read := len(all.records)
			if len(all.gaps) != 1 || all.gaps[0].Reason != "vacuumed" || all.gaps[0].Last != uint64(n) || read+int(all.gaps[0].Count) != n {
				t.Errorf("%d of %d entries were read, the gaps are %+v", read, n, all.gaps)
			}
			if read < 100 || read > n*3/4 {
				t.Errorf("%d of %d entries were read", read, n)
			}
		})
	}
}
