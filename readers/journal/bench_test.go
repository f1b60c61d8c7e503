package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"journalpump/pump"
)

// corpus makes a journal of n entries out of generate.py's stream, in files files one after the other.
func corpus(b *testing.B, n, files int) string {
	b.Helper()
	shared := os.Getenv("JOURNALPUMP_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	script := filepath.Join(shared, "journal", "generate.py")
	if _, err := os.Stat(script); err != nil {
		b.Skip("no journal/generate.py in the shared folder: set JOURNALPUMP_SHARED")
	}
	dir := b.TempDir()
	for i := range files {
		start := strconv.Itoa(1_760_000_000_000_000 + i*100_000_000_000)
		text, err := exec.CommandContext(b.Context(), "python3", script, strconv.Itoa(n/files), strconv.Itoa(i+1), start).Output()
		if err != nil {
			b.Fatal(err)
		}
		writeJournal(b, filepath.Join(dir, fmt.Sprintf("f%d.journal", i)), text)
	}
	return dir
}

func BenchmarkReadAll(b *testing.B) {
	for _, files := range []int{1, 5, 500} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			l := openDir(b, corpus(b, 50_000, files))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += count(b, l)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(n)/float64(b.N), "entries/op")
		})
	}
}

func BenchmarkUnits(b *testing.B) {
	dir := corpus(b, 50_000, 5)
	for _, units := range [][]string{{"tail-007.service"}, {"tail-*.service"}, {"nginx.service", "kubelet.service"}} {
		b.Run(fmt.Sprint(units), func(b *testing.B) {
			l := openLog(b, Options{Selection: openDir(b, dir).opts.Selection, Units: units})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += count(b, l)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(n)/float64(b.N), "entries/op")
		})
	}
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
