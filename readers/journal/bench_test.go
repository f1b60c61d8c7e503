package journal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
	"journalpump/test/sample"
)

// corpus makes a journal of n entries in so many files.
func corpus(b *testing.B, n, files int) string {
	b.Helper()
	dir := b.TempDir()
	if err := sample.BuildFiles(dir, sample.Options{Entries: n, Seed: 1}, files); err != nil {
		b.Fatal(err)
	}
	return dir
}

func BenchmarkUnits(b *testing.B) {
	dir := corpus(b, 50_000, 5)
	for _, units := range [][]string{{"tail-007.service"}, {"tail-*.service"}, {"nginx.service", "kubelet.service"}} {
		b.Run(fmt.Sprint(units), func(b *testing.B) {
			l := openLog(b, Options{Selection: openDir(b, dir).opts.Selection, Units: units})
			b.ReportAllocs()
			n, cpu := 0, cpuTime(b)
			for b.Loop() {
				n += count(b, l)
			}
			speed(b, n, cpu)
		})
	}
}

// cpuTime returns the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func speed(b *testing.B, n int, since time.Duration) {
	b.Helper()
	used := cpuTime(b) - since
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(n)/used.Seconds(), "entries/cpu-s")
	b.ReportMetric(float64(n)/float64(b.N), "entries/op")
}

// count reads everything and returns how many entries that were.
func count(b *testing.B, l *Log) int {
	b.Helper()
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
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}
