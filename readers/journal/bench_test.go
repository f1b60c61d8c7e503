package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"journalpump/pump"
)

// corpus makes a journal of n entries out of generate.py's stream, cut into as many files as asked for.
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
	text, err := exec.CommandContext(b.Context(), "python3", script, strconv.Itoa(n)).Output() //nolint:gosec // the developer's own environment
	if err != nil {
		b.Fatal(err)
	}
	dir, each := b.TempDir(), (n+files-1)/files
	parts := bytes.SplitAfter(text, []byte("\n\n__CURSOR="))
	for i := 0; len(parts) > 0; i++ {
		k := min(each, len(parts))
		part := bytes.TrimSuffix(bytes.Join(parts[:k], nil), []byte("__CURSOR="))
		parts = parts[k:]
		name := fmt.Sprintf("f@%d.journal", i) // as if archived
		if len(parts) == 0 {
			name = "f.journal"
		}
		writeJournal(b, filepath.Join(dir, name), append([]byte("__CURSOR="), bytes.TrimPrefix(part, []byte("__CURSOR="))...))
	}
	return dir
}

func BenchmarkReadAll(b *testing.B) {
	for _, files := range []int{1, 5, 500} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			l := openDir(b, corpus(b, 50_000, files))
			b.ReportAllocs()
			n, cpu := 0, cpuTime(b)
			for b.Loop() {
				n += count(b, l)
			}
			speed(b, n, cpu)
		})
	}
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
