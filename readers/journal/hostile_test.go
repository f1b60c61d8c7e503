package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/journalwriter"
)

// Where things are in the header and in objects of a journal file, see journalfile's layout.go.
const (
	atState       = 16
	atFileID      = 24
	atMachineID   = 40
	atSeqnumID    = 72
	atHeaderSize  = 88
	atNEntries    = 152
	atTailSeqnum  = 160
	atEntryArray  = 176
	atTailRealt   = 192
	objSize       = 8
	dataHashNext  = 24
	dataFieldNext = 32
	dataArray     = 48
	dataN         = 56
	entrySeqnum   = 16
	entryMono     = 32
	arrayNextAt   = 16

	typeData       = 1
	typeField      = 2
	typeEntry      = 3
	typeEntryArray = 6
)

// goods are good files, and the place for a bad one among them.
type goods struct {
	dir    string
	victim string // its path
	b      []byte // what it is before it is damaged
	n      int    // its entries
	want   map[string]bool
}

const (
	each       = 40 // entries a file
	goodBoot   = 7
	victimName = "system@2.journal"
)

// newGoods makes a journal of four files: the second one, of the same sequence as the first and the third, is the victim.
// The fourth is of another sequence and has an entry after each of all others.
func newGoods(tb testing.TB, o journalwriter.Options) *goods {
	tb.Helper()
	g := &goods{dir: tb.TempDir(), n: each, want: map[string]bool{}}
	g.victim = filepath.Join(g.dir, victimName)
	g.write(tb, "system@1.journal", 1, 1, 0, each, journalwriter.Options{State: journalwriter.Archived})
	g.write(tb, "system.journal", 1, 2*each+1, 2*each, each, journalwriter.Options{State: journalwriter.Online})
	g.write(tb, "user-1000.journal", 2, 1, 0, 3*each, journalwriter.Options{State: journalwriter.Online})
	o.State = journalwriter.Archived
	g.b = g.bytes(tb, "victim", 1, each+1, each, each, o)
	return g
}

func (g *goods) write(tb testing.TB, name string, sequence byte, seqnum uint64, from, n int, o journalwriter.Options) {
	tb.Helper()
	b := g.bytes(tb, name, sequence, seqnum, from, n, o)
	if err := os.WriteFile(filepath.Join(g.dir, name), b, 0o600); err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		g.want[fmt.Sprintf("%s %d", name, i)] = true
	}
}

// bytes returns a file with entries from the time from on.
func (g *goods) bytes(tb testing.TB, name string, sequence byte, seqnum uint64, from, n int, o journalwriter.Options) []byte {
	tb.Helper()
	o.FileID, o.MachineID, o.SeqnumID = journalwriter.ID{sequence, byte(seqnum), byte(len(name))}, journalwriter.ID{1}, journalwriter.ID{sequence}
	w, err := journalwriter.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		at := uint64(from+i)*10 + uint64(sequence)
		e := journalwriter.Entry{Seqnum: seqnum + uint64(i), Realtime: day + at, Monotonic: 1000 + at, Boot: journalwriter.ID{15: goodBoot}}
		e.Fields = [][]byte{
			fmt.Appendf(nil, "MESSAGE=%s %d", name, i),
			fmt.Appendf(nil, "_SYSTEMD_UNIT=unit-%d.service", i%3),
			fmt.Appendf(nil, "PRIORITY=%d", i%8),
			[]byte("LONG=" + string(bytes.Repeat([]byte{byte('a' + i%5)}, 600))),
			[]byte("_HOSTNAME=host"),
		}
		if err := w.Append(e); err != nil {
			tb.Fatal(err)
		}
	}
	path := filepath.Join(tb.TempDir(), "bytes")
	if err := w.WriteFile(path); err != nil {
		tb.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// objectsOf returns the offsets of all objects of a good file, and behind them its size.
func objectsOf(b []byte) (offs []uint64) {
	off := le64(b, atHeaderSize)
	for ; off < uint64(len(b)); off += (le64(b, off+objSize) + 7) &^ 7 {
		offs = append(offs, off)
	}
	return append(offs, off)
}

func objectsOfType(b []byte, typ byte) []uint64 {
	return slices.DeleteFunc(objectsOf(b), func(off uint64) bool { return off >= uint64(len(b)) || b[off] != typ })
}

func le64(b []byte, at uint64) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
func put64(b []byte, at, v uint64)    { binary.LittleEndian.PutUint64(b[at:], v) }

// maxReading is how long reading the small journals of these tests may take; it takes milliseconds.
const maxReading = 20 * time.Second

const maxHostileField = 1 << 20

// overwrite makes a file have the content without emptying it first, upon which file systems write to the disk at once.
func overwrite(tb testing.TB, path string, b []byte) {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = f.WriteAt(b, 0)
	if err := errors.Join(err, f.Truncate(int64(len(b))), f.Close()); err != nil {
		tb.Fatal(err)
	}
}

// check has the victim damaged as b is, or gone if that is nil, and reads the journal.
func (g *goods) check(tb testing.TB, b []byte, units ...string) result {
	tb.Helper()
	if b != nil {
		overwrite(tb, g.victim, b)
	}
	begin := time.Now()
	// Without a watcher: the kernel takes its time to close one.
	l := &Log{opts: Options{Selection: journaldir.Selection{Path: g.dir}, MaxFieldBytes: maxHostileField}, filter: newFilter(units, nil)}
	l.opts.setDefaults()
	got := readAll(tb, l, pump.Position{})
	if err := l.Close(); err != nil {
		tb.Error(err)
	}
	if took := time.Since(begin); took > maxReading {
		tb.Errorf("reading took %v", took)
	}
	if len(units) == 0 {
		g.judge(tb, got)
	}
	return got
}

// judge finds out whether the good files' entries came out whole, and that nothing is missing without a word.
func (g *goods) judge(tb testing.TB, got result) {
	tb.Helper()
	missing := maps.Clone(g.want)
	others := 0
	for _, r := range got.records {
		m := messageOf(r)
		switch {
		case missing[m] && len(r.fields) == 5:
			delete(missing, m)
		case g.want[m]:
			tb.Errorf("%s twice, or not whole: %.100q", m, r.fields)
		default:
			others++
		}
	}
	if len(missing) > 0 {
		tb.Errorf("%d entries of good files are missing, among them %s", len(missing), slices.Min(slices.Collect(maps.Keys(missing))))
	}
	if others < g.n && got.corrupted == 0 && len(got.gaps) == 0 {
		tb.Errorf("%d of the bad file's %d entries, and nothing is said of the rest", others, g.n)
	}
	if others > g.n {
		tb.Errorf("%d entries of the bad file, which had %d", others, g.n)
	}
	if g.n > 0 && got.corrupted > 100*g.n { // fields count
		tb.Errorf("%d corrupted of %d entries", got.corrupted, g.n)
	}
	for _, gap := range got.gaps {
		if gap.Count > uint64(len(g.b)/64) || gap.Last != 0 && gap.First > gap.Last {
			tb.Errorf("the gap %+v, in a file of %d entries", gap, g.n)
		}
	}
}

func messageOf(r record) string {
	for _, f := range r.fields {
		if m, ok := bytes.CutPrefix([]byte(f), []byte("MESSAGE=")); ok {
			return string(m)
		}
	}
	return ""
}

func TestHostileTruncation(t *testing.T) {
	t.Parallel()
	for _, o := range []journalwriter.Options{{}, {Compact: true, Keyed: true, Compress: journalwriter.ZSTD}} {
		g := newGoods(t, o)
		for _, off := range objectsOf(g.b) {
			for _, size := range []uint64{off - 1, off, off + 1, off + 20} {
				if size > uint64(len(g.b)) {
					continue
				}
				g.check(t, g.b[:size])
				if t.Failed() {
					t.Fatalf("cut to %d of %d bytes", size, len(g.b))
				}
			}
		}
	}
}

func TestHostileBits(t *testing.T) {
	t.Parallel()
	for _, o := range []journalwriter.Options{{}, {Compact: true, Keyed: true, Compress: journalwriter.ZSTD}} {
		g := newGoods(t, o)
		var places []uint64 // every byte of the header but its hash tables' places, of some entries, DATA and arrays
		for at := range le64(g.b, atHeaderSize) {
			places = append(places, at)
		}
		for _, typ := range []byte{typeEntry, typeData, typeEntryArray} {
			offs := objectsOfType(g.b, typ)
			for _, off := range []uint64{offs[0], offs[len(offs)/2], offs[len(offs)-1]} {
				for at := range min(uint64(80), le64(g.b, off+objSize)) {
					places = append(places, off+at)
				}
			}
		}
		for _, at := range places {
			for _, bit := range []byte{1 << (at % 7), 1 << 7} {
				b := slices.Clone(g.b)
				b[at] ^= bit
				g.check(t, b)
				if t.Failed() {
					t.Fatalf("bit %#x flipped at %d", bit, at)
				}
			}
		}
	}
}

func TestHostileHeader(t *testing.T) {
	t.Parallel()
	g := newGoods(t, journalwriter.Options{})
	entries, arrays := objectsOfType(g.b, typeEntry), objectsOfType(g.b, typeEntryArray)
	for at := uint64(8); at < le64(g.b, atHeaderSize); at += 8 {
		was := le64(g.b, at)
		for _, v := range []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 62, 1<<63 - 8, 1 << 63, 1<<64 - 8, 1<<64 - 1, was - 1, was + 1, was / 2, was * 2, entries[3], arrays[1]} {
			b := slices.Clone(g.b)
			put64(b, at, v)
			g.check(t, b)
			if t.Failed() {
				t.Fatalf("%#x, was %#x, at %d", v, was, at)
			}
		}
	}
}

// TestHostileChains has every kind of chain lead back to where it was, or to something else, and objects be of sizes that are
// none.
func TestHostileChains(t *testing.T) {
	t.Parallel()
	for _, o := range []journalwriter.Options{{}, {Compact: true}} {
		g := newGoods(t, o)
		for _, link := range []struct {
			typ byte
			at  uint64
		}{
			{typeEntryArray, arrayNextAt}, {typeData, dataHashNext}, {typeData, dataFieldNext}, {typeData, dataArray}, {typeData, dataN},
			{typeField, dataHashNext}, {typeField, dataFieldNext},
			{typeEntry, objSize}, {typeEntryArray, objSize}, {typeData, objSize}, {typeField, objSize},
		} {
			offs := objectsOfType(g.b, link.typ)
			for i, off := range offs {
				if i > 2 && i < len(offs)-3 && i%(1+len(offs)/8) != 0 {
					continue // more of them only take longer
				}
				for _, to := range []uint64{off, offs[0], offs[len(offs)-1], offs[(i+1)%len(offs)], 1<<63 - 8, 1 << 63, 1<<64 - 1} {
					b := slices.Clone(g.b)
					put64(b, off+link.at, to)
					g.check(t, b)
					g.check(t, b, "unit-1.service")
					g.check(t, b, "unit-[0-1]*")
					if t.Failed() {
						t.Fatalf("%#x at %d of the object of type %d at %d", to, link.at, link.typ, off)
					}
				}
			}
		}
	}
}

// TestHostileSize reads files that are, or say they are, larger than any disk.
func TestHostileSize(t *testing.T) {
	t.Parallel()
	g := newGoods(t, journalwriter.Options{})
	arrays := objectsOfType(g.b, typeEntryArray)
	entries := objectsOfType(g.b, typeEntry)
	for _, size := range []int64{1 << 33, 1 << 43, 1<<63 - 1<<20} {
		for what, damage := range map[string]func(b []byte){
			"nothing": func([]byte) {},
			"an array that never ends": func(b []byte) {
				put64(b, arrays[0]+objSize, uint64(size)-arrays[0])
				put64(b, atNEntries, 1<<62)
			},
			"an entry that never ends": func(b []byte) { put64(b, entries[3]+objSize, uint64(size)-entries[3]) },
			"data that never end": func(b []byte) {
				put64(b, objectsOfType(b, typeData)[0]+objSize, uint64(size)/2)
			},
		} {
			b := slices.Clone(g.b)
			damage(b)
			if err := os.WriteFile(g.victim, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(g.victim, size); err != nil {
				t.Logf("no file of %d bytes here: %v", size, err)
				break
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			g.check(t, nil)
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 128<<20 {
				t.Errorf("%s in a file of %d bytes: the process grew by %d bytes", what, size, grown)
			}
			if t.Failed() {
				t.Fatalf("%s in a file of %d bytes", what, size)
			}
			if err := os.Remove(g.victim); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
}

// TestHostileNumbers has the bad file claim the good ones' identity, and numbers that are theirs, or that they will have.
func TestHostileNumbers(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(g *goods, b []byte){
		"the first file's numbers":   func(_ *goods, b []byte) { renumber(b, 1) },
		"the last file's numbers":    func(_ *goods, b []byte) { renumber(b, 2*each+1) },
		"numbers that nothing has":   func(_ *goods, b []byte) { renumber(b, 1<<62) },
		"the last numbers there are": func(_ *goods, b []byte) { renumber(b, 1<<64-each) },
		"another file's ID":          func(g *goods, b []byte) { copy(b[atFileID:atFileID+16], g.header(t, "system.journal")[atFileID:]) },
		"another file's sequence": func(g *goods, b []byte) {
			copy(b[atSeqnumID:atSeqnumID+16], g.header(t, "user-1000.journal")[atSeqnumID:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoods(t, journalwriter.Options{})
			b := slices.Clone(g.b)
			damage(g, b)
			g.check(t, b)
			g.grows(t)
		})
	}
}

// header returns the header of a good file.
func (g *goods) header(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		tb.Fatal(err)
	}
	return b[:256]
}

// renumber gives all entries of a file new sequence numbers, and its header, too.
func renumber(b []byte, first uint64) {
	entries := objectsOfType(b, typeEntry)
	for i, off := range entries {
		put64(b, off+entrySeqnum, first+uint64(i))
	}
	put64(b, atTailSeqnum+8, first)
	put64(b, atTailSeqnum, first+uint64(len(entries))-1)
}

// grows lets the live files grow, and be rotated, while an iterator follows, and when it starts anew.
func (g *goods) grows(t *testing.T) {
	t.Helper()
	l := openDir(t, g.dir)
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	all := drain(t, it, pump.Position{})
	more := g.bytes(t, "system.journal", 1, 2*each+1, 2*each, 2*each, journalwriter.Options{State: journalwriter.Online})
	overwrite(t, filepath.Join(g.dir, "system.journal"), more)
	for i := range 2 * each {
		g.want[fmt.Sprintf("system.journal %d", i)] = true
	}
	if err := it.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := drain(t, it, all.last)
	all.records = append(all.records, late.records...)
	all.last = late.last
	g.write(t, "system.new", 1, 4*each+1, 4*each, each, journalwriter.Options{State: journalwriter.Online})
	if err := errors.Join(
		os.Rename(filepath.Join(g.dir, "system.journal"), filepath.Join(g.dir, "system@3.journal")),
		os.Rename(filepath.Join(g.dir, "system.new"), filepath.Join(g.dir, "system.journal")),
	); err != nil {
		t.Fatal(err)
	}
	if err := it.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.records = append(all.records, drain(t, it, all.last).records...)
	g.judge(t, all)
}
