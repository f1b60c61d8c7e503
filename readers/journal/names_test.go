package journal

import (
	"errors"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/sample"
)

// What one entry of a file has is found in the Dict if several entries of an earlier file have it.
func TestKnownFromOtherFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const entries = 40_000
	if err := sample.BuildFiles(dir, sample.Options{Entries: entries, Seed: 1}, 200); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), Options{Selection: journaldir.Selection{Path: dir}, MaxChunkEntries: 200})
	if err != nil {
		t.Fatal(err)
	}
	it, err := l.Open(t.Context(), pump.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var read, messages, again int
	units := map[string]bool{} // of the Dict, as of the chunks before
	for {
		c, err := it.Next(t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read += len(c.Entries)
		for i := range c.Own {
			f := &c.Own[i]
			if f.Name == "MESSAGE" {
				messages++
			}
			if f.Name == "_SYSTEMD_UNIT" && units[string(f.Value)] {
				again++
			}
		}
		for i := range c.Dict.Fields {
			if f := &c.Dict.Fields[i]; f.Name == "_SYSTEMD_UNIT" {
				units[string(f.Value)] = true
			}
		}
	}
	if err := errors.Join(it.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if read != entries || messages < entries/2 || len(units) < 20 {
		t.Errorf("%d entries, %d of them with a message of their own, of %d units in the Dict; want %d, most, and some", read, messages, len(units), entries)
	}
	if again > entries/100 { // seven times as many, if nobody looks for them
		t.Errorf("%d entries have a unit of their own that was in the Dict, which should be few", again)
	}
}

// Looking for what is never known is given up, but tried again now and then.
func TestOdds(t *testing.T) {
	t.Parallel()
	names := newNameTable()
	name := names.find([]byte("MESSAGE"))
	asked := func(times int, known bool) (n int) {
		for range times {
			if name.promising() {
				name.note(known)
				n++
			}
		}
		return n
	}
	if n := asked(1000, false); n > 120 {
		t.Errorf("looked for %d of 1000 values that are not known", n)
	}
	if n := asked(1000, true); n < 900 {
		t.Errorf("looked for %d of 1000 values that are known", n)
	}
	if names.find([]byte("MESSAGE")) != name || names.len() != 1 {
		t.Error("a name is found as another one")
	}
}
