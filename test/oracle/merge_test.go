package oracle

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"testing"

	"journalpump/pump"
)

// This is the order of docs/adr/0003, said once more and without regard to speed.

// compare orders two entries; 0 is an entry that is there twice.
func compare(a, b *pump.Cursor) int {
	if a.SeqnumID == b.SeqnumID && a.Seqnum != b.Seqnum {
		return cmp.Compare(a.Seqnum, b.Seqnum)
	}
	if a.BootID == b.BootID && a.Monotonic != b.Monotonic {
		return cmp.Compare(a.Monotonic, b.Monotonic)
	}
	return cmp.Or(cmp.Compare(a.Realtime, b.Realtime), cmp.Compare(a.XorHash, b.XorHash))
}

// identity is what copies of an entry share.
type identity struct {
	boot                pump.ID128
	mono, realtime, xor uint64
}

func identityOf(p *pump.Cursor) identity {
	return identity{p.BootID, p.Monotonic, p.Realtime, p.XorHash}
}

// merge follows a reader through the files.
type merge struct {
	files   [][]pump.Cursor // what each has that was not read
	seen    map[identity]bool
	circles int // places where none of the files' next entries was before all others
}

// filePositions returns what journalctl reads from each file of the directory by itself.
func filePositions(t *testing.T, dir string) [][]pump.Cursor {
	t.Helper()
	paths, err := inDir(dir).Selection.List()
	if err != nil {
		t.Fatal(err)
	}
	files := make([][]pump.Cursor, 0, len(paths))
	for _, path := range paths {
		files = append(files, cursorsIn(t, path))
	}
	return files
}

// cursorsIn returns what journalctl reads from a file.
func cursorsIn(t *testing.T, path string) []pump.Cursor {
	t.Helper()
	next := journalctl(t, "--file="+path)
	var all []pump.Cursor
	var e exported
	for {
		err := next(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := pump.ParsePosition(string(e.cursor))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Cursor)
	}
}

// step checks that an entry may come next, and moves on.
func (m *merge) step(p *pump.Cursor) error {
	found := false
	for i, f := range m.files {
		for len(f) > 0 && f[0] != *p && m.seen[identityOf(&f[0])] { // a copy of what was there before
			f = f[1:]
		}
		m.files[i] = f
		found = found || len(f) > 0 && f[0] == *p
	}
	if !found {
		return fmt.Errorf("%v is next in no file", p)
	}
	first := m.first()
	if first == nil {
		m.circles++
	} else if compare(first, p) < 0 {
		return fmt.Errorf("%v comes before %v", p, first)
	}
	m.seen[identityOf(p)] = true
	for i, f := range m.files {
		if len(f) > 0 && (f[0] == *p || compare(&f[0], p) == 0) {
			m.files[i] = f[1:]
		}
	}
	return nil
}

// first returns the entry that is before all others that are next; nil if there is none.
func (m *merge) first() *pump.Cursor {
	var least *pump.Cursor
	for _, f := range m.files {
		if len(f) > 0 && (least == nil || compare(&f[0], least) < 0) {
			least = &f[0]
		}
	}
	for _, f := range m.files {
		if len(f) > 0 && compare(&f[0], least) < 0 {
			return nil
		}
	}
	return least
}

// left returns an entry that was not read; nil if all were.
func (m *merge) left() *pump.Cursor {
	for _, f := range m.files {
		for i := range f {
			if !m.seen[identityOf(&f[i])] {
				return &f[i]
			}
		}
	}
	return nil
}

// inOrder checks that a log gives all entries of all files, each once, in the order of docs/adr/0003. It returns their
// positions, and at how many places the order goes round in circles, which happens where clocks were set back: journalctl
// then leaves out entries.
func inOrder(t *testing.T, l pump.Log, dir string, seen *sampler) (all []pump.Cursor, circles int) {
	t.Helper()
	m := merge{files: filePositions(t, dir), seen: map[identity]bool{}}
	s := open(t, l, pump.Position{})
	for s.next() {
		p := s.cursor()
		if m.seen[identityOf(&p)] {
			t.Fatalf("entry %d is there the second time: %v", len(all), p)
		}
		if err := m.step(&p); err != nil {
			t.Fatalf("entry %d: %v", len(all), err)
		}
		seen.see(s, len(all))
		all = append(all, p)
	}
	if p := m.left(); p != nil {
		t.Fatalf("it ends after %d entries, without %v", len(all), p)
	}
	return all, m.circles
}
