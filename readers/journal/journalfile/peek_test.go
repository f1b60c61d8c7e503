package journalfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A Peeker sees what Open sees, whichever file it had open before.
func TestPeeker(t *testing.T) {
	dir := t.TempDir()
	var p Peeker
	for name, l := range layouts() {
		for _, n := range []int{0, 1, 3, 500} {
			path := filepath.Join(dir, "x.journal")
			if err := os.WriteFile(path, sample(l, n).b, 0o600); err != nil {
				t.Fatal(err)
			}
			mapped, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			peeked, was, err := p.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if st, err := mapped.Stat(); err != nil || st != was {
				t.Errorf("%s, %d entries: %+v, and not %+v (%v)", name, n, was, st, err)
			}
			want, got := everything(t, mapped), everything(t, peeked)
			if len(want) != n {
				t.Fatalf("%s: %d entries, not %d", name, len(want), n)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d entries: %s", name, n, diff)
			}
			if len(peeked.m.data) != 0 {
				t.Error("the file is mapped")
			}
			if err := errors.Join(mapped.Close(), peeked.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// everything reads all entries with their fields, from the first to the last and back.
func everything(t *testing.T, f *File) []string {
	t.Helper()
	var read []string
	x := f.Entries()
	var e Entry
	for {
		off, ok, err := x.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if err := f.ReadEntry(off, &e); err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, item := range e.Items {
			if text, _, err = f.AppendData(text, item, 0); err != nil {
				t.Fatal(err)
			}
			text = append(text, '\n')
		}
		read = append(read, string(text))
	}
	for i := len(read); i > 0; i-- {
		if _, ok, err := x.Prev(); err != nil || !ok {
			t.Fatalf("before entry %d: %v, %v", i, ok, err)
		}
	}
	return read
}

func TestPeekerRefuses(t *testing.T) {
	dir := t.TempDir()
	var p Peeker
	if _, _, err := p.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte(signature), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, was, err := p.Open(short); !errors.Is(err, ErrNotJournal) || was.Size != uint64(len(signature)) {
		t.Errorf("no header: %v, %d bytes", err, was.Size)
	}
}

// What is cut off while a file is peeked at is missing, and no fault.
func TestPeekerTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.journal")
	whole := sample(layout{}, 500).b
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	var p Peeker
	f, _, err := p.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x := f.Entries()
	if err := x.SeekTail(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, glimpseSize); err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Prev(); !errors.Is(err, ErrTruncated) {
		t.Errorf("%v", err)
	}
}

// The header's shortcut leads to the last entry, or nowhere.
func TestTailEntry(t *testing.T) {
	f := sample(layout{compact: true}, 100).open(t)
	h, err := f.Header()
	if err != nil {
		t.Fatal(err)
	}
	var want, e Entry
	x := f.Entries()
	var at []uint64
	for {
		off, ok, err := x.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		at = append(at, off)
	}
	last := at[len(at)-1]
	if err := f.ReadEntry(last, &want); err != nil {
		t.Fatal(err)
	}
	h.TailSeqnum, h.TailRealtime = want.Seqnum, want.Realtime
	array := x.arrays[len(x.arrays)-1]
	for _, tc := range []struct {
		name             string
		entry, array, in uint64
		ok, fails        bool
	}{
		{name: "nothing"},
		{name: "the entry", entry: last, ok: true},
		{name: "another entry", entry: at[0]},
		{name: "no entry", entry: array.off, fails: true},
		{name: "the array", array: array.off, in: uint64(len(at)) - array.first, ok: true},
		{name: "too much of it", array: array.off, in: 1 << 40},
		{name: "no array", array: last, in: 1, fails: true},
		{name: "behind the end", array: 1 << 40, in: 1, fails: true},
	} {
		h.TailEntryOffset, h.TailEntryArrayOffset, h.TailEntryArrayNEntries = tc.entry, tc.array, tc.in
		ok, err := f.TailEntry(&h, &e)
		if ok != tc.ok || (err != nil) != tc.fails || ok && e.Offset != last {
			t.Errorf("%s: %v, %v, entry at %d", tc.name, ok, err, e.Offset)
		}
	}
}
