package oracle

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/readers/journal/libsystemd"
)

// stream is what a log gives from a position on, entry by entry.
type stream struct {
	t     *testing.T
	it    pump.Iterator
	chunk *pump.Chunk
	i     int // of the entry in the chunk
	at    pump.Position

	all       []pump.Cursor // what take returned
	gaps      []pump.Gap
	corrupted int
}

func open(t *testing.T, l pump.Log, after pump.Position) *stream {
	t.Helper()
	it, err := l.Open(t.Context(), after)
	if err != nil {
		t.Fatalf("opening after %v: %v", after, err)
	}
	return &stream{t: t, it: it, at: after}
}

// next goes to the next entry; false at the end, where the stream is closed.
func (s *stream) next() bool {
	s.t.Helper()
	s.i++
	for s.chunk == nil || s.i >= len(s.chunk.Entries) {
		c, err := s.it.Next(s.t.Context())
		if errors.Is(err, pump.ErrNoMore) {
			s.close()
			return false
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if c.From != s.at {
			s.t.Fatalf("a chunk from %v follows one to %v", c.From, s.at)
		}
		s.chunk, s.i, s.at = c, 0, c.To
		s.gaps = append(s.gaps, c.Gaps...)
		s.corrupted += c.Corrupted
	}
	return true
}

func (s *stream) close() {
	s.t.Helper()
	if err := s.it.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *stream) cursor() pump.Cursor { return s.chunk.Entries[s.i].Position }

// place is where a lane is that has delivered the entry and none after it.
func (s *stream) place() pump.Position { return s.chunk.PositionAfter(s.i) }

// number returns the field NUMBER of the entry, by which the corpus tells the order of writing.
func (s *stream) number() string {
	v, _ := s.chunk.Lookup(s.i, "NUMBER")
	return string(v)
}

// cursors reads to the end.
func (s *stream) cursors() []pump.Cursor {
	s.t.Helper()
	return s.take(math.MaxInt)
}

// take reads so many entries, if there are as many, and closes the stream.
func (s *stream) take(n int) []pump.Cursor {
	s.t.Helper()
	for len(s.all) < n {
		if !s.next() {
			return s.all
		}
		s.all = append(s.all, s.cursor())
	}
	s.close()
	return s.all
}

func inDir(dir string) journal.Options {
	return journal.Options{Selection: journaldir.Selection{Path: dir}}
}

func native(t *testing.T, o journal.Options) *journal.Log {
	t.Helper()
	l, err := journal.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

func closeLog(t *testing.T, l pump.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// systemd opens the log with libsystemd; nil if this was built without.
func systemd(t *testing.T, s journaldir.Selection) pump.Log {
	t.Helper()
	l, err := libsystemd.Open(t.Context(), libsystemd.Options{Selection: s})
	if pump.IsPermanent(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

// sameAsJournalctl compares all that a log has, entry by entry, with what journalctl prints. It returns the entries'
// positions.
func sameAsJournalctl(t *testing.T, l pump.Log, twice bool, seen *sampler, args ...string) []pump.Cursor {
	t.Helper()
	return sameAsExport(t, l, twice, seen, journalctl(t, args...))
}

func sameAsExport(t *testing.T, l pump.Log, twice bool, seen *sampler, next func(*exported) error) []pump.Cursor {
	t.Helper()
	s := open(t, l, pump.Position{})
	var e exported
	var buf []byte
	var all []pump.Cursor
	for {
		err := next(&e)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		more := s.next()
		switch {
		case err != nil && !more:
			if !seen.damaged && (s.corrupted > 0 || len(s.gaps) > 0) {
				t.Errorf("%d corrupted, gaps %+v", s.corrupted, s.gaps)
			}
			return all
		case err != nil:
			t.Fatalf("after entry %d journalctl ends, there is still %v", len(all), s.cursor())
		case !more:
			t.Fatalf("it ends after %d entries, journalctl has still %s", len(all), e.cursor)
		}
		if diff := differs(s.chunk, s.i, &e, twice, &buf); diff != "" {
			t.Fatalf("entry %d: %s", len(all), diff)
		}
		seen.see(s, len(all))
		all = append(all, s.cursor())
	}
}

// sameAsLibsystemd compares all that two logs have, with fields that journalctl does not print.
func sameAsLibsystemd(t *testing.T, l, other pump.Log, twice bool) {
	t.Helper()
	a, b := open(t, l, pump.Position{}), open(t, other, pump.Position{})
	for n := 0; ; n++ {
		more, also := a.next(), b.next()
		if !more && !also {
			return
		}
		if more != also {
			t.Fatalf("after entry %d: there is more: %v, libsystemd: %v", n, more, also)
		}
		if diff := sameEntry(a, b, twice); diff != "" {
			t.Fatalf("entry %d: %s", n, diff)
		}
	}
}

func sameEntry(a, b *stream, twice bool) string {
	p, q := a.cursor(), b.cursor()
	if p != q && !(twice && p.SeqnumID != q.SeqnumID && identityOf(&p) == identityOf(&q)) {
		return fmt.Sprintf("it is %v, libsystemd has %v", p, q)
	}
	f, g := slices.Clone(a.chunk.Fields(a.i)), slices.Clone(b.chunk.Fields(b.i))
	if len(f) != len(g) {
		return fmt.Sprintf("%v: %d fields, libsystemd has %d", p, len(f), len(g))
	}
	if p != q {
		sortRefs(a.chunk, f)
		sortRefs(b.chunk, g)
	}
	for k := range f {
		if x, y := a.chunk.Field(f[k]), b.chunk.Field(g[k]); compareFields(x, y) != 0 {
			return fmt.Sprintf("%v: field %d is %s=%.200q, libsystemd has %s=%.200q", p, k, x.Name, x.Value, y.Name, y.Value)
		}
	}
	return ""
}

func compareFields(a, b *pump.Field) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), bytes.Compare(a.Value, b.Value))
}

func sortRefs(c *pump.Chunk, refs []pump.Ref) {
	slices.SortFunc(refs, func(a, b pump.Ref) int { return compareFields(c.Field(a), c.Field(b)) })
}

// shared returns what lies in the folder that is beside the repository, and skips the test where it is not.
func shared(t *testing.T, pattern string) []string {
	t.Helper()
	dir := sharedDir()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Skipf("no %s in %s: set JOURNALPUMP_SHARED", pattern, dir)
	}
	return found
}
