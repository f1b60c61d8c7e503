package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// An entry that the reader wants is damaged: it lies in a gap, whatever stands around it.
func TestDamagedMatch(t *testing.T) {
	t.Parallel()
	const n = 12
	for _, wanted := range []string{"all", "every third", "but the first", "but the last"} {
		for damaged := range n {
			t.Run(fmt.Sprintf("%s, %d", wanted, damaged), func(t *testing.T) {
				t.Parallel()
				is := func(i int) bool {
					return wanted == "all" || wanted == "every third" && i%3 == 0 || wanted == "but the first" && i > 0 || wanted == "but the last" && i < n-1
				}
				dir := t.TempDir()
				file := func(name string, from, to int) {
					w, err := journalwriter.New(journalwriter.Options{
						Compact: true, Keyed: true, FileID: journalwriter.ID{1, byte(from)}, MachineID: journalwriter.ID{2}, SeqnumID: journalwriter.ID{3}, State: journalwriter.Archived,
					})
					if err != nil {
						t.Fatal(err)
					}
					for i := from; i < to; i++ {
						unit := "noise.service"
						if is(i) {
							unit = "wanted.service"
						}
						e := journalwriter.Entry{Seqnum: uint64(10 + i), Realtime: day + uint64(i), Monotonic: uint64(1000 + i), Boot: journalwriter.ID{15: goodBoot}}
						e.Fields = [][]byte{[]byte("_SYSTEMD_UNIT=" + unit), fmt.Appendf(nil, "MESSAGE=%d", i)}
						if err := w.Append(e); err != nil {
							t.Fatal(err)
						}
					}
					path := filepath.Join(dir, name)
					if err := w.WriteFile(path); err != nil {
						t.Fatal(err)
					}
					if from <= damaged && damaged < to {
						b, err := os.ReadFile(path)
						if err != nil {
							t.Fatal(err)
						}
						breakEntry(t, b, damaged-from)
						overwrite(t, path, b)
					}
				}
				file("system@1.journal", 0, n/2)
				file("system@2.journal", n/2, n)
				l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, Match: &Match{Name: "SYSTEMD_UNIT", Value: []byte("wanted.service")}})
				res := readAll(t, l, pump.Position{})
				want, covered := 0, false
				for i := range n {
					if is(i) && i != damaged {
						want++
					}
				}
				for _, g := range res.gaps {
					covered = covered || g.First <= uint64(10+damaged) && uint64(10+damaged) <= g.Last
				}
				if len(res.records) != want || is(damaged) && !covered {
					t.Errorf("%d records of %d, gaps %+v, %d corrupted", len(res.records), want, res.gaps, res.corrupted)
				}
			})
		}
	}
}

// breakEntry makes ENTRY object number n something that there isn't.
func breakEntry(t *testing.T, b []byte, n int) {
	t.Helper()
	const headerSizeAt, entryType, wrong = 88, 3, 0x63
	for at := binary.LittleEndian.Uint64(b[headerSizeAt:]); at+16 <= uint64(len(b)); at += (binary.LittleEndian.Uint64(b[at+8:]) + 7) &^ 7 {
		if b[at] != entryType {
			continue
		}
		if n--; n < 0 {
			b[at] = wrong
			return
		}
	}
	t.Fatal("there is no such entry")
}
