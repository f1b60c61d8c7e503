package journal

import (
	"errors"
	"fmt"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/sample"
)

// TestMemoryLimit reads journals that are many times as large as what an iterator may occupy, in few files and in many.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const (
		entries = 20_000
		limit   = 4 << 20
	)
	for _, files := range []int{2, 400} {
		t.Run(fmt.Sprint(files), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := sample.BuildFiles(dir, sample.Options{Entries: entries, Seed: 1}, files); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, Options{Selection: journaldir.Selection{Path: dir}, MemoryLimit: limit})
			opened, err := l.Open(t.Context(), pump.Position{})
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			it := opened.(*iterator)
			n, most, size := 0, 0, int64(0)
			for _, info := range l.infos {
				size += info.size
			}
			for {
				c, err := it.Next(t.Context())
				if errors.Is(err, pump.ErrNoMore) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				n += len(c.Entries)
				most = max(most, it.occupied())
			}
			t.Logf("%d entries of %d bytes in %d files, at most %d occupied", n, size, files, most)
			if n != entries || size < 2*limit || most > limit*5/4 {
				t.Errorf("%d entries of %d bytes, at most %d bytes occupied where %d were allowed", n, size, most, limit)
			}
		})
	}
}

// occupied returns how many bytes the iterator occupies beside its chunks.
func (it *iterator) occupied() int {
	n := it.build.dict.Bytes()*2 + it.build.tableBytes
	for _, c := range it.cursors {
		n += c.file.Resident()
	}
	return n
}
