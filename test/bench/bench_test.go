// Package bench measures the way of an entry from journal files to the JSON that senders send: the reader and a view, without
// engine and destination. Figures are entries per second of processor time (user and system, all threads, garbage collection
// included), since wall-clock time on a shared machine says little.
//
//	go test -run '^$' -bench . ./test/bench -entries 1000000 -keep /dev/shm/bench
package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/filters"
	"journalpump/pump"
	"journalpump/readers/journal"
	"journalpump/readers/journal/journaldir"
	"journalpump/test/sample"
)

var (
	entries = flag.Int("entries", 100_000, "how many `entries` the journals have")
	keep    = flag.String("keep", "", "make the journals in this `directory` and use them again the next time")
)

// corpus makes a journal of so many files.
func corpus(b *testing.B, files int) string {
	b.Helper()
	dir := b.TempDir()
	if *keep != "" {
		dir = filepath.Join(*keep, fmt.Sprintf("%d-entries-in-%d-files", *entries, files))
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	if err := sample.BuildFiles(dir, sample.Options{Entries: *entries, Seed: 1}, files); err != nil {
		b.Fatal(err)
	}
	return dir
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure calls pass, which goes through all entries and returns how many, again and again.
func measure(b *testing.B, pass func() int) {
	b.Helper()
	want := pass() // what is read first is mapped, and sized, for the first time
	b.ReportAllocs()
	n, cpu := 0, cpuTime(b)
	for b.Loop() {
		if got := pass(); got != want {
			b.Fatalf("%d entries, before there were %d", got, want)
		}
		n += want
	}
	used := cpuTime(b) - cpu
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(used.Nanoseconds())/float64(n), "cpu-ns/entry")
	b.ReportMetric(float64(n)/used.Seconds(), "entries/cpu-s")
}

// walk reads a journal from its beginning to its end and shows every chunk to see.
func walk(b *testing.B, dir string, options journal.Options, see func(*pump.Chunk)) int {
	b.Helper()
	options.Selection = journaldir.Selection{Path: dir}
	l, err := journal.Open(b.Context(), options)
	if err != nil {
		b.Fatal(err)
	}
	it, err := l.Open(b.Context(), pump.Position{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for {
		c, err := it.Next(b.Context())
		if errors.Is(err, pump.ErrNoMore) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		n += len(c.Entries)
		see(c)
	}
	if err := errors.Join(it.Close(), l.Close()); err != nil {
		b.Fatal(err)
	}
	return n
}

func fileCounts() []int { return []int{1, 5, 50, 500, 5000} }

// BenchmarkRead reads entries, all their fields included, and does nothing with them.
func BenchmarkRead(b *testing.B) {
	for _, files := range fileCounts() {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			dir := corpus(b, files)
			measure(b, func() int { return walk(b, dir, journal.Options{}, func(*pump.Chunk) {}) })
		})
	}
}

// BenchmarkMatch reads all entries and has the reader match each with a unit that one in nine has, by looking at its fields.
func BenchmarkMatch(b *testing.B) {
	dir := corpus(b, 5)
	options := journal.Options{Units: []string{"nginx.service", "postgresql*"}}
	measure(b, func() int {
		walk(b, dir, options, func(*pump.Chunk) {})
		return *entries
	})
}

// BenchmarkJSON makes JSON of all entries with all their fields.
func BenchmarkJSON(b *testing.B) {
	for _, files := range fileCounts() {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			dir := corpus(b, files)
			benchmarkView(b, dir, filters.ViewConfig{})
		})
	}
}

// BenchmarkJSONFew makes JSON of four fields of each entry.
func BenchmarkJSONFew(b *testing.B) {
	few, err := filters.NewFieldFilter(filters.FieldFilterConfig{Fields: []string{"message", "systemd_unit", "priority", "timestamp"}})
	if err != nil {
		b.Fatal(err)
	}
	benchmarkView(b, corpus(b, 5), filters.ViewConfig{FieldFilter: few})
}

func benchmarkView(b *testing.B, dir string, config filters.ViewConfig) {
	b.Helper()
	config.MaxBytes = filters.DefaultMaxBytes
	bytes := 0
	measure(b, func() int {
		view, err := filters.NewView(filters.NewStage(filters.StageConfig{}), config)
		if err != nil {
			b.Fatal(err)
		}
		bytes = 0
		return walk(b, dir, journal.Options{}, func(c *pump.Chunk) { bytes += view.Render(c).Bytes })
	})
	b.ReportMetric(float64(bytes)/float64(*entries), "B/entry")
}

// BenchmarkCat copies the files as they are, as cat does, to where nothing is written and to a file.
func BenchmarkCat(b *testing.B) {
	dir := corpus(b, 5)
	for _, to := range []string{"/dev/null", filepath.Join(b.TempDir(), "copy")} {
		b.Run("to="+filepath.Base(to), func(b *testing.B) {
			measure(b, func() int {
				if err := cat(dir, to); err != nil {
					b.Fatal(err)
				}
				return *entries
			})
		})
	}
}

// cat copies with read and write, in the pieces that coreutils' cat uses.
func cat(dir, to string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	buf := make([]byte, 128<<10)
	for _, path := range paths {
		in, err := os.Open(path)
		if err != nil {
			return errors.Join(err, out.Close())
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, buf)
		if err := errors.Join(err, in.Close()); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}
