package guard

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"journalpump/internal/spool"
	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/sample"
)

const benchEntries = 100_000

// BenchmarkKeep measures copying a journal into the spool, BenchmarkSpooled reading it from there.
func BenchmarkKeep(b *testing.B) {
	inner, size := benchJournal(b)
	b.ReportAllocs()
	for b.Loop() {
		s := benchStore(b)
		keepAll(b, s, inner)
		b.ReportMetric(float64(s.spool.Size())/float64(size), "size/journal")
		if err := s.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkSpooled(b *testing.B) {
	inner, _ := benchJournal(b)
	s := benchStore(b)
	keepAll(b, s, inner)
	l := &Log{Log: inner, store: s, log: slog.New(slog.DiscardHandler)}
	b.ReportAllocs()
	for b.Loop() {
		it, err := l.Open(b.Context(), pump.Position{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for n < benchEntries {
			c, err := it.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			n += len(c.Entries)
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	if err := s.close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLook measures a look at a journal of 100 files.
func BenchmarkLook(b *testing.B) {
	dir := b.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: 1000}, 100); err != nil {
		b.Fatal(err)
	}
	w := newWatch(journaldir.Selection{Path: dir}, slog.New(slog.DiscardHandler))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.look(time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchJournal(b *testing.B) (l pump.Log, size int64) {
	b.Helper()
	dir := b.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: benchEntries}, 3); err != nil {
		b.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range paths {
		st, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		size += st.Size()
	}
	inner, err := journal.Open(b.Context(), journal.Options{Selection: journaldir.Selection{Path: dir}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = inner.Close() })
	return inner, size
}

func benchStore(b *testing.B) *store {
	b.Helper()
	s, _, err := openStore(spool.Options{Dir: filepath.Join(b.TempDir(), "spool")})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func keepAll(b *testing.B, s *store, inner pump.Log) {
	b.Helper()
	k := &keeper{store: s, inner: inner}
	defer k.rest()
	var at pump.Position
	for {
		c, err := k.read(context.WithoutCancel(b.Context()), at)
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := k.put(c); err != nil {
			b.Fatal(err)
		}
		at = c.To
	}
	if err := s.sync(); err != nil {
		b.Fatal(err)
	}
}
