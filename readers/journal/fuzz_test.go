package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// FuzzTwoFiles damages two files, of one sequence, beside a good one of another: patches are words put into their headers and
// objects, see patched.
func FuzzTwoFiles(f *testing.F) {
	word := func(file byte, object, at uint16, v uint64) []byte {
		b := binary.LittleEndian.AppendUint16([]byte{file}, object)
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint16(b, at), v)
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(1), word(0, 0, atNEntries/8, 1<<40))
	f.Add(byte(2), word(1, 0, atTailSeqnum/8, 3))
	f.Add(byte(3), slices.Concat(word(0, 0, atSeqnumID/8, 2), word(1, 0, atFileID/8, 7)))
	for object := range uint16(24) {
		f.Add(byte(object), slices.Concat(word(byte(object), object, entrySeqnum/8, 1<<62), word(byte(object+1), object, arrayNextAt/8, 4096)))
	}
	dir := f.TempDir()
	set := newFuzzSet(f, dir)
	f.Fuzz(func(t *testing.T, layout byte, patches []byte) {
		for i, b := range patched(set.files[layout%4], patches) {
			overwrite(t, filepath.Join(dir, []string{"a@1.journal", "a.journal"}[i]), b)
		}
		begin := time.Now()
		for _, units := range [][]string{nil, {"unit-1.service"}, {"unit-[12]*"}} {
			set.read(t, dir, units, pump.Position{})
		}
		set.read(t, dir, nil, set.middle)
		if took := time.Since(begin); took > maxReading {
			t.Errorf("it took %v", took)
		}
	})
}

// fuzzSet is what FuzzTwoFiles damages: in each layout two files. The good one has as many entries as both.
type fuzzSet struct {
	files  [4][2][]byte
	n      int
	middle pump.Position // of the sequence of the two
}

func newFuzzSet(f *testing.F, dir string) *fuzzSet {
	f.Helper()
	const half = 12
	s := &fuzzSet{n: 2 * half}
	g := &goods{dir: dir, want: map[string]bool{}}
	g.write(f, "good.journal", 2, 1, 0, s.n, journalwriter.Options{})
	for i := range s.files {
		o := journalwriter.Options{Compact: i%2 == 1, Keyed: i/2 == 1, DataBuckets: 5, FieldBuckets: 3}
		if i > 1 {
			o.Compress = journalwriter.ZSTD
		}
		o.State = journalwriter.Archived
		s.files[i][0] = g.bytes(f, "a", 1, 1, 0, half, o)
		o.State = journalwriter.Online
		s.files[i][1] = g.bytes(f, "b", 1, half+1, half, half, o)
	}
	s.middle = pump.Position{Cursor: pump.Cursor{SeqnumID: pump.ID128{1}, Seqnum: half / 2, BootID: pump.ID128{15: goodBoot}, Monotonic: 1000, Realtime: day, Parts: pump.HasSeqnum | pump.HasMonotonic | pump.HasRealtime}}
	return s
}

// patched returns copies with the patches applied, each of 13 bytes: which file, which object (0: the header), which word of it,
// and the word.
func patched(files [2][]byte, patches []byte) [2][]byte {
	objects := [2][]uint64{objectsOf(files[0]), objectsOf(files[1])}
	for i := range files {
		files[i] = slices.Clone(files[i])
		objects[i][len(objects[i])-1] = 0 // the last is the end: let it stand for the header, too
	}
	for ; len(patches) >= 13; patches = patches[13:] {
		b, offs := files[patches[0]%2], objects[patches[0]%2]
		off := uint64(0)
		if n := binary.LittleEndian.Uint16(patches[1:]); n > 0 {
			off = offs[int(n-1)%len(offs)]
		}
		if at := off + 8*uint64(binary.LittleEndian.Uint16(patches[3:])%40); at+8 <= uint64(len(b)) {
			copy(b[at:], patches[5:13])
		}
	}
	return files
}

// read reads all and looks whether the good file is in it whole.
func (s *fuzzSet) read(t *testing.T, dir string, units []string, after pump.Position) {
	t.Helper()
	l := &Log{opts: Options{Selection: journaldir.Selection{Path: dir}, MaxFieldBytes: maxHostileField}, filter: newFilter(units, nil)}
	l.opts.setDefaults()
	it, err := l.Open(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	good, all, head := 0, 0, after.IsZero()
	for {
		c, err := it.Next(t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.From != after {
			t.Fatalf("a chunk from %v, the one before was to %v", c.From, after)
		}
		after = c.To
		for i := range c.Entries {
			all++
			if m, ok := c.Lookup(i, "MESSAGE"); ok && string(m) == fmt.Sprintf("good.journal %d", good) {
				good++
			}
		}
	}
	if len(units) == 0 && head && good != s.n {
		t.Errorf("%d entries of the good file, of %d", good, s.n)
	}
	if all > 4*s.n {
		t.Errorf("%d entries from three files of %d together", all, 2*s.n)
	}
	s.recall(t, l, after)
	s.recall(t, l, s.middle)
}

// recall looks back from a place and looks whether that is bounded, and in order where the sequence tells.
func (s *fuzzSet) recall(t *testing.T, l *Log, before pump.Position) {
	t.Helper()
	unit, boot := pump.Field{Name: unitField, Value: []byte("unit-1.service")}, pump.Field{Name: "_BOOT_ID", Value: []byte(pump.ID128{15: goodBoot}.String())}
	c, err := l.Recall(t.Context(), pump.Recall{Before: before, Any: [][]pump.Field{{unit}, {boot, unit}, {boot}}, Limit: s.n})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Entries) > s.n {
		t.Errorf("%d entries, at most %d were wanted", len(c.Entries), s.n)
	}
	for i := range c.Entries {
		if p := &c.Entries[i].Position; before.Parts&pump.HasSeqnum != 0 && p.SeqnumID == before.SeqnumID && p.Seqnum >= before.Seqnum {
			t.Errorf("entry %v is not before %v", p, before)
		}
	}
}
