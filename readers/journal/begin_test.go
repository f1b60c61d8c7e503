package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// A file gets its machine ID and its sequence, and then entries, between being listed and being opened. They come each once, and as what
// they are. (Seen with journald, which makes a file in steps: an entry was left out without a gap, once in 300 runs of four readers.)
func TestSequenceComesLate(t *testing.T) {
	t.Parallel()
	for _, written := range []int{0, 1, 2, 5} { // before it is opened
		g := &goods{dir: t.TempDir(), want: map[string]bool{}}
		g.write(t, "system@1.journal", 1, 1, 0, each, journalwriter.Options{State: journalwriter.Archived})
		l := openLog(t, Options{Selection: journaldir.Selection{Path: g.dir}, MaxChunkEntries: 1})
		opened, res := followed(t, l)
		it := opened.(*iterator)

		const name = "system.journal"
		path := filepath.Join(g.dir, name)
		content := func(n int) []byte {
			return g.bytes(t, name, 1, each+1, each, n, journalwriter.Options{State: journalwriter.Online})
		}
		empty := content(0)
		empty[atSeqnumID] ^= 0xff
		clear(empty[atMachineID : atMachineID+16])
		if err := os.WriteFile(path, empty, 0o600); err != nil {
			t.Fatal(err)
		}
		listed, err := l.list(true)
		if err != nil {
			t.Fatal(err)
		}
		if written > 0 {
			overwrite(t, path, content(written))
		}
		if err := it.sync(listed); err != nil {
			t.Fatal(err)
		}
		for whole := false; ; {
			c, err := it.Next(t.Context())
			if errors.Is(err, pump.ErrNoMore) && whole {
				break
			}
			if err != nil && !errors.Is(err, pump.ErrNoMore) {
				t.Fatal(err)
			}
			if !whole { // what there is more by then is found by another look
				g.write(t, name, 1, each+1, each, 8, journalwriter.Options{State: journalwriter.Online})
				whole = true
			}
			if c == nil {
				continue
			}
			res.records = append(res.records, recordsOf(c)...)
			res.gaps = append(res.gaps, c.Gaps...)
			for i := range c.Entries {
				if id := c.Entries[i].Position.SeqnumID; id != [16]byte{1} {
					t.Errorf("%d entries before it is opened: %s is of sequence %x", written, messageOf(recordsOf(c)[i]), id)
				}
			}
			if _, err := l.list(true); err != nil { // as another iterator does
				t.Fatal(err)
			}
		}
		g.judge(t, res)
		if len(res.records) != each+8 || len(res.gaps) > 0 {
			t.Errorf("%d entries before it is opened: %d records, gaps %v", written, len(res.records), res.gaps)
		}
	}
}
